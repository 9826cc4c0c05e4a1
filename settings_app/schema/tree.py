"""The schema as one tree, as people, forms and other programs are told it: JSON Schema 2020-12.

Rule 1: every node says when it applies, and every node within something that is recorded only
    says so too: who reads one node needs to read no other.
Rule 2: nothing refers elsewhere and nothing is null: a setting that is not set is absent.
Rule 3: places are JSON Pointers by the keys of the document, with indices for the rows of lists.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from settings_app.documents import pointer, pointer_keys
from settings_app.schema.document import Settings
from settings_app.schema.fields import Applies

Node = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MOST_LETTERS = 80  # of a key that is compared with known ones: no setting has so long a name

_INHERITED: Final[tuple[str, ...]] = ("x-applies", "x-effect")
_NULL: Final = {"type": "null"}


def json_schema() -> Node:
    """The JSON Schema of a settings document. The caller may change what it gets.

    Beside the standard's own keywords it has ``x-applies`` (when a change takes effect),
    ``x-unit`` (shown behind the value) and ``x-effect`` (``recorded only``: nothing acts on it).
    Rules between fields are not in it: only the program knows them.
    """
    return copy.deepcopy(_tree())


def applies_at(path: str) -> Applies:
    """When a change at a place of the document takes effect.

    Args:
        path: JSON Pointer. Where it leads beyond what is known, the nearest known place counts.
    """
    return Applies(_nearest_node(path)["x-applies"])


def is_recorded_only(path: str) -> bool:
    """Whether nothing in the program acts on a setting; ``path`` as for :func:`applies_at`."""
    return "x-effect" in _nearest_node(path)


def _nearest_node(path: str) -> Node:
    node = _tree()
    for key in pointer_keys(path):
        below = _member(node, key)
        if below is None:
            break
        node = below
    return node


def leaves() -> Iterator[tuple[str, Node]]:
    """Every setting that is no section, with its place, in the document's order.

    ``{name}`` stands for a key that varies, ``{row}`` for an index: ``/watchlist/{row}/symbol``.
    """
    return _leaves(_tree(), "")


def _leaves(node: Node, at: str) -> Iterator[tuple[str, Node]]:
    rows, members = node.get("items", {}), node.get("additionalProperties")
    if "properties" in node:
        for key, member in node["properties"].items():
            yield from _leaves(member, at + pointer(key))
    elif isinstance(members, dict):
        yield from _leaves(members, at + "/{name}")
    elif "properties" in rows:
        yield from _leaves(rows, at + "/{row}")
    else:
        yield at, node


def keys_at(place: Iterable[str | int]) -> tuple[str, ...]:
    """The keys that an object at this place may have; none where no object stands."""
    node: Node | None = _tree()
    for key in place:
        node = _member(node, str(key)) if node is not None else None
    if node is None:
        return ()
    return tuple(node.get("properties") or node.get("propertyNames", {}).get("enum", ()))


def nearest(key: str, known: Sequence[str]) -> str | None:
    """The known key that a misspelt one resembles most; None where there is none to name."""
    if len(key) > MOST_LETTERS:
        return None
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return near[0] if near else None


def _member(node: Node, key: str) -> Node | None:
    """What stands under a key, or in a row, of what a node describes."""
    member: Node | None = node.get("properties", {}).get(key)
    if member is None and key in node.get("propertyNames", {}).get("enum", ()):
        member = node["additionalProperties"]
    if member is None and key.isdecimal():
        member = node.get("items")
    return member


@cache
def _tree() -> Node:
    raw = Settings.model_json_schema(by_alias=True)
    definitions = raw.pop("$defs")
    about = {"$schema": DIALECT, "title": "Livermore settings", "x-applies": Applies.AT_ONCE.value}
    return _spelt({**raw, **about}, definitions, {})


def _spelt(node: Node, definitions: Node, inherited: Node) -> Node:
    """A node with everything it refers to and inherits written into it."""
    node = {**inherited, **_resolved(node, definitions)}
    passed = {key: node[key] for key in _INHERITED if key in node}
    if "properties" in node:
        node.pop("default", None)  # each of its members has one
        node["properties"] = {
            key: _spelt(member, definitions, passed) for key, member in node["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            node[key] = _spelt(node[key], definitions, passed)
    return node


def _resolved(node: Node, definitions: Node) -> Node:
    """A node without its "or null", and with what it refers to beneath what it says itself."""
    node = dict(node)
    if _NULL in node.get("anyOf", ()):
        (kind,) = (one for one in node.pop("anyOf") if one != _NULL)
        node = {**kind, **node}
        node.pop("default")
    while "$ref" in node:
        name = node.pop("$ref").rpartition("/")[2]
        node = {**definitions[name], **node}
    return node
