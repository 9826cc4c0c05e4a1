"""``manage.py replay``: a recording in, candles, indicators and signals out, as lines of JSON."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.core.errors import ConfigError
from trading.core.market import Market, Timeframe
from trading.exchanges.registry import EXCHANGES, exchange
from trading.replay.audience import Audience
from trading.replay.facts import json_of
from trading.replay.journal import Journal
from trading.replay.lines import Line, opened
from trading.replay.players import CandlesPlayer, FramesPlayer, Player, TradesPlayer
from trading.replay.recording import (
    base_timeframe,
    natives_of,
    played,
    refuse_what_is_not_there,
    symbol_of,
)

KINDS = {"candles": "candle", "indicators": "indicator", "signals": "signal"}


class Command(BaseCommand):
    """Needs no server and asks no exchange."""

    help = (
        "Feed a recording through the pipeline that runs live; print what it tells as JSON lines."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--exchange", metavar="NAME", required=True, help="Whose recording.")
        files = parser.add_mutually_exclusive_group(required=True)
        files.add_argument("--frames", metavar="FILE", help="WebSocket frames, one a line.")
        files.add_argument("--trades", metavar="FILE", help="CSV: time_ms,id,side,price,size.")
        files.add_argument(
            "--candles", metavar="FILE", help="CSV: time,open,high,low,close,volume."
        )
        parser.add_argument(
            "--symbol",
            help="Of frames, the only one to play; of a CSV, its own (else from the file's name).",
        )
        parser.add_argument(
            "--listing",
            metavar="FILE",
            help="Of frames: what the exchange answered that it lists; its markets then have their "
            "canonical names, also in --symbol.",
        )
        parser.add_argument(
            "--base", type=_timeframe, help="Timeframe of --candles (else from their spacing)."
        )
        parser.add_argument(
            "--timeframes",
            type=_timeframes,
            default=tuple(Timeframe),
            metavar="1m,5m,…",
            help="What is looked at (default: all).",
        )
        parser.add_argument(
            "--emit",
            type=_kinds,
            default=frozenset(KINDS.values()),
            metavar=",".join(KINDS),
            help="What is printed (default: all).",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["base"] and not options["candles"]:
            raise CommandError("--base is the timeframe of --candles.")
        if options["listing"] and not options["frames"]:
            raise CommandError("--listing is for --frames; a table is called by --symbol.")
        journal = Journal(lambda text: self.stderr.write(text, style_func=str))
        name = options["frames"] or options["trades"] or options["candles"]
        try:
            with opened(name) as lines:
                self._play(lines, journal, options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read has enough; nor may the interpreter's last flush complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror or error}.") from None
        except ConfigError as error:
            raise CommandError(f"{name}: {error}.") from None
        journal.summarise()
        if not journal.read:
            raise CommandError(f"Nothing in {name} can be read.")

    def _play(self, lines: Iterator[Line], journal: Journal, options: dict[str, Any]) -> None:
        audience = Audience(options["timeframes"])
        player, lines = _player(lines, audience, journal, options)
        for fact in played(lines, player, audience, journal):
            told = json_of(fact)
            if told["type"] in options["emit"]:
                self.stdout.write(msgspec.json.encode(told).decode())
        if isinstance(player, FramesPlayer) and journal.read:
            refuse_what_is_not_there(player, options["symbol"], exchange(options["exchange"]))


def _player(
    lines: Iterator[Line], audience: Audience, journal: Journal, options: dict[str, Any]
) -> tuple[Player, Iterator[Line]]:
    """Who plays this recording, and its lines."""
    name, symbol = options["exchange"], options["symbol"]
    if options["frames"]:
        venue, listing = exchange(name), options["listing"]
        natives = natives_of(venue, _read(listing)) if listing else None
        return FramesPlayer(venue, symbol, audience, journal.note, natives), lines
    market = Market(name, symbol or symbol_of(options["trades"] or options["candles"]))
    if options["trades"]:
        known = EXCHANGES.get(name)
        leaves_out = known is not None and known.leaves_out_ids
        return TradesPlayer(market, audience, journal.note, leaves_out_ids=leaves_out), lines
    base = options["base"]
    if base is None:
        base, lines = base_timeframe(lines)
    return CandlesPlayer(market, base, audience), lines


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror or error}.") from None


def _timeframe(text: str) -> Timeframe:
    try:
        return Timeframe(text.strip())
    except ValueError:
        known = ", ".join(Timeframe)
        raise ArgumentTypeError(f"a timeframe is one of {known}; not {text}") from None


def _timeframes(text: str) -> tuple[Timeframe, ...]:
    wanted = {_timeframe(one) for one in text.split(",")}
    return tuple(timeframe for timeframe in Timeframe if timeframe in wanted)


def _kinds(text: str) -> frozenset[str]:
    names = {one.strip() for one in text.split(",")}
    if not names <= KINDS.keys():
        raise ArgumentTypeError(f"printed can be {', '.join(KINDS)}; not {text}")
    return frozenset(KINDS[name] for name in names)
