"""A watchlist out of a file, CSV or JSON, row by row.

Rule 1: pure: text in, rows out. What is on the watchlist, and what an exchange lists, is not known.
Rule 2: a row that is wrong says where and what is right there; only of what is no file at all
    :class:`FileRefused` is raised. Neither repeats what was written: it may be a secret.
Rule 3: in CSV a line is a row: no name has a line break in it, and so a quote that is not closed
    spoils its own line and no other.
Rule 4: what a file does not say is None. It is the caller who knows what is meant then.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from settings_app import documents
from settings_app.errors import SettingsInvalid
from settings_app.schema.fields import CATEGORY_RULE
from settings_app.schema.markets import MOST_SYMBOLS, WatchlistEntry
from settings_app.schema.secrecy import looks_secret

MOST_BYTES: Final = 2 * 1024 * 1024
COLUMNS: Final = tuple(WatchlistEntry.model_fields)
"""In the order in which they stand where no header says another."""

EXCHANGES: Final = "coinbase, binance or kucoin"
RULES: Final[Mapping[str, str]] = {
    "symbol": "the symbol must be base and quote with a dash, such as BTC-USD",
    "exchange": f"the exchange must be {EXCHANGES}",
    "enabled": "enabled must be true or false",
    "categories": (
        f"categories must be up to 10 different ones, each {CATEGORY_RULE}, such as high-cap"
    ),
}
KEYS: Final = "must be a symbol, or an object with symbol and, where wanted, " + " and ".join(
    COLUMNS[1:]
)
BETWEEN_CATEGORIES: Final = "|"
_SEPARATORS: Final = (",", ";", "\t")
_WORDS: Final = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_QUOTED: Final = re.compile(r'"[^"]*"')


class Format(StrEnum):
    """How a watchlist is written."""

    CSV = "csv"
    JSON = "json"


class FileRefused(ValueError):
    """Nothing of a file can be read; the text says why.

    Args:
        line: Where, counted from 1; None where there is no such place.
        column: The letter in that line, counted from 1.
    """

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One row of a file.

    Args:
        number: Counted from 1, without header, comments and empty lines.
        line: Where it stands, counted from 1; None in JSON.
        column: Of a malformed one the letter where what is wrong begins, counted from 1; else of
            its beginning.
        symbol: Canonical; empty if it is malformed.
        enabled: None where the file does not say.
        categories: None where the file does not say.
        trouble: What is right where something is wrong; empty if nothing is.
        repeats: The number of the row that names the same market before this one.
    """

    number: int
    line: int | None = None
    column: int | None = None
    symbol: str = ""
    exchange: str = ""
    enabled: bool | None = None
    categories: tuple[str, ...] | None = None
    trouble: str = ""
    repeats: int | None = None

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        if self.line is None:
            return f"entry {self.number}"
        return f"line {self.line}, column {self.column}"


def parse(text: str | bytes, form: Format | None = None, *, exchange: str) -> list[FileRow]:
    """The rows of a file.

    Args:
        text: Bytes must be UTF-8; a byte order mark is passed over.
        form: How it is written; None finds that out.
        exchange: What is meant where a row names none.

    Raises:
        FileRefused: If it is too large, no text, no JSON, or has too many rows.
    """
    written = _text_of(text)
    if form is None:
        form = Format.JSON if written.lstrip()[:1] in {"[", "{"} else Format.CSV
    found = _entries(written) if form is Format.JSON else _lines(written)
    rows: list[FileRow] = []
    first: dict[tuple[str, str], int] = {}
    for found_row in found:
        if len(rows) == MOST_SYMBOLS:
            reason = f"must have at most {MOST_SYMBOLS:,} rows; a watchlist has no more either"
            raise FileRefused(reason, line=found_row.line)
        row = found_row
        if not row.trouble:
            row = replace(row, exchange=row.exchange or exchange)
            number = first.setdefault((row.symbol, row.exchange), row.number)
            row = row if number == row.number else replace(row, repeats=number)
        rows.append(row)
    return rows


def _text_of(text: str | bytes) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise FileRefused(f"must have at most {MOST_BYTES // 1024 // 1024} MB")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused("must be text in UTF-8") from None


# ---------------------------------------------------------------------- JSON
def _entries(text: str) -> Iterator[FileRow]:
    try:
        value = documents.decode(text)
    except SettingsInvalid as exc:
        raise _not_json(text, exc) from None
    listed = value.get("watchlist") if isinstance(value, dict) else value
    if not isinstance(listed, list):
        raise FileRefused('must be a list, or an object whose "watchlist" is one')
    for number, entry in enumerate(listed, 1):
        written = {"symbol": entry} if isinstance(entry, str) else entry
        if not isinstance(written, dict) or "symbol" not in written or written.keys() - {*COLUMNS}:
            yield FileRow(number=number, trouble=KEYS)
        else:
            wrong, row = _checked(FileRow(number=number), written)
            yield row if wrong is None else FileRow(number=number, trouble=RULES[wrong])


