"""What the panel's templates show of a status, before any module of the browser is at work."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

from control import panel
from control.protocol import Cell, Counts, SymbolStatus, WarmUpStatus
from tests.control.statuses import a_status

SUB = "anna"


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
    heard = panel.Heard(status=status, is_reachable=True, at=status.at)
    return render_to_string(
        "livermore/control/_notices.html", {"heard": heard, "status": status, "differences": []}
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
