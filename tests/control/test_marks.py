"""Every state of an alert and of a delivery is shown by a word, and alike on every page."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

from control.marks import LOOKS, SAYS_NOTHING, mark_of_alert, mark_of_delivery
from control.protocol import SignalEvent
from livermore.env import PROJECT
from trading.alerts.reader import Reader
from trading.models import Alert, Delivery


def signal(state: str) -> SignalEvent:
    return SignalEvent(
        id=7,
        symbol="BTC-USD",
        exchange="coinbase",
        timeframe="1h",
        kind="level",
        direction="up",
        detail="through +150",
        value=160.0,
        stage="rallying",
        price=1.0,
        closed_at=1_790_000_000_000,
        state=state,
    )


def mark_in(html: str) -> tuple[bool, str]:
    """Whether a row of the signals marks its state, and the word."""
    found = re.search(r"<span [^>]*data-mark(.*?)>.*?data-slot=\"state\">(.*?)<", html, re.DOTALL)
    assert found is not None
    return "hidden" not in found[1], found[2]


def test_every_state_has_its_look_and_every_picture_is_there() -> None:
    icons = (PROJECT / "templates/livermore/_icons.html").read_text()
    for state in Alert.State:
        assert mark_of_alert(state).word == state.label
    for step in Delivery.State:
        assert step.label.startswith(mark_of_delivery(step).word)
    for _, glyph in LOOKS.values():
        assert f'id="i-{glyph}"' in icons


@pytest.mark.parametrize("state", Alert.State)
def test_the_panel_says_what_became_of_a_signal(state: Alert.State) -> None:
    html = render_to_string(
        "livermore/control/_signal.html", {"signal": signal(state), "reader": Reader()}
    )
    assert mark_in(html) == (state not in SAYS_NOTHING, state.label)


def test_a_state_that_is_not_known_yet_is_shown_by_its_name() -> None:
    html = render_to_string(
        "livermore/control/_signal.html", {"signal": signal("postponed"), "reader": Reader()}
    )
    assert mark_in(html) == (True, "postponed")


def test_the_row_that_the_browser_copies_marks_nothing() -> None:
    html = render_to_string("livermore/control/_signal.html", {"signal": None})
    assert mark_in(html) == (False, "")


def test_the_browser_shows_the_states_as_the_server_does() -> None:
    script = (PROJECT / "static/livermore/js/marks.js").read_text()
    table = re.search(r"const STATES = \{(.*?)\};", script, re.DOTALL)
    assert table is not None
    rows = re.findall(r'(\w+): \["(\w+)", "(\w+)", "([\w ]+)"\]', table[1])
    expected = {str(state): (*LOOKS[state], state.label) for state in Alert.State}
    assert {state: tuple(look) for state, *look in rows} == expected
    script = (PROJECT / "static/livermore/js/panel/lists.js").read_text()
    unmarked = re.search(r"const UNMARKED = \[(.*?)\];", script)
    assert unmarked is not None
    assert set(re.findall(r"\w+", unmarked[1])) == SAYS_NOTHING
