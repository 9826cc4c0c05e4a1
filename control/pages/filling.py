"""What fills in the settings page from elsewhere, without JavaScript: a template, or a file.

Rule 1: nothing here saves. What comes of it is a draft, and is saved as any other.
"""

from __future__ import annotations

from typing import Any, Final

from django import forms

from settings_app import documents, services
from settings_app.documents import ABSENT
from settings_app.errors import FieldError, SettingsInvalid
from settings_app.models import User
from settings_app.services import Preview
from settings_app.templates import TEMPLATES, template

MOST_BYTES: Final = 1024 * 1024  # as the API takes; the largest valid document has a fifth of it


class FillForm(forms.Form):
    """Where the settings are to come from: one of a template, a file and a pasted text."""

    template = forms.ChoiceField(
        required=False, choices=[(one.name, one.title) for one in TEMPLATES]
    )
    text = forms.CharField(required=False, strip=False, max_length=MOST_BYTES)
    file = forms.FileField(required=False, max_length=255)
    adopt = forms.BooleanField(required=False)
    ignore_unknown = forms.BooleanField(required=False)

    def clean_file(self) -> bytes:
        """What the file holds."""
        file = self.cleaned_data["file"]
        if file is None:
            return b""
        if file.size > MOST_BYTES:
            raise forms.ValidationError("the file must have at most 1 MB")
        return bytes(file.read())

    def clean(self) -> dict[str, Any]:
        """Something must be there."""
        if not self.errors and not any(map(self.cleaned_data.get, ("template", "text", "file"))):
            raise forms.ValidationError("choose a template or a file, or paste a document")
        return self.cleaned_data

    @property
    def why(self) -> str:
        """Where it comes from, in a sentence."""
        name = self.cleaned_data["template"]
        return f"Filled in from {template(name).title}." if name else "Filled in from your file."

    def preview(self, user: User) -> Preview:
        """What it would make of the user's settings.

        Raises:
            SettingsInvalid: If there is nothing, or it is no JSON.
            SettingsTooNew: If a newer program made it.
        """
        if not self.is_valid():
            texts = [str(text) for texts in self.errors.values() for text in texts]
            raise SettingsInvalid([FieldError("", text) for text in texts])
        given = self.cleaned_data
        if given["template"]:
            patch = template(given["template"]).patch
            preview = services.preview_patch(user.pk, patch, by=user)
        else:
            document = documents.decode(given["file"] or given["text"])
            how = {name: given[name] for name in ("adopt", "ignore_unknown")}
            preview = services.preview_load(user.pk, document, by=user, **how)
        return preview


def in_words(value: Any) -> str:
    """A value as people read it, and as ``shown`` in ``settings/document.js`` writes it."""
    if value is ABSENT:
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        is_plain = not any(isinstance(one, dict) for one in value)
        return (", " if is_plain else "; ").join(map(in_words, value)) or "none"
    if isinstance(value, dict) and "symbol" in value:
        return f"{value['symbol']} · {value.get('exchange')}"
    if isinstance(value, dict):
        members = (
            f"{key.replace('_', ' ')}: {in_words(one)}" for key, one in value.items() if one != {}
        )
        return " · ".join(members) or "empty"
    return str(value) or "empty"
