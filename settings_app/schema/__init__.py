"""The settings document, version 2: its shape, its bounds and its rules.

Rule 1: the current version only. Older documents become current in `settings_app.upgrades`.
Rule 2: values in, values or field errors out: no database, no clock, no environment.
Rule 3: every field has a title, a sentence of help, an example and the moment at which it applies.

The spelling of the keys is the one that existing files use, hence ``ApiKeyEnvironmentVariableName``
beside ``primary_exchange``. A setting that is not set is absent; there is no null in a document.
"""

from __future__ import annotations

from settings_app.schema.document import CURRENT_VERSION, Settings, default_document
from settings_app.schema.fields import Applies
from settings_app.schema.modes import ModeSettings
from settings_app.schema.tree import (
    applies_at,
    is_recorded_only,
    json_schema,
    keys_at,
    nearest,
)
from settings_app.schema.validation import parse_stored, unknown_keys, validate

__all__ = [
    "CURRENT_VERSION",
    "Applies",
    "ModeSettings",
    "Settings",
    "applies_at",
    "default_document",
    "is_recorded_only",
    "json_schema",
    "keys_at",
    "nearest",
    "parse_stored",
    "unknown_keys",
    "validate",
]
