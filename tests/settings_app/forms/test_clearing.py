"""What looks like a secret is not shown again, and everything else is."""

from __future__ import annotations

from settings_app.documents import merge_patch
from settings_app.forms import text_without_secrets, without_secrets
from settings_app.schema import default_document

SECRET = "qW8xk29vTtb0Zs71mN4hYcR5uJ3eLpAa"  # looks like one, and is none


def test_a_document_without_secrets_is_left_alone() -> None:
    document = default_document("2f7d3a52-7c1e-4f0a-9a7e-0f4a5b8c9d10")
    assert without_secrets(document) is document


def test_a_secret_in_a_field_a_text_or_a_key_is_left_out() -> None:
    changes = {
        "perseus_profile": {"description": f"mine is {SECRET}"},
        "exchanges": {"coinbase": {"SecretEnvironmentVariableName": SECRET, SECRET: 1}},
    }
    shown = without_secrets(merge_patch(default_document("anna"), changes))
    assert SECRET not in str(shown)
    assert shown["exchanges"]["coinbase"]["enabled"] is True
    assert shown["exchanges"]["coinbase"]["SecretEnvironmentVariableName"] == ""


def test_a_text_that_is_no_json_is_shown_without_its_secrets() -> None:
    text = f'{{\n  "key": "{SECRET}",\n  "name": "COINBASE_KEY",,\n  {SECRET}\n'
    shown = text_without_secrets(text)
    assert SECRET not in shown
    assert '"name": "COINBASE_KEY",,' in shown
    assert shown.count("\n") == text.count("\n")
