"""Alerts as a file for a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from control.api.alerts import export
from control.api.alerts.export import COLUMNS, FORMULA_SIGNS, as_text
from settings_app.models import User
from tests.control.alerts import delivery, told, troubled
from tests.control.browsing import BACKEND
from tests.settings_app.calling import Caller, Response
from tests.settings_app.factories import UserFactory

ADDRESS = "/api/alerts.csv"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_every_alert_of_the_selection_is_a_line_newest_first(anna: User) -> None:
    alert = told(anna, state="delivered")
    delivery(alert, "discord", state="delivered")
    delivery(alert, "email", state="failed", reason="no such mailbox")
    system = troubled(anna)
    told(UserFactory.create())
    response = Caller(anna).get(ADDRESS)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="livermore-alerts-2')
    assert response["Cache-Control"] == "private, no-cache"
    first, second = rows_of(response.getvalue().decode())
    assert tuple(first) == COLUMNS
    assert (first["id"], first["kind"], first["price"]) == (str(system.pk), "system", "")
    assert second == {
        **dict.fromkeys(COLUMNS, ""),
        "id": str(alert.pk),
        "told at (UTC)": f"{alert.created_at:%Y-%m-%d %H:%M:%S}",
        "candle closed at (UTC)": "2026-09-30 12:00:00",
        "exchange": "coinbase",
        "symbol": "BTC-USD",
        "timeframe": "1h",
        "kind": "level",
        "direction": "up",
        "level": "150.0",
        "MACD-V": "160.25",
        "price": "0.0000000012",
        "stage": "rallying",
        "detail": "through +150",
        "state": "delivered",
        "deliveries": "discord delivered; email failed",
    }
    only = Caller(anna).get(f"{ADDRESS}?kind=system").getvalue().decode()
    assert [row["id"] for row in rows_of(only)] == [str(system.pk)]


def test_a_file_of_several_pages_has_every_line_once(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    made = [str(told(anna, hour=hour).pk) for hour in range(5)]
    rows = rows_of(Caller(anna).get(ADDRESS).getvalue().decode())
    assert [row["id"] for row in rows] == made[::-1]


@async_to_sync  # so that the queries run in this thread, on the connection that the test closes
async def downloaded(client: AsyncClient) -> str:
    response: Response = await client.get(ADDRESS)
    assert response.is_async
    return b"".join([part async for part in response]).decode()


def test_the_file_is_streamed_by_an_event_loop_too(anna: User) -> None:
    alert = told(anna)
    client = AsyncClient()
    client.force_login(anna, backend=BACKEND)
    assert [row["id"] for row in rows_of(downloaded(client))] == [str(alert.pk)]


def test_a_name_that_is_a_formula_is_text_in_the_file(anna: User) -> None:
    told(anna, symbol='=HYPERLINK("http://x","y")', detail="-1+cmd|' /C calc'!A0", value=-160.0)
    [row] = rows_of(Caller(anna).get(ADDRESS).getvalue().decode())
    assert row["symbol"] == '\'=HYPERLINK("http://x","y")'
    assert row["detail"] == "'-1+cmd|' /C calc'!A0"
    assert row["MACD-V"] == "-160.0", "a number is one"


@given(st.text())
def test_no_text_of_the_file_begins_like_a_formula(text: str) -> None:
    shown = as_text(text)
    assert not shown.lstrip(" ").startswith(FORMULA_SIGNS)
    assert shown.removeprefix("'") == text.removeprefix("'") or shown == f"'{text}"
