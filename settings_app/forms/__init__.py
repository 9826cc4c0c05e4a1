"""The settings as a form: what its controls are, what they show, and what a post of them means.

Rule 1: everything comes out of the schema (`schema.tree`); only the order of the sections and
    their titles are written here (`layout`).
Rule 2: a control's name is the JSON Pointer of its setting. What has no control is never lost: a
    post is laid over a document.
Rule 3: nothing is judged here. What somebody typed goes to the services as it is, and what is
    wrong with it comes back as errors by pointer.
"""

from settings_app.forms.building import Control, Group, Section, Table, form_of
from settings_app.forms.clearing import text_without_secrets, without_secrets
from settings_app.forms.layout import blanks
from settings_app.forms.moves import Move
from settings_app.forms.posted import laid_over
from settings_app.forms.titles import title_of

__all__ = [
    "Control",
    "Group",
    "Move",
    "Section",
    "Table",
    "blanks",
    "form_of",
    "laid_over",
    "text_without_secrets",
    "title_of",
    "without_secrets",
]
