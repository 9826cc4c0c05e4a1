"""Notices as Discord's embeds, within every limit that it has.

Rule 1: what does not fit is left out as a whole field, from the end; only a title, a description
    and a value that is too long by itself are cut inside.
Rule 2: the limit for all embeds of a message is shared: what a short one does not need, a long one
    has.

Source: https://docs.discord.com/developers/resources/message#embed-object-embed-limits, read
2026-11-28.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from trading.alerts import markdown
from trading.alerts.markdown import escaped, units
from trading.alerts.ports import Digest, Notice
from trading.alerts.tables import digest_rows, momentum_rows

EMBEDS: Final = 10
FIELDS: Final = 25
TITLE: Final = 256
DESCRIPTION: Final = 4_096
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1_024
FOOTER: Final = 2_048
IN_ALL: Final = 6_000

_TIME = 160  # no date, time and zone takes more
_COLOURS: Final = {"up": 0x2EA043, "down": 0xD1342F, "trouble": 0xD29922, "recovered": 0x388BFD}
_COLOUR_OF_MANY: Final = 0x8B949E


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    value: str
    inline: bool

    @property
    def size(self) -> int:
        return units(self.name) + units(self.value)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "inline": self.inline}


def embeds_of(notices: Sequence[Notice]) -> list[dict[str, Any]]:
    """An embed for each notice, at most :data:`EMBEDS` of them, in their order."""
    notices = notices[:EMBEDS]
    whole = [_embed(notice, IN_ALL) for notice in notices]
    sizes = [size(embed) for embed in whole]
    return [
        embed if taken <= share else _embed(notice, share)
        for notice, embed, taken, share in zip(
            notices, whole, sizes, _shares(sizes, IN_ALL), strict=True
        )
    ]


def embed_of_digest(digest: Digest) -> dict[str, Any]:
    """One embed for many notices: a table."""
    title = escaped(digest.title, TITLE)
    tones = {notice.tone for notice in digest.notices}
    colour = _COLOURS.get(tones.pop(), _COLOUR_OF_MANY) if len(tones) == 1 else _COLOUR_OF_MANY
    rows = [markdown.cut(markdown.clean(row), 120) for row in digest_rows(digest.notices)]
    return {
        "title": title,
        "description": markdown.table(rows, min(DESCRIPTION, IN_ALL - units(title)))
        or markdown.NOTHING,
        "color": colour,
    }


def size(embed: dict[str, Any]) -> int:
    """How much an embed takes of the limit for all of a message."""
    texts = [embed.get("title", ""), embed.get("description", "")]
    texts += [embed.get("footer", {}).get("text", ""), embed.get("author", {}).get("name", "")]
    for field in embed.get("fields", ()):
        texts += [field["name"], field["value"]]
    return sum(map(units, texts))


def _embed(notice: Notice, room: int) -> dict[str, Any]:
    title = escaped(notice.title, TITLE)
    time = markdown.cut(f"{notice.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", _TIME)
    if (local := markdown.clean(notice.at_local)) and local != time:
        time = markdown.cut(f"{time} · {local}", _TIME)
    room -= units(title) + units(time)
    description = escaped(notice.summary, min(DESCRIPTION, room // 2), lines=True)
    fields = _fitting(notice, room - units(description))
    return {
        "title": title,
        "description": description,
        "color": _COLOURS.get(notice.tone, _COLOUR_OF_MANY),
        "fields": [field.as_json() for field in fields],
        "footer": {"text": time},
    }


def _fitting(notice: Notice, room: int) -> list[_Field]:
    """The fields that fit: the table of all timeframes goes before the last facts."""
    last = _last_fields(notice)
    reserved = sum(field.size for field in last)
    if reserved > room:
        last, reserved = [], 0
    taken = _first_fitting(
        (
            _Field(escaped(name, FIELD_NAME), escaped(value, FIELD_VALUE, lines=True), inline=True)
            for name, value in notice.facts
        ),
        room - reserved,
        FIELDS - len(last),
    )
    return [*taken, *last]


def _last_fields(notice: Notice) -> list[_Field]:
    fields = []
    if notice.bias:
        fields.append(_Field("Bias", escaped(notice.bias, FIELD_VALUE), inline=True))
    if table := markdown.table(momentum_rows(notice.momentum), FIELD_VALUE):
        fields.append(_Field("MACD-V", table, inline=False))
    return fields


def _first_fitting(fields: Iterable[_Field], room: int, most: int) -> list[_Field]:
    taken: list[_Field] = []
    for field in fields:
        room -= field.size
        if room < 0 or len(taken) == most:
            break
        taken.append(field)
    return taken


def _shares(sizes: Sequence[int], total: int) -> list[int]:
    """What each may take: the shortest have what they need, the others equal parts of the rest."""
    shares = [0] * len(sizes)
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    for served, index in enumerate(order):
        shares[index] = min(sizes[index], total // (len(order) - served))
        total -= shares[index]
    return shares
