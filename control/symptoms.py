"""From how a runtime is, look by look, to which incidents begin and end.

Rule 1: pure: what is seen goes in with its moment, and what has turned comes out.
Rule 2: what fails must have failed for a while, and what works must have worked for a while,
    before anybody is told: a link that flaps is one incident, not many.
Rule 3: what cannot be known changes nothing: of feeds while the runtime is paused or faulted, of
    anything while nobody looked (the machine slept, the loop hung).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from control.incidents import Key, Kind, Turn
from control.protocol import PositionsStatus, State
from trading.ports import FeedFacts

STALE_MS = 15_000  # for so long a feed or the data plane must fail
WELL_MS = 10_000  # for so long, without a break, what failed must work
LONGEST_LOOK_MS = 3_000  # so much of the time since the last look counts
NAMED_SYMBOLS = 5
POSITION_RETRIES = 3  # so often reading positions may fail again, where it may still mend itself

RUNTIME = Key(Kind.FAULTED)
PLANE = Key(Kind.FAULTED, "data plane")


def link_of(exchange: str) -> Key:
    """The incident of an exchange from which nothing comes."""
    return Key(Kind.FEED_STALE, exchange)


def symbols_of(exchange: str) -> Key:
    """The incident of symbols that lack on a link which works: a wider outage is another one."""
    return Key(Kind.FEED_STALE, f"{exchange} symbols")


def positions_of(exchange: str) -> Key:
    """The incident of an exchange whose positions cannot be read."""
    return Key(Kind.POSITIONS_STALE, exchange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is seen of a runtime in one look.

    Args:
        state: What the runtime is doing.
        fault: Why the data plane does not run, in words; empty where it does.
        hangs: The data plane has not turned lately; what it told last is old.
        feeds: The links to the exchanges, as the user sees them; None: not known yet.
        positions: How reading positions goes, of each exchange that shows them; likewise.
    """

    state: State
    fault: str = ""
    hangs: bool = False
    feeds: Sequence[FeedFacts] | None = None
    positions: Sequence[PositionsStatus] | None = None

    @property
    def known_feeds(self) -> Sequence[FeedFacts] | None:
        """The feeds, where what is told of them is from now; None: nothing is known."""
        return self.feeds if self.state is State.RUNNING and not self.hangs else None

    @property
    def known_positions(self) -> Sequence[PositionsStatus] | None:
        """How reading positions goes, where anybody reads; None: nothing is known."""
        return self.positions if self.state is State.RUNNING else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing that can fail, as seen in one look; of it, a clause for the trader."""

    key: Key
    is_ill: bool
    detail: str
    patience_ms: int = STALE_MS
    since_ms: int | None = None  # when it began to fail, where that is known without looking


@dataclass(slots=True)
class Course:
    """How one thing has been doing: since when, and for how long while somebody looked."""

    is_open: bool = False
    ill_since_ms: int | None = None
    ill_ms: int = 0
    well_since_ms: int | None = None
    well_ms: int = 0

    def turns_ill(self, at_ms: int, step_ms: int, patience_ms: int) -> bool:
        """It fails in this look; whether an incident begins with it."""
        self.well_since_ms, self.well_ms = None, 0
        if self.ill_since_ms is None:
            self.ill_since_ms = at_ms
        else:
            self.ill_ms += step_ms
        if self.is_open or self.ill_ms < patience_ms:
            return False
        self.is_open = True
        return True

    def turns_well(self, at_ms: int, step_ms: int) -> bool:
        """It works in this look; whether an incident ends with it."""
        if self.well_since_ms is None:
            self.well_since_ms = at_ms
        else:
            self.well_ms += step_ms
        if self.well_ms < WELL_MS:
            return False  # a short recovery neither ends an illness nor begins a new one
        self.ill_since_ms, self.ill_ms = None, 0
        was_open, self.is_open = self.is_open, False
        return was_open


class Symptoms:
    """The watch over one user's runtime.

    Args:
        is_open: The incidents that are open already.
    """

    def __init__(self, is_open: Collection[Key] = ()) -> None:
        self._courses = {key: Course(is_open=True) for key in sorted(is_open)}
        self._looked_at_ms: int | None = None

    def look(self, health: Health, at_ms: int) -> list[Turn]:
        """One look; what begins or ends by it.

        Args:
            health: What is seen.
            at_ms: When, unix milliseconds.
        """
        since_ms = 0 if self._looked_at_ms is None else at_ms - self._looked_at_ms
        step_ms = min(max(0, since_ms), LONGEST_LOOK_MS)
        self._looked_at_ms = at_ms
        seen = (
            *_of_runtime(health),
            *_of_feeds(health),
            *self._of_feeds_gone(health),
            *_of_positions(health),
            *self._of_positions_gone(health),
        )
        turns = (self._take(symptom, at_ms, step_ms) for symptom in seen)
        return [turn for turn in turns if turn is not None]

    def _take(self, symptom: Symptom, at_ms: int, step_ms: int) -> Turn | None:
        course = self._courses.setdefault(symptom.key, Course())
        if symptom.is_ill:
            if not course.turns_ill(at_ms, step_ms, symptom.patience_ms):
                return None
            since_ms = symptom.since_ms or course.ill_since_ms or at_ms
            return Turn(key=symptom.key, state="began", detail=symptom.detail, at=_moment(since_ms))
        if not course.turns_well(at_ms, step_ms):
            return None
        since_ms = course.well_since_ms or at_ms
        return Turn(key=symptom.key, state="ended", detail=symptom.detail, at=_moment(since_ms))

    def _of_feeds_gone(self, health: Health) -> Iterator[Symptom]:
        """What failed of an exchange that the user does not watch any more is over."""
        if (feeds := health.known_feeds) is None:
            return
        watched = {feed.exchange for feed in feeds if feed.state != "off"}
        for key, course in self._courses.items():
            exchange = key.subject.partition(" ")[0]
            if key.kind is Kind.FEED_STALE and course.is_open and exchange not in watched:
                yield Symptom(
                    key=key, is_ill=False, detail=f"{exchange.capitalize()} is watched no more"
                )

    def _of_positions_gone(self, health: Health) -> Iterator[Symptom]:
        """What failed of an exchange that nobody reads any more is over."""
        if (positions := health.known_positions) is None:
            return
        read = {one.exchange for one in positions}
        for key, course in self._courses.items():
            if key.kind is Kind.POSITIONS_STALE and course.is_open and key.subject not in read:
                detail = f"Positions of {key.subject.capitalize()} are to be read no more"
                yield Symptom(key=key, is_ill=False, detail=detail)


def _of_runtime(health: Health) -> Iterator[Symptom]:
    if health.state is State.STARTING:
        return
    if health.state is State.FAULTED:
        why = health.fault or "the log has the details"
        yield Symptom(
            key=RUNTIME, is_ill=True, detail=f"The runtime has stopped: {why}", patience_ms=0
        )
        return
    yield Symptom(key=RUNTIME, is_ill=False, detail="The runtime has no fault any more")
    if health.state is State.RUNNING:
        detail = "The data plane turns again"
        if health.hangs:
            detail = "The data plane hangs: nothing is watched; commands still work"
        yield Symptom(key=PLANE, is_ill=health.hangs, detail=detail)


def _of_feeds(health: Health) -> Iterator[Symptom]:
    for feed in health.known_feeds or ():
        if feed.state == "off":
            continue
        label = feed.label
        if feed.state != "connected":
            why = feed.detail or f"the connection is {feed.state}"
            detail = f"No market data from {label}: {why}"
            yield Symptom(key=link_of(feed.exchange), is_ill=True, detail=detail)
            continue  # of single symbols nothing is known
        detail = f"Market data from {label} arrives again"
        yield Symptom(key=link_of(feed.exchange), is_ill=False, detail=detail)
        detail = f"Market data of every watched symbol arrives from {label} again"
        if feed.stale_symbols:
            detail = f"No market data of {_named(feed.stale_symbols)}: {feed.detail or label}"
        yield Symptom(key=symbols_of(feed.exchange), is_ill=bool(feed.stale_symbols), detail=detail)


def _of_positions(health: Health) -> Iterator[Symptom]:
    for one in health.known_positions or ():
        key = positions_of(one.exchange)
        if one.state == "read":
            detail = f"Positions are read from {one.label} again"
            yield Symptom(key=key, is_ill=False, detail=detail)
        elif one.state == "failed" and (one.needs_you or one.failures > POSITION_RETRIES):
            detail = f"Positions are not read from {one.label}, and stay as they were: {one.error}"
            yield Symptom(
                key=key, is_ill=True, detail=detail, patience_ms=0, since_ms=one.failing_since
            )


def _named(symbols: Sequence[str]) -> str:
    more = len(symbols) - NAMED_SYMBOLS
    named = ", ".join(symbols[:NAMED_SYMBOLS])
    return f"{named} and {more} more" if more > 0 else named


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, tz=UTC)
