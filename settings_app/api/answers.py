"""What the API answers, as JSON.

Rule 1: these models make the answers and describe them; neither can leave the other behind.
Rule 2: keys are camelCase; inside a settings document they are as the document has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Literal, Self

from django.http import HttpResponse
from django.utils.http import http_date
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from settings_app.conditions import tag_of
from settings_app.differences import ABSENT, Difference
from settings_app.errors import FieldError
from settings_app.schema import Applies, applies_at, is_recorded_only
from settings_app.schema.secrecy import SENTENCES as SECRECY
from settings_app.services import Preview, Saved, Stored
from settings_app.templates import Template
from settings_app.upgrades import Note


class Answer(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class ChangeAnswer(Answer):
    """One place where two documents differ."""

    path: str = Field(description="JSON Pointer to the place.")
    old: Any = Field(None, description="What was there; left out where nothing was.")
    new: Any = Field(None, description="What is there; left out where nothing is.")
    applies: Applies = Field(description="When the change takes effect in a running runtime.")
    effect: Literal["recorded only"] = Field(
        "recorded only", description="There where nothing in this version acts on the setting yet."
    )

    @classmethod
    def of(cls, difference: Difference) -> Self:
        """A difference, told."""
        values = {"old": difference.old, "new": difference.new}
        there = {key: value for key, value in values.items() if value is not ABSENT}
        if is_recorded_only(difference.path):
            there["effect"] = "recorded only"
        return cls(path=difference.path, applies=applies_at(difference.path), **there)


class NoteAnswer(Answer):
    """One thing that an import moved or dropped."""

    pointer: str = Field(description="JSON Pointer to the place.")
    detail: str = Field(description="What became of it.")

    @classmethod
    def of(cls, note: Note) -> Self:
        """A note, told."""
        return cls(pointer=note.pointer, detail=note.message)


class ErrorAnswer(Answer):
    """What is wrong at one place."""

    pointer: str = Field(description="JSON Pointer to the place; empty for the whole document.")
    detail: str = Field(description="What is right there. It never repeats a text that was sent.")
    secret: Literal[True] = Field(
        True, description="There where something looks like a secret: show it no longer."
    )

    @classmethod
    def of(cls, error: FieldError) -> Self:
        """An error, told."""
        marked: dict[str, Any] = {"secret": True} if error.message in SECRECY else {}
        return cls(pointer=error.pointer, detail=error.message, **marked)


class SavedAnswer(Answer):
    """What a save did: nothing, where there are no changes."""

    revision: int = Field(description="The revision now; the ETag says the same.")
    changes: list[ChangeAnswer] = Field(description="What changed, in document order.")
    rebased_from: int = Field(
        0, description="Only where others saved in between: the revision this was made on."
    )
    notes: list[NoteAnswer] = Field(description="What an import moved or dropped.")
    settings: dict[str, Any] = Field(description="The settings now.")

    @classmethod
    def of(cls, saved: Saved) -> Self:
        """A save, told."""
        rebased = {} if saved.rebased_from is None else {"rebased_from": saved.rebased_from}
        return cls(
            revision=saved.revision,
            changes=[ChangeAnswer.of(change) for change in saved.changes],
            notes=[NoteAnswer.of(note) for note in saved.notes],
            settings=saved.document.to_document(),
            **rebased,
        )


class PreviewAnswer(Answer):
    """What a save would do. Nothing was saved."""

    revision: int = Field(description="The stored revision that this was compared with.")
    valid: bool = Field(description="Whether it would be saved.")
    errors: list[ErrorAnswer] = Field(description="Why not.")
    changes: list[ChangeAnswer] = Field(description="What would change, in document order.")
    notes: list[NoteAnswer] = Field(description="What an import would move or drop.")
    settings: dict[str, Any] = Field(
        {},
        description="Only of an import: the settings as they would be, where there are no errors.",
    )

    @classmethod
    def of(cls, preview: Preview, *, is_whole: bool = False) -> Self:
        """A preview, told.

        Args:
            is_whole: With the document that would be saved.
        """
        whole = {}
        if is_whole and preview.document is not None:
            whole = {"settings": preview.document.to_document()}
        return cls(
            revision=preview.revision,
            valid=not preview.errors,
            errors=[ErrorAnswer.of(error) for error in preview.errors],
            changes=[ChangeAnswer.of(change) for change in preview.changes],
            notes=[NoteAnswer.of(note) for note in preview.notes],
            **whole,
        )


class TemplateAnswer(Answer):
    """A preset."""

    name: str = Field(description="As it stands in addresses.")
    title: str = Field(description="As people read it.")
    description: str = Field(description="What it changes, and for whom.")
    patch: dict[str, Any] = Field(description="The merge patch to send to PATCH /api/settings.")

    @classmethod
    def of(cls, template: Template) -> Self:
        """A template, told."""
        return cls(
            name=template.name,
            title=template.title,
            description=template.description,
            patch=dict(template.patch),
        )


class TemplatesAnswer(Answer):
    """Every preset there is."""

    templates: list[TemplateAnswer]

    @classmethod
    def of(cls, templates: Iterable[Template]) -> Self:
        """Templates, told."""
        return cls(templates=[TemplateAnswer.of(template) for template in templates])


# ---------------------------------------------------------------------- as HTTP
def settings_of(stored: Stored) -> HttpResponse:
    """The bare document, as it is stored now."""
    response = _json(json.dumps(stored.document.to_document(), ensure_ascii=False))
    return _dated(response, stored)


def not_modified(stored: Stored) -> HttpResponse:
    """The caller has it already."""
    response = HttpResponse(status=304)
    del response["Content-Type"]
    return _dated(response, stored)


def saved(result: Saved) -> HttpResponse:
    """What a save did, with the settings' new tag."""
    return _json(_text(SavedAnswer.of(result)), {"ETag": tag_of(result.revision)})


def previewed(result: Preview, *, is_whole: bool = False) -> HttpResponse:
    """What a save would do; ``is_whole`` as of :meth:`PreviewAnswer.of`."""
    return _json(_text(PreviewAnswer.of(result, is_whole=is_whole)))


def templates(known: Iterable[Template]) -> HttpResponse:
    """The presets."""
    return _json(_text(TemplatesAnswer.of(known)))


def schema(document: Mapping[str, Any]) -> HttpResponse:
    """A JSON Schema."""
    return HttpResponse(json.dumps(document), content_type="application/schema+json")


def _json(text: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(text, content_type="application/json", headers=dict(headers or {}))


def _text(answer: Answer) -> str:
    return answer.model_dump_json(by_alias=True, exclude_unset=True)


def _dated(response: HttpResponse, stored: Stored) -> HttpResponse:
    response["ETag"] = tag_of(stored.revision)
    response["Last-Modified"] = http_date(stored.updated_at.astimezone(UTC).timestamp())
    return response