def _not_json(text: str, exc: SettingsInvalid) -> FileRefused:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"must be JSON: {error.msg}"
        return FileRefused(reason, line=error.lineno, column=error.colno)
    except (ValueError, RecursionError):
        pass  # thousands of digits, nested too deep: no place to tell
    return FileRefused("; ".join(map(str, exc.errors)))


# ---------------------------------------------------------------------- CSV
def _lines(text: str) -> Iterator[FileRow]:
    """Each line that is no comment, no header, and not empty."""
    # No name has a # in it, so that whatever stands behind one is a comment.
    lines = [line.partition("#")[0].rstrip() for line in _LINE_BREAK.split(text)]
    separator = _separator(lines)
    columns: Sequence[str] = ()
    number = 0
    for at, line in enumerate(lines, 1):
        if not line.strip().strip(separator):
            continue
        if not columns:
            header = _header(line, separator, at)
            columns = header or COLUMNS
            if header:
                continue
        number += 1
        yield _row_of(line, separator, columns, FileRow(number=number, line=at))


def _separator(lines: Sequence[str]) -> str:
    """What stands most often in the first line that has any."""
    for line in lines:
        plain = _QUOTED.sub("", line)
        found = max(_SEPARATORS, key=plain.count)
        if found in plain:
            return found
    return _SEPARATORS[0]


def _header(line: str, separator: str, at: int) -> list[str]:
    """The names of the columns, if this is what the line has; else nothing.

    Raises:
        FileRefused: If one of them is not known, stands there twice, or if none is the symbol's.
    """
    fields = _fields(line, separator)
    names = [field.strip().casefold() for field in fields or ()]
    if not ("symbol" in names or (names and set(names) <= {*COLUMNS, ""})):
        return []
    starts = _starts(line, separator)
    for place, name in enumerate(names):
        if name and (name not in COLUMNS or name in names[:place]):
            why = "stands twice" if name in COLUMNS else "is none of them"
            reason = f"must have the columns {', '.join(COLUMNS)} or some of them: {name} {why}"
            raise FileRefused(reason, line=at, column=starts[min(place, len(starts) - 1)])
    if "symbol" not in names:
        raise FileRefused("must have the column symbol", line=at, column=1)
    return names


def _row_of(line: str, separator: str, columns: Sequence[str], row: FileRow) -> FileRow:
    fields = _fields(line, separator)
    if fields is None:
        trouble = "a quote must be closed, with nothing but a separator behind it"
        return replace(row, column=line.find('"') + 1, trouble=trouble)
    texts = [field.strip() for field in fields]
    starts = _starts(line, separator)
    wrong = next((at for at in range(len(columns), len(texts)) if texts[at]), None)
    trouble = f"must have at most {len(columns)} columns"
    if wrong is None:
        name, checked = _checked(row, dict(zip(columns, texts, strict=False)))
        if name is None:
            return replace(checked, column=1)
        # A column that the row does not reach is missing behind its end.
        wrong, trouble = list(columns).index(name), RULES[name]
    column = starts[wrong] if wrong < len(starts) else len(line) + 1
    return replace(row, column=column, trouble=trouble)


def _fields(line: str, separator: str) -> list[str] | None:
    """What stands in a line; None if its quotes are wrong."""
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        return None


def _starts(line: str, separator: str) -> list[int]:
    """Where each field of a line begins, counted from 1."""
    starts, is_quoted = [1], False
    for at, letter in enumerate(line, 1):
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == separator and not is_quoted:
            starts.append(at + 1)
    return starts


# ---------------------------------------------------------------------- what is in a row
def _checked(row: FileRow, written: Mapping[str, Any]) -> tuple[str | None, FileRow]:
    """The row with what is written, by the rules of the watchlist; or the column that is wrong."""
    said = {name: _plain(name, value) for name, value in written.items() if name in COLUMNS}
    # The exchange is only looked up where none is named, and so any stands for it here.
    whole = {"exchange": "coinbase", **{k: v for k, v in said.items() if v is not None}}
    try:
        entry = WatchlistEntry.model_validate(whole)
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_input=False)
        return str(errors[0]["loc"][0]), row
    if looks_secret(entry.symbol) or any(map(looks_secret, entry.categories)):  # refused when saved
        return "symbol" if looks_secret(entry.symbol) else "categories", row
    return None, replace(
        row,
        symbol=entry.symbol,
        exchange=entry.exchange if said.get("exchange") is not None else "",
        enabled=entry.enabled if said.get("enabled") is not None else None,
        categories=entry.categories if said.get("categories") is not None else None,
    )


def _plain(name: str, value: Any) -> Any:
    """A value as the schema takes it: people write btc-usd and Coinbase, a line has texts only."""
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str):
        return {} if value is None else value  # null is none of the values
    text = value.strip()
    match name:
        case "symbol":
            return text.upper() if text.isascii() else text
        case "exchange":
            return (text.lower() if text.isascii() else text) or None
        case "enabled":
            return _WORDS.get(text.lower(), text) if text else None
        case _:
            parts = (part.strip() for part in text.split(BETWEEN_CATEGORIES))
            return tuple(part for part in parts if part)
