"""Imports of the watchlist as JSON: what is sent, and what is told.

Rule 1: these models make the answers and describe them.
Rule 2: of a row that is malformed nothing is repeated but its place.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from control.protocol import IMPORT_TTL_SECONDS
from control.symbols.importing import Applied
from control.symbols.parsing import Format
from control.symbols.previews import Outcome, Preview, PreviewedRow, State
from settings_app.api.answers import Answer
from settings_app.schema.markets import MOST_SYMBOLS

FILE: Final[dict[str, Any]] = {
    "oneOf": [
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["text"],
            "properties": {
                "text": {"type": "string", "description": "The file."},
                "format": {"enum": list(Format), "description": "Found out, if it is left out."},
            },
        },
        {"type": "array", "description": "Symbols, or objects of the watchlist."},
        {
            "type": "object",
            "required": ["watchlist"],
            "properties": {"watchlist": {"type": "array"}},
            "description": "What the export has.",
        },
    ]
}


class ImportBody(BaseModel):
    """A file in a JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    format: Annotated[Format | None, Field(strict=False)] = None


class ApprovalBody(BaseModel):
    """What is approved of a preview."""

    model_config = ConfigDict(extra="forbid", strict=True)

    approval: str = Field(max_length=64, description="Of the preview's answer.")
    only: list[int] | None = Field(
        None,
        max_length=MOST_SYMBOLS,
        description="Numbers of rows; without it, every row that changes something.",
    )


class StateAnswer(Answer):
    """What a row of the watchlist says."""

    enabled: bool
    categories: list[str]

    @classmethod
    def of(cls, state: State | None) -> Self | None:
        """A state, told."""
        if state is None:
            return None
        return cls(enabled=state.enabled, categories=list(state.categories))


class PreviewedRowAnswer(Answer):
    """What becomes of one row of the file."""

    number: int = Field(description="Counted from 1, without header, comments and empty lines.")
    line: int | None = Field(None, description="Where it stands, counted from 1; not in JSON.")
    column: int | None = Field(None, description="Where it begins, or what is wrong in it.")
    symbol: str | None = None
    exchange: str | None = None
    outcome: str = Field(description=f"One of {', '.join(Outcome)}.")
    detail: str | None = Field(None, description="What becomes of it and why, in words.")
    nearest: list[str] | None = Field(None, description="Names like one that is unknown.")
    before: StateAnswer | None = Field(None, description="As the watchlist has it.")
    after: StateAnswer | None = Field(None, description="As it would have it.")

    @classmethod
    def of(cls, row: PreviewedRow) -> Self:
        """A row, told."""
        return cls(
            number=row.number,
            line=row.line,
            column=row.column,
            symbol=row.symbol or None,
            exchange=row.exchange or None,
            outcome=row.outcome,
            detail=row.detail or None,
            nearest=list(row.nearest) or None,
            before=StateAnswer.of(row.before),
            after=StateAnswer.of(row.after),
        )


class PreviewAnswer(Answer):
    """What importing a file would do; nothing was changed."""

    approval: str | None = Field(
        None,
        description="Send it to apply this, once, within "
        f"{IMPORT_TTL_SECONDS // 60} minutes. Left out: nothing would change, or see `note`.",
    )
    revision: int = Field(description="Of the settings that the file was held against.")
    message: str = Field(description="How many rows have which outcome, in words.")
    counts: dict[str, int] = Field(description="How many rows have which outcome.")
    note: str | None = Field(None, description="That a listing is old, how old and why.")
    rows: list[PreviewedRowAnswer]

    @classmethod
    def of(cls, shown: Preview, approval: str | None, *notes: str) -> Self:
        """A preview, told."""
        return cls(
            approval=approval,
            revision=shown.revision,
            message=shown.message,
            counts={str(outcome): count for outcome, count in shown.counts.items()},
            note=" ".join((*shown.notes, *notes)) or None,
            rows=[PreviewedRowAnswer.of(row) for row in shown.rows],
        )


class AppliedAnswer(Answer):
    """What became of an import."""

    added: int = Field(description="Rows that are new.")
    changed: int = Field(description="Rows that are turned on or off, or have other categories.")
    already: int = Field(description="Rows that were as wanted when it came to it.")
    revision: int = Field(description="Of the settings now.")
    applied: bool = Field(description="Whether the runtime says that it is in effect.")
    message: str = Field(description="What became of it, in words.")
    command_id: str | None = Field(None, description="Of the reload, by which its answer is read.")

    @classmethod
    def of(cls, done: Applied) -> Self:
        """An import, told."""
        edited = done.edited
        return cls(
            added=done.added,
            changed=done.changed,
            already=done.already,
            revision=edited.revision,
            applied=edited.applied,
            message=done.message,
            command_id=None if edited.answer is None else edited.answer.command_id,
        )
