"""The registries that the world keeps: time zones, locales, currencies.

Rule 1: they are asked when a document is written, never when a stored one is read. They change
    without us (a country adopts the euro), and a stored document stays readable.
Rule 2: loaded when first asked, and kept: a process that only reads loads none of them.
Rule 3: names are taken in their canonical spelling; nothing is corrected silently.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

# What people count in beside what governments issue.
CRYPTO_CURRENCIES: Final = ("BTC", "ETH", "SOL", "BNB", "USDT", "USDC", "DAI", "EURC")


@cache
def timezones() -> frozenset[str]:
    """Every IANA time zone, by the ``tzdata`` package: the same on every machine.

    ``zoneinfo`` falls back on that package, so each of them can be loaded everywhere. (Asking
    ``zoneinfo`` for its own list opens every file of it and takes 0.2 s.)
    """
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


@cache
def is_locale(tag: str) -> bool:
    """Whether CLDR knows how numbers and dates are written there.

    Args:
        tag: BCP 47, in its canonical spelling: ``de``, ``en-GB``, ``zh-Hant-TW``.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  # 20 ms, and never for reading

    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    # Babel resolves what is withdrawn or undetermined ("iw", "und") to something else.
    subtags = tag.split("-")
    known = {locale.script, locale.territory}
    return locale.language == subtags[0] and known.issuperset(subtags[1:])


@cache
def currencies() -> frozenset[str]:
    """The currencies that are legal tender somewhere now (ISO 4217 by CLDR), and a few coins.

    Historic ones (DEM, HRK) are left out, and so are funds, metals and codes for testing.
    """
    from babel.core import get_global  # noqa: PLC0415  # as above

    tender = {
        code
        for periods in get_global("territory_currencies").values()
        for code, _begin, end, is_tender in periods
        if is_tender and end is None
    }
    return frozenset(tender.union(CRYPTO_CURRENCIES))
