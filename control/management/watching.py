"""The watchlist in the terminal: how each symbol is doing, what an import or a scan would do.

Rule 1: JSON is what HTTP answers, a row a line; a table is for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from control.api.symbols.chart_answers import SymbolAnswer
from control.api.symbols.import_answers import PreviewedRowAnswer
from control.api.symbols.scan_answers import ScanAnswer
from control.management.columns import in_columns, one_line
from control.management.markets import figure, percent, volume
from control.models import ScanRun
from control.symbols import scans
from control.symbols.equivalents import Related
from control.symbols.previews import APPLICABLE, Outcome, Preview, PreviewedRow
from control.symbols.statuses import SymbolReport
from trading.core.market import Timeframe
from trading.scanner import Verdict

COLUMNS: Final = (
    "symbol",
    "exchange",
    "state",
    "why",
    "categories",
    "last candle (UTC)",
    "stages",
    "related",
)
SCAN_COLUMNS: Final = ("rank", "symbol", "verdict", "price", "24 h", "volume in 24 h", "")
IMPORT_COLUMNS: Final = ("line", "symbol", "exchange", "what becomes of it", "")
LONGEST: Final = 70
NOTHING: Final = "–"


def report_line(report: SymbolReport, related: Related) -> str:
    """A symbol as a line of JSON."""
    return SymbolAnswer.of(report, related).model_dump_json(by_alias=True, exclude_none=True)


def reports_table(reports: Sequence[SymbolReport], related: Related) -> str:
    """Symbols in columns, in the order of the watchlist."""
    return in_columns([COLUMNS, *(_cells(report, related) for report in reports)])


def previewed_line(row: PreviewedRow) -> str:
    """A row of an import as a line of JSON."""
    return PreviewedRowAnswer.of(row).model_dump_json(by_alias=True, exclude_none=True)


def preview_table(preview: Preview) -> str:
    """The rows of an import that say something: all but those that are there already."""
    telling = [row for row in preview.rows if row.outcome is not Outcome.ALREADY_THERE]
    return in_columns([IMPORT_COLUMNS, *map(_import_cells, telling)]) if telling else ""


def scan_line(run: ScanRun) -> str:
    """A scan as a line of JSON."""
    return ScanAnswer.of(run).model_dump_json(by_alias=True, exclude_none=True)


def scan_table(run: ScanRun) -> str:
    """What a scan proposes, the best first."""
    return in_columns([SCAN_COLUMNS, *map(_scan_cells, run.rows)])


def scan_notes(run: ScanRun) -> list[str]:
    """What else is to be said of a scan: how much it is, and what may be done with it."""
    add, remove = (len(scans.symbols_of(run, v)) for v in (Verdict.ADD, Verdict.REMOVE))
    when = f"{run.at:%Y-%m-%d %H:%M} UTC"
    found = f"{add} to add, {remove} to remove, {run.left_out_count} of {run.seen} left out"
    notes = [f"Scan {run.pk} of {run.exchange}, {when}, {run.state}: {found}."]
    if run.state == ScanRun.State.PREVIEWED:
        notes.append(f"Nothing was changed; `symbols approve {run.pk}` adds those, removes none.")
    return [*notes, *(text for text in (run.note, run.reason) if text)]


def _scan_cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        NOTHING if row["rank"] is None else str(row["rank"]),
        row["symbol"],
        row["verdict"],
        figure(row["price"]),
        percent(row["change24h"]),
        volume(row["quoteVolume24h"]),
        one_line(row["reason"], LONGEST),
    )


def _cells(report: SymbolReport, related: Related) -> tuple[str, ...]:
    last = report.last_candle_at
    progress = report.progress
    doing = f" {progress.bars}/{progress.total}" if progress is not None else ""
    return (
        report.market.symbol,
        report.market.exchange,
        f"{report.state}{doing}",
        str(report.why or NOTHING),
        ", ".join(report.categories),
        NOTHING if last is None else f"{last:%Y-%m-%d %H:%M}",
        _stages(report) or NOTHING,
        _elsewhere(report, related),
    )


def _elsewhere(report: SymbolReport, related: Related) -> str:
    """The other exchanges on which a related market trades."""
    found = (one.instrument for one in related.of[report.market])
    there = (one.market.exchange for one in found if one.streamable)
    names = [name for name in dict.fromkeys(there) if name != report.market.exchange]
    return ", ".join(names) or NOTHING


def _stages(report: SymbolReport) -> str:
    """The stage on each timeframe that has one, the shortest first."""
    told = ((t, report.cells.get(str(t))) for t in Timeframe)
    return " ".join(f"{t}:{cell.stage}" for t, cell in told if cell is not None and cell.stage)


def _import_cells(row: PreviewedRow) -> tuple[str, ...]:
    near = f"; the nearest: {', '.join(row.nearest)}" if row.nearest else ""
    place = "" if row.line is None else str(row.line)
    mark = "" if row.outcome in APPLICABLE else "left out"
    return (
        f"{place}:{row.column}" if row.column is not None else place,
        row.symbol or NOTHING,
        row.exchange or NOTHING,
        one_line(f"{row.outcome} {row.detail}{near}".strip(), LONGEST),
        mark,
    )
