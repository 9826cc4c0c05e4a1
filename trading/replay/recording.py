"""A recording as a whole: what it is called, and how it is played from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import PurePath

from trading.core.errors import ConfigError, ExchangeError
from trading.core.market import Timeframe
from trading.exchanges.ports import Exchange, Response
from trading.replay import rows
from trading.replay.audience import Audience, Fact
from trading.replay.errors import Unreadable
from trading.replay.journal import Journal
from trading.replay.lines import Line
from trading.replay.players import FramesPlayer, Player

UNNAMED = "REPLAY-USD"
"""The symbol of a recording whose file names none."""

_SYMBOL = re.compile(r"(?<![A-Za-z0-9])[A-Z0-9]*[A-Z][A-Z0-9]*-[A-Z]{3,6}(?![A-Za-z0-9])")
_LOOKED_AT = 1_000
_NAMED = 5


def symbol_of(name: str) -> str:
    """The first ``BASE-QUOTE`` in capitals in the name of a file; else :data:`UNNAMED`."""
    found = _SYMBOL.search(PurePath(name).name)
    return UNNAMED if found is None else found[0]


def natives_of(exchange: Exchange, listing: bytes) -> dict[str, str]:
    """The exchange's own ids by canonical symbol, of what it has answered that it lists.

    Raises:
        ConfigError: If that is no such answer.
    """
    try:
        listed = exchange.instruments(Response(status=200, headers={}, body=listing))
    except ExchangeError as error:
        path = exchange.instruments_request().path
        raise ConfigError(
            f"--listing must be what {exchange.label} answered to {path} ({error})"
        ) from error
    return {one.market.symbol: one.native_id for one in listed}


def refuse_what_is_not_there(player: FramesPlayer, symbol: str, exchange: Exchange) -> None:
    """Say what can be done where a recording has nothing of the market that was asked for.

    Raises:
        ConfigError: Then.
    """
    if not player.misses_symbol:
        return
    there = sorted(player.others)
    named = f"it has {', '.join(there[:_NAMED])}" if there else "it has no trade of any"
    more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
    way_out = (
        f"; {exchange.label} calls markets by its own ids: name it so, or give what it answers "
        f"to {exchange.instruments_request().path} with --listing"
        if exchange.has_own_ids
        else ""
    )
    raise ConfigError(
        f"--symbol must be a market of the recording, was {symbol}; {named}{more}{way_out}"
    )


def base_timeframe(lines: Iterator[Line]) -> tuple[Timeframe, Iterator[Line]]:
    """The timeframe of a table of candles, by the spacing of its first rows.

    Returns:
        The timeframe, and all the lines again.

    Raises:
        ConfigError: If the rows do not tell; a human has to.
    """
    head = list(islice(lines, _LOOKED_AT))
    table = rows.Table(rows.CANDLE_COLUMNS)
    openings: list[int] = []
    for line in head:
        try:
            fields = table.row(line.text())
            if fields is not None:
                openings.append(rows.opened_at(fields))
        except Unreadable:
            continue  # said when it is played
    base = rows.base_of(openings)
    if base is None and openings:
        raise ConfigError("the spacing of the candles is that of no timeframe: name it with --base")
    return base or Timeframe.M1, chain(head, lines)


def played(
    lines: Iterable[Line], player: Player, audience: Audience, journal: Journal
) -> Iterator[Fact]:
    """Everything that is found while the lines are played."""
    for line in lines:
        try:
            if player.play(line.text()):
                journal.read += 1
        except Unreadable as reason:
            journal.unreadable(line.number, reason)
        for fact in audience.facts():
            journal.count(fact)
            yield fact
