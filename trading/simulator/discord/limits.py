"""What Discord takes as a message of a webhook, and how it says that it does not.

Rule 1: pure: a payload in, the errors out, by field and in the shape of Discord's answer.
Rule 2: texts count without the space around them, in UTF-16 units: where Discord's own counting is
    gentler, a sender that passes here passes there.

Source: https://docs.discord.com/developers/resources/message#embed-object-embed-limits and
https://docs.discord.com/developers/reference#error-messages, read 2026-11-28.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

CONTENT: Final = 2_000
EMBEDS: Final = 10
FIELDS: Final = 25
EMBED_SIZE: Final = 6_000  # of all embeds of a message together
FILE_BYTES: Final = 10 * 1_024 * 1_024
COLOUR: Final = 0xFFFFFF
MENTIONS: Final = frozenset({"roles", "users", "everyone"})
_SCHEMES: Final = ("http://", "https://", "attachment://")


class Complaint(NamedTuple):
    """What is wrong, and where: the keys that lead to the field."""

    place: tuple[str, ...]
    code: str
    message: str


def refusal(payload: object, files: Collection[str] = ()) -> dict[str, Any] | None:
    """The body of Discord's 400 for a payload; None where it takes it.

    Args:
        payload: As it was decoded.
        files: The names of the files that came with it.
    """
    if not isinstance(payload, dict):
        return {"message": "The request body contains invalid JSON.", "code": 50109}
    complaints = list(_complaints(payload, files))
    if complaints:
        return {"message": "Invalid Form Body", "code": 50035, "errors": _nested(complaints)}
    if not (_text(payload.get("content")) or payload.get("embeds") or files):
        return {"message": "Cannot send an empty message", "code": 50006}
    return None


def length(text: str) -> int:
    """How long Discord finds a text."""
    return len(text.strip().encode("utf-16-le", "surrogatepass")) // 2


def _complaints(payload: dict[str, Any], files: Collection[str]) -> Iterator[Complaint]:
    yield from _long(payload, "content", CONTENT, ())
    yield from _mentions(payload.get("allowed_mentions"))
    embeds = payload.get("embeds", [])
    if not isinstance(embeds, list):
        yield Complaint(
            ("embeds",), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType."
        )
        return
    if len(embeds) > EMBEDS:
        yield _too_many(("embeds",), EMBEDS)
    for index, embed in enumerate(embeds):
        yield from _of_embed(embed, ("embeds", str(index)), files)
    if sum(map(_size, embeds)) > EMBED_SIZE:
        yield Complaint(
            ("embeds",),
            "MAX_EMBED_SIZE_EXCEEDED",
            f"Embed size exceeds maximum size of {EMBED_SIZE}",
        )


def _of_embed(embed: object, place: tuple[str, ...], files: Collection[str]) -> Iterator[Complaint]:
    if not isinstance(embed, dict):
        yield Complaint(place, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return
    yield from _long(embed, "title", 256, place)
    yield from _long(embed, "description", 4_096, place)
    yield from _long(_dict(embed.get("footer")), "text", 2_048, (*place, "footer"))
    yield from _long(_dict(embed.get("author")), "name", 256, (*place, "author"))
    colour = embed.get("color", 0)
    if not isinstance(colour, int) or not 0 <= colour <= COLOUR:
        yield Complaint(
            (*place, "color"),
            "NUMBER_TYPE_MAX",
            "int value should be less than or equal to 16777215.",
        )
    fields = embed.get("fields", [])
    if len(fields) > FIELDS:
        yield _too_many((*place, "fields"), FIELDS)
    for index, field in enumerate(fields):
        where = (*place, "fields", str(index))
        for name, most in (("name", 256), ("value", 1_024)):
            if not _text(field.get(name)):
                yield Complaint((*where, name), "BASE_TYPE_REQUIRED", "This field is required")
            yield from _long(field, name, most, where)
    yield from _image(_dict(embed.get("image")), (*place, "image"), files)
    shown = ("title", "description", "fields", "image", "footer", "author")
    if not any(embed.get(name) for name in shown):
        yield Complaint(place, "EMBED_EMPTY", "An embed must have something to show")


def _image(
    image: dict[str, Any], place: tuple[str, ...], files: Collection[str]
) -> Iterator[Complaint]:
    url = _text(image.get("url"))
    if not url:
        return
    if not url.startswith(_SCHEMES):
        yield Complaint(
            (*place, "url"),
            "URL_TYPE_INVALID_SCHEME",
            "Scheme must be one of ('http', 'https', 'attachment').",
        )
    elif url.startswith("attachment://") and url.removeprefix("attachment://") not in files:
        yield Complaint((*place, "url"), "ATTACHMENT_NOT_FOUND", "There is no such attachment")


def _mentions(allowed: object) -> Iterator[Complaint]:
    for index, word in enumerate(_dict(allowed).get("parse", [])):
        if word not in MENTIONS:
            yield Complaint(
                ("allowed_mentions", "parse", str(index)),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('roles', 'users', 'everyone').",
            )


def _long(of: dict[str, Any], name: str, most: int, place: tuple[str, ...]) -> Iterator[Complaint]:
    value = of.get(name)
    if value is not None and not isinstance(value, str):
        yield Complaint((*place, name), "STRING_TYPE_CONVERT", "Could not interpret as string.")
    elif value is not None and length(value) > most:
        yield Complaint(
            (*place, name), "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length."
        )


def _too_many(place: tuple[str, ...], most: int) -> Complaint:
    return Complaint(place, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")


def _size(embed: object) -> int:
    embed = _dict(embed)
    texts = [embed.get("title"), embed.get("description")]
    texts += [_dict(embed.get("footer")).get("text"), _dict(embed.get("author")).get("name")]
    for field in embed.get("fields", []):
        texts += [field.get("name"), field.get("value")]
    return sum(length(_text(text)) for text in texts)


def _nested(complaints: list[Complaint]) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    for complaint in complaints:
        inner = errors
        for key in complaint.place:
            inner = inner.setdefault(key, {})
        inner.setdefault("_errors", []).append(
            {"code": complaint.code, "message": complaint.message}
        )
    return errors


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
