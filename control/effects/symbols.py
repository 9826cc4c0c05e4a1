"""Adding a symbol to the watchlist and taking one off, as one change of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from control.effects.base import CommandFailed, Done, Work, watching
from control.plan import Situation
from control.symbols import watchlist
from control.undo import Splice, Undo
from settings_app.schema import Settings
from trading.core.market import InstrumentKind, Market
from trading.core.search import nearest


def add(work: Work) -> Done:
    """Watch a symbol from now on."""
    change = _Change(work, adds=True)
    return change.done(change.make())


def remove(work: Work) -> Done:
    """Watch a symbol no longer."""
    change = _Change(work, adds=False)
    return change.done(change.make())


class _Change:
    """One change of the watchlist: made under the row's lock, told afterwards."""

    def __init__(self, work: Work, *, adds: bool) -> None:
        self._work = work
        self._adds = adds
        self._splice: Splice | None = None
        self._inverse: Splice | None = None
        self._market = Market("", "")

    def make(self) -> Situation:
        """Save it, and what undoes it; the situation afterwards."""
        ledger = self._work.ledger
        revision = ledger.edit(self._changed, origin=str(self._work.command.command))
        if self._inverse is not None:
            verb = "remove" if self._adds else "put back"
            undo = Undo(
                command=str(self._work.command.command),
                text=f"{verb} {self._market.symbol}",
                inverse=self._inverse,
                revision=revision,
            )
            ledger.remember(undo)
            return replace(ledger.situation(), undo=undo)  # it is written with the receipt
        return ledger.situation()

    def done(self, now: Situation) -> Done:
        """The answer, which says what became of the symbol in truth."""
        data = {**self._work.data(now), "changed": self._splice is not None}
        if not self._adds:
            data["stillWatched"] = self._stays(now)
        return Done(message=self._message(now), data=data, situation=now)

    def _changed(self, document: dict[str, Any]) -> dict[str, Any]:
        payload = self._work.payload
        symbol = payload["symbol"]
        exchange = payload.get("exchange") or document["perseus_profile"]["primary_exchange"]
        self._market = Market(exchange, symbol)
        rows = document["watchlist"]
        if self._adds:
            self._refuse_what_cannot_be_watched(document)
            self._splice = watchlist.addition(rows, symbol=symbol, exchange=exchange)
        else:
            self._splice = watchlist.removal(rows, symbol=symbol, exchange=exchange)
        if self._splice is None:
            return document
        self._inverse = self._splice.inverse(rows)
        return {**document, "watchlist": self._splice.made_in(rows)}

    def _refuse_what_cannot_be_watched(self, document: dict[str, Any]) -> None:
        exchange, symbol = self._market
        configured = document["exchanges"].items()
        enabled = [name for name, settings in configured if settings["enabled"]]
        refuse_disabled(exchange, enabled)
        refuse_unknown(self._work, exchange)
        refuse_unlisted(self._work, exchange, symbol)

    def _message(self, now: Situation) -> str:
        symbol, exchange = self._market.symbol, self._market.exchange
        if self._splice is None:
            if self._adds:
                return f"{symbol} of {exchange} is on the watchlist already"
            return f"{symbol} of {exchange} is not on the watchlist; nothing to remove"
        what = "added" if self._adds else "removed"
        return f"{symbol} of {exchange} {what}; {self._consequence(now)}"

    def _consequence(self, now: Situation) -> str:
        if now.plan is None:
            return "the settings cannot be used, so nothing is watched"
        if self._adds and self._market not in now.plan.markets:
            return f"mode {now.desired.mode} does not watch the watchlist"
        why = ", for it is held" if self._market in now.plan.held else ""
        if now.desired.is_paused:
            still = f"; it is watched then still{why}" if self._stays(now) else ""
            return f"takes effect on resume{still}"
        if self._stays(now):
            return f"mode {now.desired.mode} watches it still{why}"
        return watching(now)

    def _stays(self, now: Situation) -> bool:
        """Whether what was taken off the list is wanted all the same: a position keeps it."""
        return not self._adds and now.plan is not None and self._market in now.plan.markets


def refuse_disabled(exchange: str, enabled: Sequence[str]) -> None:
    """Let only an exchange pass that the settings enable.

    Raises:
        CommandFailed: With those that they do enable, and the way out.
    """
    if exchange not in enabled:
        raise CommandFailed(
            f"exchange: {exchange} is not enabled in the settings (enabled:"
            f" {', '.join(enabled) or 'none'}); enable it under /exchanges first"
        )


def refuse_unknown(work: Work, exchange: str) -> None:
    """Let nothing pass while it is not known what the exchange lists.

    Raises:
        CommandFailed: With the reason.
    """
    if work.before.listed(exchange) is None:
        unlisted = f"it is not known what {exchange} lists; nothing was changed. Try again later."
        raise CommandFailed(work.before.unlisted or unlisted)


def refuse_unlisted(work: Work, exchange: str, symbol: str) -> None:
    """Let only a symbol pass that the exchange lists and has open, as far as that is known.

    Raises:
        CommandFailed: With the nearest that it does list, or why this one is not open.
    """
    listed = work.before.listed(exchange)
    if listed is None:
        return
    one = listed.get(symbol)
    if one is None:
        near = nearest(symbol, [name for name, other in listed.items() if other.streamable])
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise _refused(work, f"{exchange} does not list {symbol}{hint}")
    if one.kind is not InstrumentKind.SPOT:
        raise _refused(work, f"{symbol} of {exchange} is a {one.kind}, no spot market")
    if not one.streamable:
        why = one.status or "not open to trade"
        raise _refused(work, f"{symbol} of {exchange} cannot be watched: {why}")


def _refused(work: Work, reason: str) -> CommandFailed:
    """With how old the list is that says so, where it is old."""
    note = work.before.list_note
    if not note:
        return CommandFailed(f"symbol: {reason}")
    stop = "" if reason.endswith("?") else "."
    return CommandFailed(f"symbol: {reason}{stop} {note}")


def primary_exchange(document: Settings) -> str:
    """The exchange that is meant where a command names none."""
    return str(document.perseus_profile.primary_exchange)
