"""What Discord takes as a message."""

from __future__ import annotations

from typing import Any

import pytest

from trading.simulator.discord.limits import refusal


def embed(**fields: Any) -> dict[str, Any]:
    return {"embeds": [{"title": "t", **fields}]}


def many(count: int, **field: str) -> dict[str, Any]:
    return embed(fields=[{"name": "n", "value": "v", **field}] * count)


@pytest.mark.parametrize(
    "payload",
    [
        {"content": "x" * 2_000},
        embed(title="x" * 256),
        embed(title=f"  {'x' * 256}\n"),
        embed(title="😀" * 128),
        embed(description="x" * 4_096),
        many(25),
        many(1, name="x" * 256, value="x" * 1_024),
        embed(footer={"text": "x" * 2_048}),
        embed(color=0xFFFFFF),
        embed(title="x" * 256, description="x" * 4_096, footer={"text": "x" * 1_648}),
        {"embeds": [{"title": "t"}] * 10, "allowed_mentions": {"parse": []}},
    ],
)
def test_message_at_a_limit_is_taken(payload: dict[str, Any]) -> None:
    assert refusal(payload) is None


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"content": "x" * 2_001}, "content"),
        (embed(title="x" * 257), "embeds.0.title"),
        (embed(title="😀" * 129), "embeds.0.title"),
        (embed(description="x" * 4_097), "embeds.0.description"),
        (many(26), "embeds.0.fields"),
        (many(1, name="x" * 257), "embeds.0.fields.0.name"),
        (many(1, value="x" * 1_025), "embeds.0.fields.0.value"),
        (many(1, value=" \n"), "embeds.0.fields.0.value"),
        (embed(footer={"text": "x" * 2_049}), "embeds.0.footer.text"),
        (embed(color=0x1000000), "embeds.0.color"),
        (embed(image={"url": "attachment://chart.png"}), "embeds.0.image.url"),
        (embed(image={"url": "file:///etc/passwd"}), "embeds.0.image.url"),
        ({"embeds": [{"title": "t"}] * 11}, "embeds"),
        ({"embeds": [{"description": "x" * 3_000}, {"description": "x" * 3_001}]}, "embeds"),
        (embed() | {"allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0"),
        ({"embeds": [{}]}, "embeds.0"),
    ],
)
def test_message_over_a_limit_is_refused_where_it_is(payload: dict[str, Any], place: str) -> None:
    said = refusal(payload)
    assert said is not None
    assert said["code"] == 50035
    errors = said["errors"]
    for key in place.split("."):
        errors = errors[key]
    assert errors["_errors"][0].keys() == {"code", "message"}


@pytest.mark.parametrize(("payload", "code"), [({}, 50006), (None, 50109), ([], 50109)])
def test_what_is_no_message_is_refused(payload: object, code: int) -> None:
    said = refusal(payload)
    assert said is not None
    assert said["code"] == code


def test_file_is_a_message() -> None:
    assert refusal({}, ["chart.png"]) is None
    assert refusal(embed(image={"url": "attachment://chart.png"}), ["chart.png"]) is None
