"""Which sections the form has, in which order, and what a thing that is added begins with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from settings_app.documents import ABSENT, at, pointer, pointer_keys
from settings_app.schema import default_document, json_schema
from settings_app.schema.tree import Node

NOT_SHOWN: Final = ("/version", "/sub")
LABELS: Final = {"coinbase": "Coinbase", "binance": "Binance", "kucoin": "KuCoin"}


@dataclass(frozen=True, slots=True)
class Place:
    """A section of the form.

    Args:
        name: As it stands in the page's addresses.
        paths: JSON Pointers to what it shows, in order.
        title: Where it differs from the schema's.
        help: Likewise.
    """

    name: str
    paths: tuple[str, ...]
    title: str = ""
    help: str = ""


TRADING: Final = "/perseus_profile/trade_settings"
PLACES: Final = (
    Place("profile", ("/perseus_profile",)),
    Place("trading", (TRADING,)),
    Place("exchanges", ("/exchanges",)),
    Place(
        "positions",
        (
            "/load_positions_from_exchange",
            "/position_min_value_usd",
            "/position_refresh_hours",
            "/position_symbols",
        ),
        "Positions",
        "What counts as held.",
    ),
    Place("watchlist", ("/watchlist",)),
    Place("scanner", ("/scanner",)),
    Place("modes", ("/modes",)),
    Place("notifications", ("/notifications",)),
    Place("schedule", ("/schedule",)),
    Place("runtime", ("/livermore_runtime",)),
)
SECTION_OF_THEIR_OWN: Final = frozenset({TRADING})


@cache
def tree() -> Node:
    """The schema, which nobody here changes."""
    return json_schema()


def node_at(path: str) -> Node:
    """The schema of a place; ``{row}`` stands for any row, and a name of an object for itself."""
    node = tree()
    for key in pointer_keys(path):
        members = node.get("properties", {})
        node = members.get(key) or node.get("items") or node["additionalProperties"]
    return node


def label_of(key: str, node: Node) -> str:
    """What people call a member: an exchange has its name, the others a title."""
    title: str = LABELS.get(key) or node.get("title") or key
    return title


def can_be_absent(path: str) -> bool:
    """Whether an object at a place is there only for those who add it: an exchange, a channel."""
    return at(_added(), path) is ABSENT


@cache
def _added() -> dict[str, Any]:
    """What every document has: not even the first exchange has to be there."""
    return {**default_document("nobody"), "exchanges": {}}


@cache
def blanks() -> dict[str, Any]:
    """What an object or a row begins with when it is added, by its place, JSON-ready."""
    found: dict[str, Any] = {}
    _collect(tree(), "", found)
    return found


def _collect(node: Node, path: str, found: dict[str, Any]) -> None:
    members = node.get("additionalProperties")
    if isinstance(members, dict):
        for name in node["propertyNames"]["enum"]:
            found[path + pointer(name)] = {**_blank(members), "enabled": True}
    elif "properties" in node:
        for key, member in node["properties"].items():
            here = path + pointer(key)
            if "properties" in member and can_be_absent(here):
                found[here] = {**_blank(member), "enabled": True}
            else:
                _collect(member, here, found)
    elif "properties" in node.get("items", {}):
        found[path] = _blank_row(node["items"])


def _blank(node: Node) -> dict[str, Any]:
    """The defaults of an object; what may be absent is."""
    blank = {}
    for key, member in node["properties"].items():
        if "default" in member:
            blank[key] = member["default"]
        elif "properties" in member:
            blank[key] = _blank(member)
    return blank


def _blank_row(node: Node) -> dict[str, Any]:
    """A row that somebody goes on to fill in: of what it needs, the first choice, or nothing."""
    needed = {key: node["properties"][key].get("enum", [""])[0] for key in node.get("required", ())}
    rest = {
        key: member["default"] for key, member in node["properties"].items() if "default" in member
    }
    return {**needed, **rest}
