"""The reference of settings, ``docs/settings.md``: made from the schema, never written by hand.

Rule 1: pure: the schema in, Markdown out; the same schema gives the same text.
Rule 2: every setting is in a table with what it does and when; "recorded only" is an answer,
    silence is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from settings_app.documents import pointer_keys
from settings_app.schema.document import CURRENT_VERSION
from settings_app.schema.legacy import OLDER_KEYS
from settings_app.schema.rules import RULES
from settings_app.schema.tree import Node, json_schema, leaves
from settings_app.templates import TEMPLATES

HEAD: Final = f"""# Settings

<!-- Made by `manage.py settings_reference` from the schema. Change the schema, not this file. -->

What a trader sets is one JSON document for each user, now of version {CURRENT_VERSION}. A setting
that is left out has its default; one without a default is not set. A key that is not here is an
error that names the nearest one that is.

Places are JSON Pointers. `{{row}}` stands for the index of a row, `{{name}}` for the name of an
exchange.

When a saved change takes effect in a running runtime:

- **at once**: with the save, in the mode that it speaks of; in a paused runtime on resume.
- **on resume**: when the runtime is resumed, whether it was paused before the save or after it.
- **at next refresh**: with the next scan, or the next reading of positions.
- **at next start**: when the runtime starts again.

*Recorded only* means: it is kept, shown and exported, and nothing in this version acts on it yet.
The sentence says what it is for.

Secrets are never in the document: it holds *names* of environment variables
([configuration.md](configuration.md) says whose names are allowed). What looks like a secret is
refused in every field.
"""


def markdown() -> str:
    """The whole reference."""
    parts = [HEAD, *_sections(), _rules(), _presets(), _older_keys()]
    return "\n".join(parts)


# ------------------------------------------------------------------------------ the settings
def _sections() -> Iterator[str]:
    members = json_schema()["properties"]
    settings = [(pointer_keys(place)[0], place, node) for place, node in leaves()]
    alone = [(place, node) for key, place, node in settings if place == f"/{key}"]
    yield _section("The document itself", "Settings that stand in no section.", alone)
    for key, group in groupby(settings, key=lambda one: one[0]):
        within = [(place, node) for _, place, node in group if place != f"/{key}"]
        if within:
            about = members[key]
            yield _section(about["title"], about["description"], within)


def _section(title: str, text: str, settings: list[tuple[str, Node]]) -> str:
    rows = [
        (f"`{place}`", _effect(node), _values(node), _default(node), node["x-applies"])
        for place, node in settings
    ]
    head = ("setting", "what it does", "values", "default", "applies")
    return f"## {title}\n\n{text}\n\n{_table(head, rows)}"


def _values(node: Node) -> str:
    """What may stand there, in words, with an example."""
    unit = f" {node['x-unit']}" if "x-unit" in node else ""
    text = _kind(node) + unit
    if not {"enum", "const"}.isdisjoint(node) or node["type"] in {"boolean", "array"}:
        return text
    return f"{text}, such as {_code(node['examples'][0])}"


def _kind(node: Node) -> str:
    if "const" in node:
        return _code(node["const"])
    if "enum" in node:
        return " or ".join(_code(one) for one in node["enum"])
    match node["type"]:
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number":
            whole = "whole number" if node["type"] == "integer" else "number"
            return f"{whole}, {node['minimum']:,} to {node['maximum']:,}"
        case "array":
            least, most = node.get("minItems", 0), node["maxItems"]
            return f"list of {least} to {most}: {_kind(node['items'])}"
        case _:
            bound = f", at most {node['maxLength']} characters" if "maxLength" in node else ""
            return f"text{bound}"


def _default(node: Node) -> str:
    return _code(node["default"]) if "default" in node else ""


def _effect(node: Node) -> str:
    text = str(node["description"])
    return f"{text} *{node['x-effect'].capitalize()}.*" if "x-effect" in node else text


def _code(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


# ------------------------------------------------------------------------------ beside them
def _rules() -> str:
    rules = "\n".join(f"- {rule.__doc__}" for rule in RULES)
    return f"## Rules between settings\n\n{rules}\n"


def _presets() -> str:
    rows = [(f"`{one.name}`", one.title, one.description) for one in TEMPLATES]
    head = "Each is a merge patch: it changes what its description says and nothing else."
    return f"## Presets\n\n{head}\n\n{_table(('preset', 'title', 'what it changes'), rows)}"


def _older_keys() -> str:
    rows = [
        (f"`/{'/'.join((*place, key))}`", text)
        for place, keys in OLDER_KEYS.items()
        for key, text in keys.items()
    ]
    head = f"What versions before {CURRENT_VERSION} had, and what became of it."
    return f"## Older keys\n\n{head}\n\n{_table(('key', 'now'), rows)}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
