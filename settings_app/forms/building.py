"""The form of one document: sections of controls, groups and tables, for a template to draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from settings_app.documents import ABSENT, at, pointer, pointer_keys
from settings_app.errors import FieldError
from settings_app.forms.kinds import Kind, kind_of, written
from settings_app.forms.layout import (
    PLACES,
    SECTION_OF_THEIR_OWN,
    Place,
    can_be_absent,
    label_of,
    node_at,
)
from settings_app.schema.tree import Node

ROW: Final = "{row}"  # where the number of a row goes that is not there yet
BLANK_ROWS: Final = 3  # to be filled in where nothing can add one


@dataclass(frozen=True, slots=True)
class Option:
    """One of several values."""

    value: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One setting.

    Args:
        key: Its place within its row; elsewhere its whole place.
        applies: When a change takes effect, where that is not as the section says.
        unit: Shown behind the value.
        least, most: Bounds of a number.
        placeholder: An example.
        is_optional: It may stay empty.
        is_name: It holds the name of an environment variable.
    """

    path: str
    key: str
    kind: Kind
    title: str
    help: str
    value: Any
    default: Any = ABSENT
    applies: str = ""
    unit: str = ""
    least: float | None = None
    most: float | None = None
    longest: int | None = None
    placeholder: str = ""
    options: tuple[Option, ...] = ()
    is_optional: bool = False
    is_name: bool = False
    is_recorded_only: bool = False
    errors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Of its element."""
        return "st" + self.path.replace("/", "-")

    @property
    def text(self) -> str:
        """What a field for text shows."""
        return written(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a list; its errors are those of its cells too: a cell has no room for them."""

    number: int
    controls: tuple[Control, ...]
    errors: tuple[str, ...] = ()
    is_blank: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list of objects.

    Args:
        model: The row that others are made after.
    """

    path: str
    title: str
    help: str
    model: Row
    rows: tuple[Row, ...]
    errors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in ids."""
        return self.path.strip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Settings that belong together.

    Args:
        is_optional: It can be added and removed; ``is_there`` says which it is.
    """

    path: str
    title: str
    help: str
    parts: tuple[Control | Group | Table, ...]
    is_optional: bool = False
    is_there: bool = True
    is_recorded_only: bool = False
    errors: tuple[str, ...] = ()

    @property
    def channel(self) -> str:
        """The channel that this is; empty where it is none."""
        return self.path.rpartition("/")[2] if self.path.startswith("/notifications/") else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the list on the left leads to."""

    name: str
    title: str
    help: str
    applies: str
    parts: tuple[Control | Group | Table, ...]


def form_of(document: Any, errors: Iterable[FieldError] = ()) -> tuple[Section, ...]:
    """The whole form.

    Args:
        document: What its controls show, valid or not.
        errors: What is wrong with it.
    """
    builder = _Builder(document, _by_place(errors))
    return tuple(builder.section(place) for place in PLACES)


