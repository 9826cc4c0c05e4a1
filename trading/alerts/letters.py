"""Notices as a subject, as plain text and as HTML: what e-mail and push services show.

Rule 1: what comes from outside is text: in HTML it is escaped, in a subject it has no line break.
Rule 2: all styles stand in the elements, for mail programs drop style sheets; no picture and no
    script is loaded from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from trading.alerts.markdown import clean, cut
from trading.alerts.ports import Digest, Message, Notice
from trading.alerts.tables import MARKS, digest_rows, momentum_rows

_SUBJECT: Final = 150
_COLOURS: Final = {"up": "#1a7f37", "down": "#cf222e", "trouble": "#9a6700", "recovered": "#0969da"}
_GREY: Final = "#57606a"


def subject_of(message: Message) -> str:
    """One line that says what a message is about."""
    if isinstance(message, Digest):
        subject = message.title
    elif len(message) == 1:
        subject = f"{MARKS.get(message[0].tone, '')} {message[0].title}"
    else:
        subject = f"{len(message)} alerts: {', '.join(notice.title for notice in message)}"
    return cut(clean(subject), _SUBJECT)


def text_of(message: Message, *, most_rows: int | None = None) -> str:
    """All that a message says, for whoever shows plain text.

    Args:
        most_rows: Rows of a digest; what is left out is counted. None: all of them.
    """
    if not isinstance(message, Digest):
        return "\n\n".join(map(_text, message))
    rows = [clean(row) for row in digest_rows(message.notices)]
    shown = rows if most_rows is None else rows[: most_rows + 1]
    left = len(rows) - len(shown)
    return "\n".join([*shown, *([f"… and {left} more"] if left else [])])


def html_of(message: Message) -> str:
    """The same as a page of its own."""
    inner: SafeString
    if isinstance(message, Digest):
        inner = format_html("<h2>{}</h2>{}", clean(message.title), _table_of(message.notices))
    else:
        inner = format_html_join("", "{}", ((_section(notice),) for notice in message))
    return format_html(
        '<!doctype html><html><body style="font-family:sans-serif;max-width:40em">{}</body></html>',
        inner,
    )


def _times(notice: Notice) -> str:
    utc = f"{notice.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    local = clean(notice.at_local)
    return f"{utc} · {local}" if local and local != utc else utc


def _text(notice: Notice) -> str:
    lines = [clean(notice.title), clean(notice.summary, lines=True)]
    if facts := _facts(notice):
        lines += ["", *(f"{clean(name)}: {clean(value)}" for name, value in facts)]
    if rows := momentum_rows(notice.momentum):
        lines += ["", "MACD-V", *map(clean, rows)]
    return "\n".join([*lines, "", _times(notice)])


def _facts(notice: Notice) -> list[tuple[str, str]]:
    return [*notice.facts, *([("Bias", notice.bias)] if notice.bias else [])]


def _section(notice: Notice) -> SafeString:
    rows = [clean(row) for row in momentum_rows(notice.momentum)]
    table = format_html("<h3>MACD-V</h3><pre>{}</pre>", "\n".join(rows)) if rows else mark_safe("")
    facts = format_html_join(
        "",
        '<tr><td style="color:{};padding-right:1em">{}</td><td>{}</td></tr>',
        ((_GREY, clean(name), clean(value)) for name, value in _facts(notice)),
    )
    return format_html(
        '<h2 style="color:{}">{}</h2><p>{}</p>{}{}<p style="color:{}">{}</p>',
        _COLOURS.get(notice.tone, _GREY),
        clean(notice.title),
        clean(notice.summary, lines=True),
        format_html("<table>{}</table>", facts) if facts else facts,
        table,
        _GREY,
        _times(notice),
    )


def _table_of(notices: Iterable[Notice]) -> SafeString:
    return format_html(
        "<table><tr><th>UTC</th><th></th><th></th></tr>{}</table>",
        format_html_join(
            "",
            '<tr><td>{}</td><td style="color:{};padding:0 .6em">{}</td><td>{}</td></tr>',
            (
                (
                    f"{notice.at:%H:%M}",
                    _COLOURS.get(notice.tone, _GREY),
                    MARKS.get(notice.tone, ""),
                    clean(notice.title),
                )
                for notice in notices
            ),
        ),
    )
