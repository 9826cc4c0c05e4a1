"""What the panel's templates show of a status, before any module of the browser is at work."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

from control.heard import Heard
from control.pages import panel
from control.protocol import (
    Cell,
    Counts,
    HeldStatus,
    PositionsStatus,
    RuntimeStatus,
    SymbolStatus,
    WarmUpStatus,
)
from settings_app.models import User
from tests.control.alerts import told, troubled
from tests.control.statuses import a_status
from tests.settings_app.factories import UserFactory
from trading.alerts.reader import Reader
from trading.models import Position, PositionReading

SUB = "anna"
READER = Reader(timezone="Europe/Berlin", date_format="DD.MM.YYYY")
MINUS = "\N{MINUS SIGN}"


def counts(warming: int) -> Counts:
    return Counts(
        watched=40,
        stale=0,
        signals_today=0,
        alerts_waiting=0,
        trades=0,
        candles_closed=0,
        warming=warming,
    )


def notices(state: str = "running", *, warming: int = 0) -> str:
    """The callouts of a status, as text without its marks, one line each."""
    told = WarmUpStatus(bars=50_400, wanted=72_000) if warming else None
    status = a_status(SUB, state=state, counts=counts(warming), warm_up=told)
    heard = Heard(status=status, is_reachable=True, at=status.at)
    return render_to_string(
        "livermore/control/_notices.html",
        {"heard": heard, "status": status, "differences": [], "reader": READER},
    )


def callout(html: str, name: str) -> tuple[bool, str]:
    """Whether a callout is shown, and its words."""
    found = re.search(rf'<div [^>]*data-notice="{name}"([^>]*)>(.*?)</p>', html, re.DOTALL)
    assert found is not None
    words = re.sub(r"<[^>]+>", "", found[2])
    return "hidden" not in found[1], " ".join(words.split())


def test_the_panel_says_how_many_symbols_are_warming_up() -> None:
    is_shown, words = callout(notices(warming=12), "warming")
    assert is_shown
    assert words.startswith("Warming up 12 of 40 symbols")
    assert "50,400 of 72,000 bars are there" in words


@pytest.mark.parametrize(("state", "warming"), [("running", 0), ("faulted", 12)])
def test_it_says_nothing_of_a_warm_up_that_is_done_or_does_not_go_on(
    state: str, warming: int
) -> None:
    assert not callout(notices(state, warming=warming), "warming")[0]


def test_a_cell_of_a_market_that_is_hardly_traded_says_low_trading_activity() -> None:
    symbol = SymbolStatus(
        symbol="DEAD-USD",
        exchange="coinbase",
        live="receiving",
        tf={"1m": Cell(stage="warming up", liquidity="low"), "1h": Cell(stage="warming up")},
    )
    [[row], _] = panel.heat_blocks(a_status(SUB, symbols=[symbol]))
    html = render_to_string(
        "livermore/control/_map_row.html", {"symbol": row.symbol, "cells": row.cells}
    )
    cells = dict(re.findall(r'data-tf="(\w+)"[^>]*?(?: title="([^"]*)")?>', html))
    assert cells == {"1m": "low trading activity", "1h": ""}
    assert re.findall(r'role="gridcell"[^>]*>([^<]*)<', html) == ["low", "·"]


@pytest.mark.parametrize(
    ("indicators", "title", "numbers"),
    [
        ({"macdv": "MACD-V", "rsi": "RSI"}, "MACD-V", ["\N{MINUS SIGN}151", "low"]),
        ({"macdv": "MACD-V"}, "MACD-V", ["\N{MINUS SIGN}151", "low"]),
        ({"rsi": "RSI"}, "RSI", ["71", "low"]),
        ({}, "MACD-V", ["\N{MINUS SIGN}151", "low"]),  # an older worker tells none
    ],
)
def test_the_map_shows_the_first_indicator_that_is_enabled(
    indicators: dict[str, str], title: str, numbers: list[str]
) -> None:
    macd_v = Cell(v=-151.4, s=-100.0, h=-51.4, stage="risk-oversold")
    told = Cell(g={"rsi": 71.26}) if "macdv" not in indicators and indicators else macd_v
    tf = {"1m": told, "1h": Cell(liquidity="low")}
    symbol = SymbolStatus(symbol="BTC-USD", exchange="coinbase", live="receiving", tf=tf)
    status = a_status(SUB, symbols=[symbol], indicators=indicators)
    html = render_to_string(
        "livermore/control/_map.html", {"status": status, **panel.heat_map(status)}
    )
    assert f'<h2 id="cp-map-title">{title}</h2>' in html
    assert re.findall(r'role="gridcell"[^>]*>([^<]*)<', html) == numbers
    [zone, _] = re.findall(r'role="gridcell"[^>]*data-z="([^"]+)"', html)
    assert zone == ("2" if title == "RSI" else "-3")
    assert ('class="cp-legend" hidden' in html) == (title != "MACD-V")


def positions_card(user: User, status: RuntimeStatus | None) -> str:
    context = {**panel.portfolio(user, status), "reader": READER}
    return render_to_string("livermore/control/_positions.html", context)


def shown(html: str) -> list[list[str]]:
    """The cells of each position, as text."""
    body = re.search(r'<tbody id="cp-positions">(.*?)</tbody>', html, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr.*?</tr>", body[1], re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", "", cell).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


HELD = [
    HeldStatus(
        symbol="BTC-USD",
        exchange="coinbase",
        quantity="0.52318073",
        cost_basis="61234.5",
        price=66_607.04,
        priced_at=1,
        value=34_847.52,
        gain=8.774,
    ),
    HeldStatus(
        symbol="SHIB-USDC",
        exchange="coinbase",
        quantity="2459091.123456789",
        cost_basis="0.00001834",
        by_hand=True,
        price=0.0000123456,
        priced_at=1,
        value=30.36,
        gain=-32.68,
    ),
    HeldStatus(symbol="ADA-USD", exchange="coinbase", quantity="12"),
]


@pytest.mark.django_db
def test_positions_are_shown_with_what_they_cost_and_are_worth() -> None:
    html = positions_card(UserFactory.create(), a_status(SUB, held=HELD))
    assert shown(html) == [
        ["BTC", "0.52318073", "61,234.50", "66,607.04", "34,847.52", "+8.8 %"],
        [
            "SHIB-USDC by hand",
            "2,459,091.12345679",
            "0.00001834",
            "0.00001235",
            "30.36",
            f"{MINUS}32.7 %",
        ],
        ["ADA", "12", "–", "–", "–", "–"],
    ]
    assert re.findall(r'cp-gain" data-d="(\w?)"', html) == ["u", "d", "", ""]  # with the template


@pytest.mark.django_db
def test_a_reading_that_fails_says_why_and_whether_its_owner_must_act() -> None:
    failing = PositionsStatus(
        exchange="coinbase",
        label="Coinbase",
        state="failed",
        read_at=1_764_322_200_000,
        error="coinbase: <401> no",
        needs_you=True,
    )
    html = positions_card(UserFactory.create(), a_status(SUB, positions=[failing]))
    words = " ".join(re.sub(r"<[^>]+>", "", html.split("<template")[0]).split())
    assert (
        "Coinbase Cannot be read as of 28.11.2025 10:30 coinbase: &lt;401&gt; no Only you" in words
    )
    assert '<p data-slot="advice" >' in html


@pytest.mark.django_db
def test_nothing_held_and_nothing_read_is_no_card() -> None:
    html = positions_card(UserFactory.create(), a_status(SUB, held=[]))
    assert re.search(r'id="cp-held"[^>]* hidden>', html)


@pytest.mark.django_db
def test_an_older_worker_that_tells_of_none_hides_no_position() -> None:
    anna = UserFactory.create()
    Position.objects.create(user=anna, symbol="BTC-USD", quantity=2)
    assert shown(positions_card(anna, a_status(SUB))) == [["BTC by hand", "2", "–", "–", "–", "–"]]
    assert shown(positions_card(anna, a_status(SUB, held=[]))) == []


@pytest.mark.django_db
def test_without_a_status_positions_are_those_of_the_rows_and_of_nobody_else() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    Position.objects.create(user=anna, symbol="BTC-USD", quantity=2, cost_basis=100)
    PositionReading.objects.create(user=bela, exchange="coinbase", error="coinbase: 401 no")
    assert shown(positions_card(anna, None)) == [["BTC by hand", "2", "100.00", "–", "–", "–"]]
    assert "401" not in positions_card(anna, None)
    assert shown(positions_card(bela, None)) == []
    assert "coinbase: 401 no" in positions_card(bela, None)


@pytest.mark.django_db
def test_signals_stand_by_the_close_of_their_candle_not_by_when_they_were_told() -> None:
    anna, bela = UserFactory.create(), UserFactory.create()
    first, newest = told(anna, hour=0), told(anna, hour=9)
    missed = told(anna, hour=4, state="missed")
    twin = told(anna, hour=4, symbol="ETH-USD")
    told(bela, hour=5)
    troubled(anna)
    ids = [signal.id for signal in panel.latest_signals(anna)]
    assert ids == [newest.pk, twin.pk, missed.pk, first.pk]