def _by_place(errors: Iterable[FieldError]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for error in errors:
        told.setdefault(error.pointer, []).append(error.message)
    return told


class _Builder:
    """Goes down the schema, with one document and its errors at hand."""

    def __init__(self, document: Any, errors: Mapping[str, Sequence[str]]) -> None:
        self._document = document
        self._errors = errors

    def section(self, place: Place) -> Section:
        first = node_at(place.paths[0])
        applies = first["x-applies"]
        parts: list[Control | Group | Table] = []
        for path in place.paths:
            node = node_at(path)
            if "properties" in node or "additionalProperties" in node:
                parts += self._members(path, node, applies)
            else:
                parts.append(self._part(path, node, applies))
        return Section(
            name=place.name,
            title=place.title or first["title"],
            help=place.help or first["description"],
            applies=applies,
            parts=tuple(parts),
        )

    def _members(self, path: str, node: Node, applies: str) -> Iterator[Control | Group | Table]:
        """Single settings first: what is a group comes after them."""
        members = node.get("properties")
        if members is None:
            every = node["additionalProperties"]
            members = {name: {**every, "title": name} for name in node["propertyNames"]["enum"]}
        shown = {
            path + pointer(key): (key, member)
            for key, member in members.items()
            if path + pointer(key) not in SECTION_OF_THEIR_OWN
        }
        for here, (key, member) in sorted(shown.items(), key=_is_group):
            yield self._part(here, {**member, "title": label_of(key, member)}, applies)

    def _part(self, path: str, node: Node, applies: str) -> Control | Group | Table:
        if "properties" in node:
            return self._group(path, node, applies)
        if "properties" in node.get("items", {}):
            return self._table(path, node, applies)
        return self._control(path, path, node, applies)

    def _group(self, path: str, node: Node, applies: str) -> Group:
        return Group(
            path=path,
            title=node["title"],
            help=node["description"].partition("\n")[0],
            parts=tuple(self._members(path, node, applies)),
            is_optional=can_be_absent(path) and path.count("/") == 2,
            is_there=isinstance(at(self._document, path), dict),
            is_recorded_only="x-effect" in node,
            errors=tuple(self._errors.get(path, ())),
        )

    def _table(self, path: str, node: Node, applies: str) -> Table:
        listed = at(self._document, path)
        count = len(listed) if isinstance(listed, list) else 0
        numbers = range(count + BLANK_ROWS)
        items = node["items"]
        return Table(
            path=path,
            title=node["title"],
            help=node["description"],
            model=Row(number=0, controls=tuple(self._cells(f"{path}/{ROW}", items, applies))),
            rows=tuple(self._row(path, n, items, applies, is_blank=n >= count) for n in numbers),
            errors=tuple(self._errors.get(path, ())),
        )

    def _row(self, path: str, number: int, items: Node, applies: str, *, is_blank: bool) -> Row:
        here = f"{path}/{number}"
        cells = tuple(self._cells(here, items, applies))
        errors = () if is_blank else self._errors_within(here)
        return Row(number=number, controls=cells, errors=errors, is_blank=is_blank)

    def _cells(self, row: str, items: Node, applies: str, below: str = "") -> Iterator[Control]:
        for key, member in items["properties"].items():
            inner = below + pointer(key)
            if "properties" in member:
                yield from self._cells(row, member, applies, inner)
            else:
                optional = key not in items.get("required", ()) or bool(below)
                yield self._control(row + inner, inner, member, applies, may_be_absent=optional)

    def _control(
        self, path: str, key: str, node: Node, applies: str, *, may_be_absent: bool = True
    ) -> Control:
        kind, value = kind_of(node), at(self._document, path)
        default = node.get("default", ABSENT)
        if value is ABSENT:
            value = default
        when = node["x-applies"]
        return Control(
            path=path,
            key=key,
            kind=kind,
            title=node["title"],
            help=node["description"].replace("`", ""),
            value=value,
            default=default,
            applies=when if when != applies else "",
            unit=node.get("x-unit", ""),
            least=node.get("minimum"),
            most=node.get("maximum"),
            longest=node.get("maxLength"),
            placeholder=_example(path, kind, node),
            options=_options(node, value),
            is_optional=may_be_absent and default is ABSENT,
            is_name="environment" in key.lower() and "variable" in key.lower(),
            is_recorded_only="x-effect" in node,
            errors=self._errors_within(path),
        )

    def _errors_within(self, path: str) -> tuple[str, ...]:
        told: list[str] = []
        for place, messages in self._errors.items():
            if place == path or place.startswith(path + "/"):
                told += messages
        return tuple(told)


def _is_group(member: tuple[str, tuple[str, Node]]) -> bool:
    node = member[1][1]
    return "properties" in node or "properties" in node.get("items", {})


def _example(path: str, kind: Kind, node: Node) -> str:
    """One that is no value yet: a bare number would look like one."""
    examples = node.get("examples", ())
    if not examples or kind not in {Kind.TEXT, Kind.LIST}:
        return ""
    example = written(examples[0])
    if path.startswith("/exchanges/"):  # the schema has one example for all of them
        prefix, _, rest = example.partition("_")
        example = f"{pointer_keys(path)[1].upper()}_{rest}" if rest else prefix
    return f"e.g. {example}"


def _options(node: Node, value: Any) -> tuple[Option, ...]:
    choices = node.get("enum") or node.get("items", {}).get("enum", ())
    chosen = value if isinstance(value, list) else [value]
    options = tuple(Option(choice, choice in chosen) for choice in choices)
    is_unknown = isinstance(value, str) and value and value not in choices
    return (*options, Option(value, is_chosen=True)) if options and is_unknown else options
