"""What people call a place of the document."""

from __future__ import annotations

from settings_app.documents import pointer_keys
from settings_app.forms.layout import label_of, tree


def title_of(path: str) -> str:
    """A setting, behind the last thing around it: ``MACD-V scalper: Cooldown``.

    Args:
        path: JSON Pointer. What lies beyond the schema is named by its own key.
    """
    node, titles = tree(), []
    for key in pointer_keys(path):
        if key.isdecimal() and "items" in node:
            titles.append(f"row {int(key) + 1}")
            node = node["items"]
            continue
        member = node.get("properties", {}).get(key)
        if member is None and key in node.get("propertyNames", {}).get("enum", ()):
            member = node["additionalProperties"]
        titles.append(label_of(key, member or {}))
        node = member or {}
    return ": ".join(titles[-2:]) or "The document"
