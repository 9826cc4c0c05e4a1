"""What the forms of the symbols page may carry.

Rule 1: shapes only; whether a market is listed, and what a category may be, its service says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django import forms

from control.pages.symbol_table import market_of
from control.symbols import changes
from control.symbols.changed import Changed
from control.symbols.watchlist import Tagging
from settings_app.schema.markets import MOST_SYMBOLS, WatchlistEntry
from trading.core.market import Market

ALTERING: Final[Mapping[str, Callable[..., Changed]]] = {
    "enable": changes.enable,
    "disable": changes.disable,
    "remove": changes.remove,
}
ACTS: Final = (*ALTERING, "add", "categorise", "backfill")


def split(text: str) -> list[str]:
    """Categories as people write them, with commas between."""
    return list(dict.fromkeys(part for one in text.split(",") if (part := one.strip().lower())))


class AddForm(forms.Form):
    """One market to be watched; without an exchange, on the primary one."""

    symbol = forms.CharField(max_length=60)
    exchange = forms.CharField(max_length=40, required=False, empty_value=None)

    def clean_symbol(self) -> str:
        """People write btc-usd."""
        return str(self.cleaned_data["symbol"]).upper()


class ChangeForm(forms.Form):
    """One act, and the rows for it: those that are ticked, or the one whose button it was."""

    act = forms.CharField(required=False)
    one = forms.CharField(required=False)
    market = forms.Field(required=False, widget=forms.MultipleHiddenInput)
    categories = forms.CharField(required=False, max_length=500)
    tagging = forms.ChoiceField(required=False, choices=[(one, one) for one in Tagging])
    sure = forms.BooleanField(required=False)

    def clean_categories(self) -> list[str]:
        """Those that were written."""
        return split(self.cleaned_data["categories"])

    def clean(self) -> dict[str, Any]:
        """The act, and the markets that there are."""
        if self.errors:  # what is wrong in a field is told already
            return self.cleaned_data
        act, _, key = self.cleaned_data["one"].partition(" ")
        if key:
            self.cleaned_data["act"], keys = act, [key]
        else:
            keys = self.cleaned_data["market"] or []
        if self.cleaned_data["act"] not in ACTS:
            raise forms.ValidationError("That is not known here.")
        found = [market_of(one) for one in keys[:MOST_SYMBOLS]]
        self.cleaned_data["market"] = [one for one in dict.fromkeys(found) if one is not None]
        if not self.cleaned_data["market"]:
            raise forms.ValidationError("Choose symbols first.")
        if self.cleaned_data["act"] == "categorise" and not self.cleaned_data["categories"]:
            raise forms.ValidationError("Write a category.")
        return self.cleaned_data

    @property
    def markets(self) -> list[Market]:
        """What the act is for."""
        markets: list[Market] = self.cleaned_data["market"]
        return markets


class RowForm(forms.Form):
    """One row of the watchlist."""

    enabled = forms.BooleanField(required=False, label="Watched")
    categories = forms.CharField(
        required=False, max_length=500, help_text="With commas between, such as high-cap, layer 1."
    )
    position = forms.IntegerField(min_value=1, label="Place in the list")

    def __init__(self, *args: Any, most: int, **named: Any) -> None:
        super().__init__(*args, **named)
        for name, field in self.fields.items():
            if name != "enabled":
                field.widget.attrs["class"] = "lv-in"
        self.fields["position"].widget.attrs["max"] = most

    @staticmethod
    def initial_of(entry: WatchlistEntry, place: int) -> dict[str, Any]:
        """A row as the form shows it."""
        return {
            "enabled": entry.enabled,
            "categories": ", ".join(entry.categories),
            "position": place,
        }

    @property
    def wanted(self) -> dict[str, Any]:
        """What is to be different, as :func:`control.symbols.changes.alter` takes it."""
        return {
            "enabled": self.cleaned_data["enabled"],
            "categories": tuple(split(self.cleaned_data["categories"])),
            "position": self.cleaned_data["position"] - 1,
        }
