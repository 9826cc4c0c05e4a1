"""Notices as a subject, as text and as HTML."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from django.core.mail import EmailMultiAlternatives
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.alerts.said import NOTICE, digest, notices
from trading.alerts.letters import html_of, subject_of, text_of
from trading.alerts.ports import Digest, Message, Notice

OURS = {"html", "body", "h2", "h3", "p", "table", "tr", "th", "td", "pre"}


class Tags(HTMLParser):
    """The tags that a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_subject_names_one_alert_or_counts_many() -> None:
    other = replace(NOTICE, title="ETH-USD 4h: crossover above signal line", tone="down")
    assert subject_of([NOTICE]) == "▲ BTC-USD 1h on coinbase: level through +150"
    assert subject_of([NOTICE, other]) == f"2 alerts: {NOTICE.title}, {other.title}"
    assert subject_of(digest(40)) == "40 alerts within 5 min"


def test_text_has_the_table_of_all_timeframes() -> None:
    lines = text_of([NOTICE]).splitlines()
    assert "MACD-V" in lines
    assert "1d     +50.0  ▲" in lines
    assert lines[-1] == "2026-11-28 12:00:00 UTC · 28.11.2026 13:00:00 Europe/Berlin"


def test_where_nothing_is_known_beside_the_words_nothing_is_left_empty() -> None:
    bare = replace(
        NOTICE, title="Livermore: a test", summary="Reached.", facts=[], momentum={}, bias=""
    )
    assert text_of([bare]).splitlines()[:4] == [
        "Livermore: a test",
        "Reached.",
        "",
        text_of([NOTICE]).splitlines()[-1],
    ]
    assert "table" not in Tags(html_of([bare])).found


@given(st.lists(notices, min_size=1, max_size=4), st.booleans())
def test_whatever_an_alert_holds_is_text(said: list[Notice], is_many: bool) -> None:
    message: Message = Digest(title=said[0].title, notices=said) if is_many else said
    subject, page = subject_of(message), html_of(message)
    assert len(subject) <= 150
    assert not {"\r", "\n"} & set(subject)
    tags = Tags(page)
    assert tags.found <= OURS
    assert tags.attributes <= {"style"}
    letter = EmailMultiAlternatives(subject, text_of(message), "a@example.org", ["b@example.org"])
    letter.attach_alternative(page, "text/html")
    assert letter.message().as_bytes()
