"""What somebody wants their settings to be, as a post of the settings page says it.

Rule 1: one of the two views is posted, the one whose button was pressed; the other one is ignored.
Rule 2: nothing typed is lost when it is shown again, but for what looks like a secret.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from django import forms
from django.http import HttpRequest

from settings_app import documents
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.forms import Move, laid_over, text_without_secrets, without_secrets
from settings_app.services import Preview, Stored

FORM, JSON = "form", "json"


class SaveForm(forms.Form):
    """What surrounds the settings in a post of the page."""

    view = forms.ChoiceField(required=False, choices=[(FORM, FORM), (JSON, JSON)])
    move = forms.CharField(required=False)
    revision = forms.IntegerField(min_value=1)
    document = forms.CharField(required=False, strip=False)

    def clean_move(self) -> Move | None:
        """What the button of a row says."""
        text = self.cleaned_data["move"]
        move = Move.read(text)
        if text and move is None:
            raise forms.ValidationError("No row's button says that.")
        return move

    def clean(self) -> dict[str, Any]:
        """Some button was pressed."""
        if not self.cleaned_data.get("view") and not self.cleaned_data.get("move"):
            raise forms.ValidationError("No button was pressed.")
        return self.cleaned_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document that is being edited.

    Args:
        document: As it is wanted, valid or not; where its text is no JSON, as it is stored.
        text: As the JSON view shows it.
        revision: Of the settings, on which it is made.
        errors: Why it cannot be saved.
        is_to_save: Whether the button that was pressed saves; that of a row only moves it.
    """

    document: Any
    text: str
    revision: int
    errors: tuple[FieldError, ...] = ()
    is_json: bool = True
    is_to_save: bool = True

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """Nothing was changed yet."""
        document = stored.document.to_document()
        return cls(document=document, text=as_text(document), revision=stored.revision)

    @classmethod
    def posted(cls, request: HttpRequest, stored: Stored) -> Self | None:
        """What was posted; None where that did not come from the page."""
        form = SaveForm(request.POST)
        if not form.is_valid():
            return None
        revision, before = form.cleaned_data["revision"], stored.document.to_document()
        move = form.cleaned_data["move"]
        if move is not None or form.cleaned_data["view"] == FORM:
            document = laid_over(before, request.POST.getlist, move)
            return cls(
                document=document,
                text=as_text(document),
                revision=revision,
                is_to_save=move is None,
            )
        text = form.cleaned_data["document"].replace("\r\n", "\n")
        try:
            document = documents.decode(text)
        except SettingsInvalid as exc:
            return cls(
                document=before,
                text=text_without_secrets(text),
                revision=revision,
                errors=exc.errors,
                is_json=False,
            )
        return cls(document=document, text=text, revision=revision)

    @classmethod
    def filled(cls, preview: Preview) -> Self:
        """What a template or a file would make of the settings.

        Raises:
            SettingsInvalid: If nothing valid.
        """
        if preview.document is None:
            raise SettingsInvalid(preview.errors)
        document = preview.document.to_document()
        return cls(document=document, text=as_text(document), revision=preview.revision)

    def refused(self, errors: tuple[FieldError, ...]) -> Draft:
        """The same, to be shown again with what is wrong."""
        return replace(self.shown_again(), errors=errors)

    def shown_again(self) -> Draft:
        """The same as it may be shown (rule 2)."""
        shown = without_secrets(self.document)
        text = self.text if shown is self.document else as_text(shown)
        return replace(self, document=shown, text=text)

    def on(self, revision: int, document: Any) -> Draft:
        """The same on top of what others saved meanwhile.

        Args:
            document: With their changes in it; None where nothing could be carried over.
        """
        wanted = self.document if document is None else document
        return Draft(document=wanted, text=as_text(wanted), revision=revision)


def as_text(document: Any) -> str:
    """A document for people, as ``JSON.stringify(document, null, 2)`` writes it."""
    return json.dumps(_plain(document), ensure_ascii=False, indent=2)


def _plain(value: Any) -> Any:
    """JavaScript writes 5.0 as 5."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
