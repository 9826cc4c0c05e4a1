"""The watchlist as a file that :mod:`control.symbols.parsing` reads without a loss.

Rule 1: the same watchlist is always the same text; the rows stand in their order.
Rule 2: no name begins with a sign that a spreadsheet takes for a formula: the schema has none.
"""

from __future__ import annotations

import csv
import json
from io import StringIO

from control.symbols.parsing import BETWEEN_CATEGORIES, COLUMNS, Format
from settings_app import services
from settings_app.models import User
from settings_app.schema.document import Settings


def export(user: User, form: Format) -> str:
    """A user's watchlist as the text of a file.

    Raises:
        SettingsTooNew: If a newer program stored the settings.
        SettingsInvalid: If something else than this program stored them.
    """
    return written(services.read(user.pk).document, form)


def written(document: Settings, form: Format) -> str:
    """The watchlist of a document as the text of a file."""
    rows = document.to_document()["watchlist"]
    if form is Format.JSON:
        plain = [{column: row[column] for column in COLUMNS} for row in rows]
        return json.dumps({"watchlist": plain}, indent=2) + "\n"
    file = StringIO()
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(COLUMNS)
    for row in rows:
        enabled = "true" if row["enabled"] else "false"
        categories = BETWEEN_CATEGORIES.join(row["categories"])
        lines.writerow((row["symbol"], row["exchange"], enabled, categories))
    return file.getvalue()
