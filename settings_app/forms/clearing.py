"""What may be shown again of something that was refused: all of it but what looks like a secret.

Rule 1: a field that held a secret is shown empty; so is a text within JSON that cannot be read.
Rule 2: a key that looks like one is left out with whatever stood under it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from settings_app.schema.secrecy import disguised_secrets, looks_secret

_TEXT: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"?')


def without_secrets(document: Any) -> Any:
    """The document as it may be shown; the same object where there is nothing to hide."""
    return _cleared(document) if disguised_secrets(document) else document


def text_without_secrets(text: str) -> str:
    """The same of a text that is no JSON."""
    shown = _TEXT.sub(lambda found: _shown(found.group()), text)
    return "\n".join("" if looks_secret(line) else line for line in shown.split("\n"))


def _shown(quoted: str) -> str:
    return '""' if looks_secret(quoted.strip('"'), is_name=True) else quoted


def _cleared(value: Any) -> Any:
    if isinstance(value, str):
        return "" if looks_secret(value, is_name=True) else value
    if isinstance(value, dict):
        return {
            key: member if key == "sub" else _cleared(member)
            for key, member in value.items()
            if not looks_secret(key, is_name=True)
        }
    return [_cleared(member) for member in value] if isinstance(value, list) else value
