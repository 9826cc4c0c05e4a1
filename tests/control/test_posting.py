"""Commands are put into the stream and told of in one moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import redis
from redis.client import PubSub

from control import posting, wire
from control.protocol import (
    FOREIGN,
    Command,
    Origin,
    Posted,
    RuntimeCommand,
    commands_of,
    entries_of,
)

SUB = "anna"
ANNA = Origin(who="anna « é 日 »", via="panel")


@pytest.fixture
def heard(redis_url: str) -> Iterator[PubSub]:
    """Whoever listens to both channels of the user."""
    pubsub = wire.shared().pubsub()  # type: ignore[no-untyped-call]  # redis-py
    pubsub.subscribe(entries_of(SUB), commands_of(SUB))
    for _ in range(2):
        pubsub.get_message(timeout=5)
    yield pubsub
    pubsub.close()


def commands(*numbers: int) -> list[RuntimeCommand]:
    return [
        RuntimeCommand(id=UUID(int=n), command=Command.STATUS, timestamp=n, source="admin")
        for n in numbers
    ]


def entries() -> list[tuple[str, dict[str, str]]]:
    rows: Any = wire.shared().xrange(commands_of(SUB))
    return [(entry_id, fields) for entry_id, fields in rows]


def texts_of(pubsub: PubSub) -> tuple[Posted, str]:
    """The word to workers, and then the message to all."""
    first, second = (pubsub.get_message(timeout=5) for _ in range(2))
    assert (first["channel"], second["channel"]) == (entries_of(SUB), commands_of(SUB))
    return Posted.model_validate_json(first["data"]), second["data"]


def test_a_command_stands_in_the_stream_with_who_sent_it(heard: PubSub) -> None:
    (command,) = commands(1)
    assert posting.post(SUB, [command], ANNA) == 1
    [(_, fields)] = entries()
    assert fields == {"command": command.to_json(), "origin": ANNA.to_json()}


def test_the_word_is_of_what_stands_in_the_stream_and_of_what_was_there_before(
    heard: PubSub,
) -> None:
    posting.post(SUB, commands(1), ANNA)
    first, message = texts_of(heard)
    posting.post(SUB, commands(2, 3), FOREIGN)
    second, batch = texts_of(heard)
    (one, two, three) = entries()
    assert first.before == "0-0"
    assert first.entries == [(one[0], one[1]["command"])]
    assert first.origin == ANNA.to_json()
    assert second.before == one[0]
    assert second.entries == [(entry, fields["command"]) for entry, fields in (two, three)]
    assert message == one[1]["command"]
    assert batch == posting.body_of([two[1]["command"], three[1]["command"]])


def test_what_was_settled_is_still_what_was_there_before(heard: PubSub) -> None:
    posting.post(SUB, commands(1), ANNA)
    texts_of(heard)
    [(gone, _)] = entries()
    wire.shared().xdel(commands_of(SUB), gone)
    posting.post(SUB, commands(2), ANNA)
    assert texts_of(heard)[0].before == gone


def test_nothing_is_told_of_what_redis_did_not_take(heard: PubSub) -> None:
    wire.shared().set(commands_of(SUB), "no stream")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        posting.post(SUB, commands(1), ANNA)
    assert heard.get_message(timeout=0.2) is None


def test_a_redis_without_room_is_named_in_plain_words(redis_url: str) -> None:
    wire.shared().config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.OutOfMemoryError) as refused:
            posting.post(SUB, commands(1), ANNA)
    finally:
        wire.shared().config_set("maxmemory", 0)
    assert "script" not in str(refused.value)
    assert entries() == []


def test_a_redis_that_has_forgotten_the_script_is_told_it_again(redis_url: str) -> None:
    posting.post(SUB, commands(1), ANNA)
    wire.shared().script_flush()
    posting.post(SUB, commands(2), ANNA)
    assert len(entries()) == 2
