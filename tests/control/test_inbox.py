"""Reading, ordering, superseding and expiring commands, without a server."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control import inbox
from control.inbox import CLASSES, Inbox, Refusal, Request
from control.protocol import Command

NOW = 1_700_000_000_000

PAYLOADS: dict[Command, dict[str, Any]] = {
    Command.SWITCH_MODE: {"mode": "scalper-macdv"},
    Command.ADD_SYMBOL: {"symbol": "BTC-USD"},
    Command.REMOVE_SYMBOL: {"symbol": "BTC-USD"},
    Command.FORCE_BACKFILL: {"symbol": "BTC-USD"},
    Command.CLEAR_CACHE: {"scope": "all"},
}


def body(command: Command = Command.RELOAD_SETTINGS, **extra: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "command": command,
        "payload": PAYLOADS.get(command, {}),
        "timestamp": NOW,
        "source": "admin",
        **extra,
    }


def read_one(item: Any, *, sent_ms: int | None = NOW) -> Request | Refusal:
    (read,) = inbox.read(item, entry_id="1-0", sent_ms=sent_ms, now_ms=NOW)
    return read


def request(
    command: Command = Command.RELOAD_SETTINGS, *, sent_ms: int | None = NOW, **extra: Any
) -> Request:
    read = read_one(body(command, **extra), sent_ms=sent_ms)
    assert isinstance(read, Request)
    return read


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ("pause", "must be an object"),
        ({}, "id: is required"),
        (body(command="explode"), "command"),  # type: ignore[arg-type]
        (body(expiresat=5), "expiresat: is not a key"),
        (body(source="me"), "source"),
        (body(timestamp=-1), "timestamp"),
        (body(Command.SWITCH_MODE, payload={"mode": "scalper"}), "mode"),
        (body(Command.SWITCH_MODE, payload=None), "mode: is required"),
        (body(Command.PAUSE, payload={"force": True}), "force: is not a key"),
        (body(Command.ADD_SYMBOL, payload={"symbol": "btc"}), "must be a symbol in capitals"),
    ],
)
def test_a_malformed_command_is_refused_with_the_name_of_the_field(item: Any, names: str) -> None:
    refusal = read_one(item)
    assert isinstance(refusal, Refusal)
    assert names in refusal.reason


def test_a_malformed_command_is_answered_under_its_id_if_that_can_be_read() -> None:
    refusal = read_one({"id": "seven", "command": "pause"})
    assert isinstance(refusal, Refusal)
    assert refusal.command_id == "seven"


def test_every_item_of_a_batch_is_read_on_its_own_and_the_entry_is_settled_with_the_last() -> None:
    good, bad, other = inbox.read(
        [body(), {"id": "x"}, body()], entry_id="7-1", sent_ms=NOW, now_ms=NOW
    )
    assert [type(item) for item in (good, bad, other)] == [Request, Refusal, Request]
    assert good.parcel.settled_by_one_more() is None
    assert bad.parcel.settled_by_one_more() is None
    assert other.parcel.settled_by_one_more() == "7-1"


def test_an_empty_batch_is_refused_and_settled() -> None:
    refusal = read_one([])
    assert isinstance(refusal, Refusal)
    assert refusal.parcel.settled_by_one_more() == "1-0"


@given(st.lists(st.sampled_from([c for c in Command if c not in inbox.OVERTAKEN]), max_size=30))
def test_commands_leave_in_class_order_and_within_a_class_as_received(order: list[Command]) -> None:
    box = Inbox()
    requests = [request(command) for command in order]
    box.receive([item for item in requests if item.command.command is not Command.STATUS], NOW)
    requests = [item for item in requests if item.command.command is not Command.STATUS]
    assert not box.at_once
    taken = [box.take() for _ in requests]
    assert taken == sorted(requests, key=lambda r: CLASSES[r.command.command])  # a stable sort
    assert box.take() is None


def test_what_overtakes_a_command_can_be_taken_alone() -> None:
    box = Inbox()
    names = (Command.ADD_SYMBOL, Command.REMOVE_SYMBOL, Command.UNDO, Command.PAUSE)
    box.receive([request(name) for name in names], NOW)
    overtaking = [box.take(before=Command.ADD_SYMBOL) for _ in range(3)]
    assert [one and one.command.command for one in overtaking] == [Command.PAUSE, None, None]
    assert len(box) == 2


def test_a_pause_takes_every_earlier_resume_out_of_the_queue() -> None:
    box = Inbox()
    first, second = request(Command.RESUME), request(Command.RESUME, desiredRevision=3)
    box.receive([first, request(), second], NOW)
    box.receive([request(Command.PAUSE, desiredRevision=4)], NOW)
    assert [resume for resume, _ in box.void] == [first, second]
    assert {answer.message for _, answer in box.void} == {"superseded by a later pause"}
    assert len(box) == 2


def test_a_pause_takes_an_earlier_undo_out_of_the_queue() -> None:
    box = Inbox()
    undo = request(Command.UNDO)
    box.receive([undo, request(Command.PAUSE)], NOW)
    assert [void for void, _ in box.void] == [undo]


def test_a_flood_of_pauses_is_bounded_and_leaves_room_for_everything_else() -> None:
    box = Inbox()
    box.receive([request(Command.PAUSE) for _ in range(inbox.MOST_PAUSES + 5)], NOW)
    assert len(box) == inbox.MOST_PAUSES
    assert len(box.at_once) == 5
    box.receive([request()], NOW)
    assert len(box) == inbox.MOST_PAUSES + 1
    for _ in range(inbox.MOST_PAUSES):
        box.take()
    box.receive([request(Command.PAUSE)], NOW)
    assert len(box) == 2


def test_a_late_pause_does_not_take_out_a_newer_resume() -> None:
    box = Inbox()
    box.receive([request(Command.RESUME, desiredRevision=6)], NOW)
    box.receive([request(Command.PAUSE, desiredRevision=5)], NOW)
    assert not box.void


@pytest.mark.parametrize("command", list(Command))
def test_only_what_is_no_intent_grows_too_old_in_the_stream(command: Command) -> None:
    late = request(command, sent_ms=NOW - 31_000)
    reason = inbox.too_old(late, now_ms=NOW, redis_now_ms=NOW)
    intents = (Command.PAUSE, Command.RESUME, Command.SWITCH_MODE)
    assert (reason is None) == (command in intents)


def test_a_stream_entry_is_judged_by_the_clock_of_redis_alone() -> None:
    senders_clock_is_off = request(timestamp=NOW - 90_000)
    assert inbox.too_old(senders_clock_is_off, now_ms=NOW + 90_000, redis_now_ms=NOW) is None


def test_a_foreign_command_with_an_old_timestamp_expires_and_is_told_the_difference() -> None:
    foreign = request(sent_ms=None, timestamp=NOW - 90_000)
    reason = inbox.too_old(foreign, now_ms=NOW, redis_now_ms=NOW)
    assert reason is not None
    assert "90.0 s behind the worker's clock" in reason


def test_a_pause_never_expires_even_if_its_sender_says_so() -> None:
    pause = request(Command.PAUSE, sent_ms=NOW - 10**7, expiresAt=NOW - 10**6)
    assert inbox.too_old(pause, now_ms=NOW, redis_now_ms=NOW) is None


def test_an_explicit_expiry_is_kept_to_the_millisecond() -> None:
    resume = request(Command.RESUME, expiresAt=NOW)
    assert inbox.too_old(resume, now_ms=NOW, redis_now_ms=NOW) is None
    assert inbox.too_old(resume, now_ms=NOW, redis_now_ms=NOW + 1) is not None


def test_a_batch_that_is_too_long_to_be_meant_is_one_refusal() -> None:
    (refusal,) = inbox.read([0] * (inbox.LARGEST_BATCH + 1), entry_id="1-0", sent_ms=1, now_ms=1)
    assert isinstance(refusal, Refusal)
    assert f"must have 1 to {inbox.LARGEST_BATCH}" in refusal.reason
    assert refusal.parcel.settled_by_one_more() == "1-0"


def test_a_reason_does_not_grow_with_what_was_sent() -> None:
    body = {"id": "x"} | {f"key{number}": 0 for number in range(5_000)}
    (refusal,) = inbox.read(body, entry_id=None, sent_ms=None, now_ms=1)
    assert isinstance(refusal, Refusal)
    assert len(refusal.reason) == inbox.LONGEST_REASON
