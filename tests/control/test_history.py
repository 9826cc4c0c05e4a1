"""The lines of the history: how they are made, and how those of any version are read."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from control import history, inbox
from control.inbox import Refusal, Request
from control.protocol import Command, CommandResult, Origin

NOW = 1_790_000_000_000
PANEL = Origin(who="anna", via="panel")
STORED: dict[str, Any] = {
    "id": "6f1c3f0e-8a54-4d0b-9d0e-0d5d1f3f7a11",
    "command": "pause",
    "status": "succeeded",
    "at": NOW,
    "ms": 4,
}


def read(**changes: Any) -> Request | Refusal:
    """A command as the inbox hands it on."""
    body = {"id": STORED["id"], "command": "pause", "timestamp": NOW, "source": "admin", **changes}
    [item] = inbox.read(body, entry_id="1-0", sent_ms=NOW, now_ms=NOW)
    return item


def answered(status: str = "succeeded", message: str | None = "paused") -> CommandResult:
    return CommandResult.model_validate(
        {
            "command_id": STORED["id"],
            "status": status,
            "success": status == "succeeded",
            "message": message,
            "timestamp": NOW,
        }
    )


def line(item: Request | Refusal, result: CommandResult | None, **times: Any) -> dict[str, Any]:
    """The line of an item, as the wire has it."""
    clock = {"arrived_ms": NOW, "acked_ms": NOW + 1, "now_ms": NOW + 4, **times}
    return history.entry_of(item, result, PANEL, **clock).to_dict()


def test_a_line_tells_who_asked_what_became_of_it_and_how_long_that_took() -> None:
    item = read(command="switch-mode", payload={"mode": "scalper-macdv"})
    assert line(item, answered()) == {
        "id": STORED["id"],
        "command": "switch-mode",
        "detail": "mode scalper-macdv",
        "payload": {"mode": "scalper-macdv"},
        "who": "anna",
        "via": "panel",
        "status": "succeeded",
        "message": "paused",
        "at": NOW,
        "ackMs": 1,
        "ms": 4,
    }


def test_what_was_never_acknowledged_says_so() -> None:
    assert "ackMs" not in line(read(), answered("expired"), acked_ms=None)


def test_a_clock_that_is_set_back_makes_no_negative_duration() -> None:
    told = line(read(), answered(), acked_ms=NOW - 5, now_ms=NOW - 3)
    assert (told["ackMs"], told["ms"]) == (0, 0)


def test_a_malformed_message_is_told_by_its_errors_and_not_by_what_it_held() -> None:
    told = line(read(command="pause", payload={"hunter2": "secret"}), answered("failed", "no"))
    assert (told["command"], told["status"], told["message"]) == ("malformed", "failed", "no")
    assert "payload" not in told


def test_a_message_without_an_id_has_a_line_as_well() -> None:
    [item] = inbox.read(7, entry_id="1-0", sent_ms=NOW, now_ms=NOW)
    told = line(item, None, acked_ms=None)
    assert (told["id"], told["command"], told["status"]) == ("", "malformed", "failed")
    assert told["message"]


@pytest.mark.parametrize(
    ("command", "payload", "words"),
    [
        ("pause", {}, ""),
        ("switch-mode", {"mode": "scalper-macdv"}, "mode scalper-macdv"),
        ("add-symbol", {"symbol": "BTC-USD"}, "BTC-USD"),
        ("remove-symbol", {"symbol": "BTC-USD", "exchange": "coinbase"}, "BTC-USD on coinbase"),
        (
            "force-backfill",
            {"symbol": "BTC-USD", "exchange": "coinbase", "timeframes": ["1m", "1h"]},
            "BTC-USD on coinbase, 1m 1h",
        ),
        ("force-backfill", {"symbol": "BTC-USD", "timeframes": None}, "BTC-USD"),
        ("clear-cache", {"scope": "all"}, "scope all"),
        ("clear-cache", {"scope": "symbol", "symbol": "BTC-USD"}, "scope symbol BTC-USD"),
        (
            "clear-cache",
            {"scope": "timeframe", "timeframe": "1h", "symbol": "BTC-USD", "exchange": "coinbase"},
            "scope timeframe 1h BTC-USD on coinbase",
        ),
        ("clear-cache", {"scope": "timeframe", "timeframe": "1h"}, "scope timeframe 1h"),
        ("reload-settings", {}, ""),
        ("reload-settings", {"revision": 7, "origin": "api"}, "revision 7, saved by api"),
    ],
)
def test_a_payload_is_told_in_a_few_words(command: str, payload: Any, words: str) -> None:
    assert isinstance(read(command=command, payload=payload), Request)
    assert history.detail(Command(command), payload) == words


# ------------------------------------------------------------------ reading
def row(number: int, stored: Any) -> tuple[str, dict[str, str]]:
    return f"{number}-0", {"entry": stored if isinstance(stored, str) else json.dumps(stored)}


def test_a_line_of_the_version_before_is_understood() -> None:
    old = {**STORED, "payload": {}, "origin": "admin", "message": "paused"}
    [entry] = history.page_of([row(1, old)], limit=5).entries
    assert (entry.command, entry.via, entry.who, entry.ack_ms) == ("pause", "admin", "", None)


def test_a_line_of_a_newer_version_is_read_as_far_as_it_is_understood() -> None:
    newer = {**STORED, "via": "carrier pigeon", "weather": "fine"}
    [entry] = history.page_of([row(1, newer)], limit=5).entries
    assert entry.via == "carrier pigeon"


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", "7", "null", '{"command": "pause"}', "[" * 100_000]
)
def test_a_line_that_cannot_be_read_hides_no_other(damaged: str) -> None:
    rows = [row(3, STORED), row(2, damaged), ("1-0", {"other": "field"}), row(0, STORED)]
    assert len(history.page_of(rows, limit=5).entries) == 2


def test_a_page_says_where_the_older_lines_begin_and_the_last_one_does_not() -> None:
    rows = [row(number, {**STORED, "id": str(uuid.uuid4())}) for number in (3, 2, 1)]
    assert history.page_of(rows, limit=2).next == "2-0"
    assert len(history.page_of(rows, limit=2).entries) == 2
    assert history.page_of(rows, limit=3).next is None
    assert history.page_of([], limit=3).next is None


@pytest.mark.parametrize(
    "before", ["", "+", "-", "(1-0", "1-", "x", "0-0", "0", "٣", "1-0\n", "1" * 20]
)
def test_what_is_no_place_in_the_history_is_refused(before: str) -> None:
    with pytest.raises(ValueError, match="must be an id of the history"):
        history.newest_allowed(before)
