"""What a post of the form means: a document with the posted values laid over it.

Rule 1: of a list of rows, the rows that were posted are the list; those without a single text in
    them are none. What a row holds beside its controls stays.
Rule 2: an object that can be absent comes into being when one of its controls says something else
    than it does by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from settings_app.documents import ABSENT, at, set_at
from settings_app.forms.building import Control, Group, Section, Table, form_of
from settings_app.forms.kinds import Kind, read
from settings_app.forms.moves import Move

Posted = Callable[[str], Sequence[str]]
"""The texts under a name: a QueryDict's ``getlist``."""


def laid_over(document: Any, posted: Posted, move: Move | None = None) -> Any:
    """The document that a post of the whole form stands for.

    Args:
        document: The stored one, on which the form was drawn.
        move: Of a row, what its button asks for.
    """
    for section in form_of(document):
        document = _parts_over(document, section, posted, move)
    return document


def _parts_over(document: Any, around: Section | Group, posted: Posted, move: Move | None) -> Any:
    for part in around.parts:
        if isinstance(part, Control):
            document = _with(document, part.path, part, posted)
        elif isinstance(part, Table):
            document = _with_rows(document, part, posted, move)
        elif part.is_there or _says_something(part, posted):
            document = _parts_over(document, part, posted, move)
    return document


def _with(document: Any, path: str, control: Control, posted: Posted) -> Any:
    texts = posted(path)
    if not texts and control.kind not in {Kind.SWITCH, Kind.CHOICES}:
        return document
    before = at(document, path)
    shown = control.value if before is ABSENT else before
    value = read(control.kind, texts, before=shown, is_optional=control.is_optional)
    if value is ABSENT:
        return document if before is ABSENT else set_at(document, path, None)
    return set_at(document, path, value)


def _says_something(group: Group, posted: Posted) -> bool:
    """Whether a group that is not there was filled in."""
    for control in _controls(group):
        texts = posted(control.path)
        if not texts and control.kind not in {Kind.SWITCH, Kind.CHOICES}:
            continue
        value = read(control.kind, texts, before=control.value, is_optional=control.is_optional)
        if value != control.value:
            return True
    return False


def _controls(group: Group) -> Iterator[Control]:
    for part in group.parts:
        if isinstance(part, Control):
            yield part
        elif isinstance(part, Group):
            yield from _controls(part)


def _with_rows(document: Any, table: Table, posted: Posted, move: Move | None) -> Any:
    listed = at(document, table.path)
    rows = []
    numbers = list(_numbers(table, posted))
    if move is not None and move.table == table.path:
        numbers = move.order(numbers)
    for number in numbers:
        was = listed[number] if isinstance(listed, list) and number < len(listed) else {}
        row = was
        for control in table.model.controls:
            texts = posted(f"{table.path}/{number}{control.key}")
            row = _cell_over(row, control, texts)
        if any(_is_text(row, control) for control in table.model.controls):
            rows.append(row)
    if isinstance(listed, list) and rows == listed:
        return document
    return set_at(document, table.path, rows)


def _cell_over(row: Any, control: Control, texts: Sequence[str]) -> Any:
    return _with(row, control.key, control, lambda _: texts)


def _is_text(row: Any, control: Control) -> bool:
    """Whether somebody wrote something into a cell; a choice is always made of something."""
    is_needed = control.kind is Kind.TEXT and control.value is ABSENT
    return is_needed and at(row, control.key) not in (ABSENT, "")


def _numbers(table: Table, posted: Posted) -> Iterator[int]:
    """The numbers of the rows that were posted, up to the first that was not."""
    needed = [control.key for control in table.model.controls if control.kind is Kind.TEXT]
    number = 0
    while any(posted(f"{table.path}/{number}{key}") for key in needed):
        yield number
        number += 1
