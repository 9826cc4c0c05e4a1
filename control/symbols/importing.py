"""Importing a watchlist: what a file would change, and then exactly that.

Rule 1: a preview changes nothing. What is applied is what it showed; where the watchlist has moved
    under a row of it since, nothing is applied and that is told.
Rule 2: what is on the watchlist already is not asked of an exchange; of each exchange that is left
    its listing is asked once. Does one not tell, there is no preview.
Rule 3: what is new stands behind what was there, in the order of the file; nothing is ever taken
    off. A symbol that is named is turned on, unless the file says otherwise; categories that the
    file does not give stay as they are.
Rule 4: one import, however many rows: one save, one reload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from control.protocol import Origin
from control.symbols.comparing import Comparison
from control.symbols.editing import WAIT_SECONDS, Edited, Row, Rows, edit
from control.symbols.listings import NAMES_SECONDS, listing
from control.symbols.parsing import Format, parse
from control.symbols.previews import APPLICABLE, Outcome, Preview, PreviewedRow, State
from settings_app import services
from settings_app.models import User

Moved = Callable[[int, int], None]


class ImportOutdated(Exception):
    """The watchlist is not any more as the preview found it; nothing was changed.

    Args:
        rows: Those that do not hold any more.
    """

    def __init__(self, rows: Sequence[PreviewedRow]) -> None:
        names = ", ".join(f"{row.symbol} of {row.exchange}" for row in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        super().__init__(
            f"The settings were changed since the preview, at {names}{more}. Nothing was changed; "
            "preview the file again."
        )
        self.rows = tuple(rows)


class NotInPreview(ValueError):
    """Rows were chosen that a preview does not have, or that would change nothing."""

    def __init__(self, numbers: Collection[int]) -> None:
        few = ", ".join(map(str, sorted(numbers)[:5]))
        super().__init__(f"the preview has nothing to apply in row {few}")
        self.numbers = frozenset(numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of an import.

    Args:
        added: How many rows are new.
        changed: How many that were there are enabled again, or changed.
        already: How many were as wanted already when it came to it.
        edited: The one change of the settings, and what the runtime said of it.
    """

    added: int
    changed: int
    already: int
    edited: Edited

    @property
    def message(self) -> str:
        """What became of it, for people."""
        return f"{self.added} added, {self.changed} changed; {self.edited.consequence}"


# ---------------------------------------------------------------------- telling
def preview(
    user: User, text: str | bytes, form: Format | None = None, *, moved: Moved | None = None
) -> Preview:
    """What importing a file would do, row by row; nothing is changed.

    Args:
        text: Of the file; bytes must be UTF-8.
        form: How it is written; None finds that out.
        moved: Is told how many rows are done, and of how many, after each.

    Raises:
        FileRefused: If it is no file of symbols.
        ListingUnknown: If an exchange does not tell what it lists.
        SettingsTooNew: If a newer program stored the settings.
        SettingsInvalid: If something else than this program stored them.
    """
    stored = services.read(user.pk)
    document = stored.document
    rows = parse(text, form, exchange=document.perseus_profile.primary_exchange)
    comparison = Comparison(
        known={
            (entry.symbol, entry.exchange): State(entry.enabled, entry.categories)
            for entry in document.watchlist
        },
        enabled=[name for name, exchange in document.exchanges.items() if exchange.enabled],
        listing=lambda exchange: listing(exchange, fresh=NAMES_SECONDS),
    )
    found = []
    for number, row in enumerate(rows, 1):
        found.append(comparison.of(row))
        if moved is not None:
            moved(number, len(rows))
    return Preview(revision=stored.revision, rows=tuple(found), notes=comparison.notes)


# ---------------------------------------------------------------------- applying
def apply(
    user: User,
    shown: Preview,
    *,
    by: User,
    origin: Origin,
    only: Collection[int] | None = None,
    wait: float | None = WAIT_SECONDS,
) -> Applied:
    """Do what a preview of this user showed.

    Args:
        by: Who approves it.
        origin: By what, for the history.
        only: Numbers of rows; None is every row that would change something.
        wait: Seconds for the runtime's answer at most; None returns as soon as it is sent.

    Raises:
        NotInPreview: If a number is of no row that would change something.
        ImportOutdated: If the settings have moved under a row; nothing was changed.
        SettingsInvalid: With every field error; nothing was saved.
        SettingsTooNew: If a newer program stored the settings.
    """
    chosen = chosen_of(shown, only)
    _refuse_closed(user, chosen)
    merge = _Merge(chosen)
    edited = edit(user, merge.into, by=by, origin=origin, wait=wait)
    done = merge.done
    return Applied(
        added=done[Outcome.ADDED],
        changed=done[Outcome.RE_ENABLED] + done[Outcome.CHANGED],
        already=len(chosen) - done.total(),
        edited=edited,
    )


def chosen_of(shown: Preview, only: Collection[int] | None) -> list[PreviewedRow]:
    """The rows of a preview that are to be applied.

    Raises:
        NotInPreview: If a number is of no row that would change something.
    """
    rows = [row for row in shown.rows if row.outcome in APPLICABLE]
    if only is None:
        return rows
    if strange := set(only) - {row.number for row in rows}:
        raise NotInPreview(strange)
    wanted = set(only)
    return [row for row in rows if row.number in wanted]


def _refuse_closed(user: User, chosen: Sequence[PreviewedRow]) -> None:
    """Refuse new rows of an exchange that was turned off since."""
    exchanges = services.read(user.pk).document.exchanges
    enabled = {name for name, exchange in exchanges.items() if exchange.enabled}
    new = [row for row in chosen if row.outcome is Outcome.ADDED]
    if closed := [row for row in new if row.exchange not in enabled]:
        raise ImportOutdated(closed)


class _Merge:
    """Rows of a preview on their way into a watchlist.

    ``done`` counts those that changed something, by what they did.
    """

    def __init__(self, chosen: Sequence[PreviewedRow]) -> None:
        self._chosen = chosen
        self.done: Counter[Outcome] = Counter()

    def into(self, rows: Rows) -> Rows:
        """The watchlist with them.

        Raises:
            ImportOutdated: If one of its rows is neither as it was shown nor as it is to be.
        """
        self.done.clear()
        merged = list(rows)
        places = {(row["symbol"], row["exchange"]): at for at, row in enumerate(rows)}
        moved = []
        for row in self._chosen:
            at = places.get((row.symbol, row.exchange))
            now = None if at is None else _state_of(rows[at])
            if now == row.after:
                continue
            if now != row.before or row.after is None:
                moved.append(row)
                continue
            if at is None:
                merged.append(_written(row, row.after))
            else:
                merged[at] = _written(row, row.after)
            self.done[row.outcome] += 1
        if moved:
            raise ImportOutdated(moved)
        return merged


def _state_of(row: Row) -> State:
    return State(row["enabled"], tuple(row["categories"]))


def _written(row: PreviewedRow, after: State) -> Row:
    return {
        "symbol": row.symbol,
        "exchange": row.exchange,
        "enabled": after.enabled,
        "categories": list(after.categories),
    }
