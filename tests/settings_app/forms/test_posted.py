"""A post of the form means what was changed in it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings

from settings_app.documents import merge_patch
from settings_app.forms import Control, Group, Section, Table, form_of, laid_over
from settings_app.schema import default_document, validate
from tests.settings_app.strategies import current_documents

Fields = dict[str, list[str]]


def fields_of(document: Any) -> Fields:
    """What a browser posts of an untouched form."""
    fields: Fields = {}
    _collect(form_of(document), fields)
    return fields


def _collect(parts: Iterable[Section | Group | Table | Control], fields: Fields) -> None:
    for part in parts:
        if isinstance(part, Control):
            fields[part.path] = texts_of(part)
        elif isinstance(part, Table):
            _collect([control for row in part.rows for control in row.controls], fields)
        else:
            _collect(part.parts, fields)


def texts_of(control: Control) -> list[str]:
    if control.kind == "switch":
        return ["on"] if control.value is True else []
    if control.kind == "choices":
        return [option.value for option in control.options if option.is_chosen]
    return [control.text]


def posted(document: Any, **changes: Any) -> Any:
    fields = fields_of(document) | changes.pop("fields", {})
    return laid_over(document, lambda name: fields.get(name, []))


@settings(max_examples=40)
@given(current_documents("anna"))
def test_an_untouched_form_changes_nothing(document: dict[str, Any]) -> None:
    stored = validate(document).to_document()
    assert posted(stored) == stored


def test_a_change_is_laid_over_the_document() -> None:
    before = {**default_document("anna"), "later": {"key": 1}}
    after = posted(before, fields={"/scanner/top_n": ["25"], "/scanner/enabled": ["on"]})
    assert after == merge_patch(before, {"scanner": {"top_n": 25, "enabled": True}})


def test_what_is_no_number_stays_what_was_typed() -> None:
    after = posted(default_document("anna"), fields={"/scanner/top_n": ["many"]})
    assert after["scanner"]["top_n"] == "many"
    levels = posted(
        default_document("anna"), fields={"/modes/scalper-macdv/levels": ["150, x, 1e2"]}
    )
    assert levels["modes"]["scalper-macdv"]["levels"] == [150, "x", 100.0]


def test_an_emptied_optional_setting_is_absent() -> None:
    named = {"exchanges": {"coinbase": {"ApiKeyEnvironmentVariableName": "COINBASE_KEY"}}}
    before = merge_patch(default_document("anna"), named)
    after = posted(before, fields={"/exchanges/coinbase/ApiKeyEnvironmentVariableName": [""]})
    assert after == default_document("anna")


def test_a_channel_comes_into_being_when_somebody_fills_it_in() -> None:
    before = default_document("anna")
    after = posted(before, fields={"/notifications/email/address": ["anna@example.org"]})
    assert after["notifications"]["email"]["address"] == "anna@example.org"
    assert "discord" not in after["notifications"]


def test_rows_are_added_changed_and_emptied() -> None:
    rows = [
        {"symbol": "BTC-USD", "exchange": "coinbase", "enabled": True, "categories": ["top"]},
        {"symbol": "ETH-USD", "exchange": "coinbase", "enabled": True, "categories": []},
    ]
    before = {**default_document("anna"), "watchlist": rows}
    after = posted(
        before,
        fields={
            "/watchlist/0/symbol": [""],
            "/watchlist/1/enabled": [],
            "/watchlist/2/symbol": ["SOL-USDT"],
            "/watchlist/2/exchange": ["kucoin"],
            "/watchlist/2/categories": ["layer 1, fast"],
        },
    )
    assert after["watchlist"] == [
        {**rows[1], "enabled": False},
        {
            "symbol": "SOL-USDT",
            "exchange": "kucoin",
            "enabled": True,
            "categories": ["layer 1", "fast"],
        },
    ]


def test_boxes_keep_the_order_that_was_there() -> None:
    path = "/modes/scalper-macdv/timeframes"
    before = merge_patch(
        default_document("anna"), {"modes": {"scalper-macdv": {"timeframes": ["4h", "1h"]}}}
    )
    after = posted(before, fields={path: ["1m", "1h", "4h"]})
    assert after["modes"]["scalper-macdv"]["timeframes"] == ["4h", "1h", "1m"]
