"""The form has every setting, shows what the document says, and says what is wrong in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from settings_app.documents import ABSENT, merge_patch
from settings_app.errors import FieldError
from settings_app.forms import Control, Group, Section, Table, blanks, form_of, title_of
from settings_app.schema import default_document, validate
from settings_app.schema.tree import leaves

NOT_IN_THE_FORM = {"/version", "/sub"}


def controls(parts: Iterable[Section | Group | Table | Control]) -> Iterator[Control]:
    """Every control, of lists those of the row that others are made after."""
    for part in parts:
        if isinstance(part, Control):
            yield part
        elif isinstance(part, Table):
            yield from part.model.controls
        else:
            yield from controls(part.parts)


def control_at(path: str, document: Any, *errors: FieldError) -> Control:
    every = controls(form_of(document, errors))
    return next(control for control in every if control.path == path)


def test_every_setting_has_exactly_one_control() -> None:
    wanted = {path for path, _ in leaves()} - NOT_IN_THE_FORM
    of_exchanges = {path for path in wanted if "{name}" in path}
    for name in ("coinbase", "binance", "kucoin"):
        wanted |= {path.replace("{name}", name) for path in of_exchanges}
    shown = [control.path for control in controls(form_of(default_document("anna")))]
    assert sorted(shown) == sorted(wanted - of_exchanges)


def test_a_control_says_title_help_unit_bounds_and_when_it_applies() -> None:
    control = control_at("/position_refresh_hours", default_document("anna"))
    assert control.title == "Refresh positions every"
    assert control.help.startswith("How often")
    assert (control.unit, control.least, control.most) == ("hours", 0.25, 168)
    assert control.applies == "at next refresh"  # the section around it says "at once"
    assert control.text == "4"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/perseus_profile/description", "lines"),
        ("/perseus_profile/timezone", "text"),
        ("/perseus_profile/time_format", "choice"),
        ("/scanner/top_n", "number"),
        ("/scanner/enabled", "switch"),
        ("/scanner/exclude", "list"),
        ("/modes/scalper-macdv/levels", "numbers"),
        ("/modes/scalper-macdv/timeframes", "choices"),
    ],
)
def test_a_setting_gets_the_control_of_its_kind(path: str, kind: str) -> None:
    assert control_at(path, default_document("anna")).kind == kind


def test_an_exchange_or_a_channel_that_is_not_set_up_can_be_added() -> None:
    document = default_document("anna")
    groups = {
        part.path: part
        for section in form_of(document)
        for part in section.parts
        if isinstance(part, Group)
    }
    assert groups["/exchanges/coinbase"].is_there
    assert not groups["/exchanges/kucoin"].is_there
    assert groups["/exchanges/kucoin"].is_optional
    assert groups["/exchanges/kucoin"].title == "KuCoin"
    assert not groups["/notifications/discord"].is_there
    assert not groups["/modes/scalper-macdv"].is_optional


def test_what_is_added_is_valid_but_for_what_only_its_owner_knows() -> None:
    document = default_document("anna")
    added = {"exchanges": {"kucoin": blanks()["/exchanges/kucoin"]}}
    email = {**blanks()["/notifications/email"], "address": "anna@example.org"}
    row = {**blanks()["/watchlist"], "symbol": "BTC-USD"}
    planned = {**blanks()["/schedule"], "at": "22:00"}
    changes = {
        **added,
        "notifications": {"email": email},
        "watchlist": [row],
        "schedule": [planned],
    }
    saved = validate(merge_patch(document, changes)).to_document()
    assert saved["notifications"]["email"] == email
    assert saved["watchlist"] == [row]


def test_an_error_is_told_at_its_control_and_its_row() -> None:
    document = merge_patch(
        default_document("anna"), {"watchlist": [{"symbol": "BTCUSD", "exchange": "coinbase"}]}
    )
    errors = [
        FieldError("/scanner/top_n", "must be at most 100"),
        FieldError("/watchlist/0/symbol", "must be a symbol such as BTC-USD"),
        FieldError("/watchlist/0/color", "is not a setting"),
    ]
    assert control_at("/scanner/top_n", document, *errors).errors == ("must be at most 100",)
    sections = {section.name: section for section in form_of(document, errors)}
    table = sections["watchlist"].parts[0]
    assert isinstance(table, Table)
    row = table.rows[0]
    assert row.controls[0].errors == ("must be a symbol such as BTC-USD",)
    assert row.errors == ("must be a symbol such as BTC-USD", "is not a setting")


def test_what_is_no_choice_is_shown_all_the_same() -> None:
    document = merge_patch(default_document("anna"), {"perseus_profile": {"time_format": "36h"}})
    options = control_at("/perseus_profile/time_format", document).options
    assert [option.value for option in options if option.is_chosen] == ["36h"]


def test_an_example_is_of_the_exchange_that_it_stands_at() -> None:
    control = control_at("/exchanges/binance/ApiKeyEnvironmentVariableName", default_document("a"))
    assert control.placeholder == "e.g. BINANCE_KEY"


@pytest.mark.parametrize("document", [[], None, "text", 7, {"watchlist": 7, "modes": []}])
def test_a_form_can_be_drawn_of_any_json(document: Any) -> None:
    assert control_at("/scanner/top_n", document).text == "50"
    assert control_at("/exchanges/binance/defaults/trading_strategy", document).value is ABSENT


def test_places_have_the_names_that_people_read() -> None:
    assert title_of("/perseus_profile/trade_settings/stop_loss_percentage") == "Trading: Stop loss"
    assert title_of("/modes/scalper-macdv/cooldown_seconds") == "MACD-V scalper: Cooldown"
    assert title_of("/watchlist/5/enabled") == "row 6: On"
    assert title_of("/exchanges/kucoin") == "Exchanges: KuCoin"
    assert title_of("/weather") == "weather"
    assert title_of("") == "The document"
