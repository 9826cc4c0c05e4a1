"""Hearing a channel for a moment, on a real Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis

from control import listening, wire
from control.listening import asking_for, listening_to
from tests.control.running import eventually, publish

CHANNEL, OTHER = "livermore:responses:anna", "livermore:responses:bela"


@pytest.fixture(autouse=True)
def _nothing_kept(redis_url: str) -> Iterator[None]:
    listening._kept.clear()
    yield
    listening._kept.clear()


def heard(pubsub: Any) -> str | None:
    """The next message; None where there is none yet."""
    message = pubsub.get_message(timeout=0.5)
    return None if message is None else message["data"]


def listeners() -> set[str]:
    """The connections that listen, or did so last."""
    rows: Any = wire.shared().client_list()
    return {row["id"] for row in rows if row["cmd"].endswith("subscribe")}


def test_what_is_published_within_the_block_is_heard() -> None:
    for text in ("first", "second"):
        with listening_to(CHANNEL) as responses:
            assert publish(CHANNEL, text) == 1
            assert heard(responses) == text


def test_a_connection_is_used_again_and_subscribed_to_nothing_meanwhile() -> None:
    with listening_to(CHANNEL):
        before = listeners()
    with listening_to(OTHER):
        assert listeners() == before
    eventually(lambda: publish(CHANNEL, "") == publish(OTHER, "") == 0)


def test_a_connection_that_broke_meanwhile_is_not_subscribed_to_what_it_heard_before() -> None:
    with listening_to(CHANNEL) as responses:
        connection: Any = responses.connection
    connection.disconnect()  # as where sending finds it broken
    with listening_to(OTHER):
        assert publish(CHANNEL, "") == 0


def test_what_came_for_one_is_never_seen_by_the_next() -> None:
    with listening_to(CHANNEL):
        publish(CHANNEL, "of the first")
    with listening_to(CHANNEL) as responses:
        publish(CHANNEL, "of the second")
        assert heard(responses) == "of the second"


def test_two_at_once_have_a_connection_each() -> None:
    with listening_to(CHANNEL) as mine, listening_to(OTHER) as theirs:
        publish(OTHER, "theirs")
        publish(CHANNEL, "mine")
        assert (heard(mine), heard(theirs)) == ("mine", "theirs")


def test_a_connection_that_redis_has_closed_is_replaced() -> None:
    with listening_to(CHANNEL):
        pass
    wire.shared().client_kill_filter(_type="pubsub")
    wire.shared().client_kill_filter(_type="normal", skipme=True)
    with listening_to(CHANNEL) as responses:
        publish(CHANNEL, "back")
        assert heard(responses) == "back"


def test_a_block_that_failed_leaves_no_connection_behind() -> None:
    with pytest.raises(redis.TimeoutError), listening_to(CHANNEL):
        raise redis.TimeoutError
    assert not listening._kept


def test_no_more_are_kept_than_are_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MOST_KEPT", 2)
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(listening_to(CHANNEL))
        assert len(listeners()) == 4
    eventually(lambda: len(listeners()) == 2)


def test_one_that_was_left_long_ago_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening_to(CHANNEL):
        old = listeners()
    monkeypatch.setattr(listening, "KEPT_SECONDS", 0.0)
    with listening_to(CHANNEL):
        assert listeners().isdisjoint(old)


def test_a_child_process_does_not_speak_on_its_parents_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening_to(CHANNEL):
        of_the_parent = listeners()
    monkeypatch.setattr(os, "getpid", os.getppid)
    with listening_to(CHANNEL):
        assert listeners().isdisjoint(of_the_parent)


def test_a_subscription_asked_for_before_is_in_effect_when_the_block_begins() -> None:
    with listening_to(CHANNEL):
        before = listeners()
    with asking_for(CHANNEL) as asked, listening_to(CHANNEL, asked) as responses:
        assert listeners() == before
        assert publish(CHANNEL, "heard") == 1
        assert heard(responses) == "heard"


def test_where_there_is_no_connection_to_ask_by_nobody_dials_before_it_is_needed() -> None:
    with asking_for(CHANNEL) as asked:
        assert listeners() == set()
        with listening_to(CHANNEL, asked) as responses:
            publish(CHANNEL, "heard")
            assert heard(responses) == "heard"


def test_one_that_was_asked_for_in_vain_is_hung_up() -> None:
    with listening_to(CHANNEL):
        pass
    with asking_for(CHANNEL):
        pass
    assert not listening._kept
    eventually(lambda: listeners() == set())


def test_one_that_was_asked_for_of_a_redis_that_was_restarted_is_replaced() -> None:
    with listening_to(CHANNEL):
        pass
    wire.shared().client_kill_filter(_type="pubsub")
    wire.shared().client_kill_filter(_type="normal", skipme=True)
    with asking_for(CHANNEL) as asked, listening_to(CHANNEL, asked) as responses:
        publish(CHANNEL, "back")
        assert heard(responses) == "back"
