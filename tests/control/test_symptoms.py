"""Which incidents begin and end, look by look."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.incidents import Key, Kind, Turn
from control.protocol import PositionsStatus, State
from control.symptoms import (
    PLANE,
    POSITION_RETRIES,
    RUNTIME,
    STALE_MS,
    WELL_MS,
    Health,
    Symptoms,
    link_of,
    positions_of,
    symbols_of,
)
from trading.ports import FeedFacts

COINBASE, KUCOIN = link_of("coinbase"), link_of("kucoin")


def feed(state: str, exchange: str = "coinbase", *stale: str, detail: str = "") -> FeedFacts:
    return FeedFacts(
        exchange=exchange,
        label=exchange.capitalize(),
        state=state,
        stale_symbols=stale,
        detail=detail,
    )


def running(*feeds: FeedFacts) -> Health:
    return Health(state=State.RUNNING, feeds=feeds)


def reading(state: str, exchange: str = "coinbase", **told: object) -> Health:
    label = exchange.capitalize()
    one = PositionsStatus.model_validate(
        {"exchange": exchange, "label": label, "state": state, **told}
    )
    return Health(state=State.RUNNING, feeds=(feed("connected"),), positions=(one,))


WELL, ILL = running(feed("connected")), running(feed("unreachable"))
FAULTED = Health(state=State.FAULTED, fault="ValueError: no")
PAUSED = Health(state=State.PAUSED, feeds=(feed("off"),))
STARTING = Health(state=State.STARTING)


def watched(looks: Iterable[tuple[Health, int]], is_open: Iterable[Key] = ()) -> list[Turn]:
    """What turned, with one look a second: each health for so many seconds."""
    symptoms, at_ms, turns = Symptoms(set(is_open)), 0, []
    for health, seconds in looks:
        for _ in range(seconds):
            turns += symptoms.look(health, at_ms)
            at_ms += 1_000
    return turns


def told(looks: Iterable[tuple[Health, int]], is_open: Iterable[Key] = ()) -> list[tuple[str, str]]:
    return [(turn.key.subject or turn.key.kind, turn.state) for turn in watched(looks, is_open)]


BEGAN, ENDED = ("coinbase", "began"), ("coinbase", "ended")


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(WELL, 60)], []),
        ([(WELL, 5), (ILL, 15)], []),
        ([(WELL, 5), (ILL, 16)], [BEGAN]),
        ([(ILL, 600)], [BEGAN]),
        ([(ILL, 16), (WELL, 10)], [BEGAN]),
        ([(ILL, 16), (WELL, 11)], [BEGAN, ENDED]),
        ([(ILL, 16), (WELL, 600)], [BEGAN, ENDED]),
        ([(ILL, 16), (WELL, 11), (ILL, 16)], [BEGAN, ENDED, BEGAN]),
        # flapping: one incident, however often the link comes back for a moment
        ([(ILL, 16), *[(WELL, 9), (ILL, 5)] * 50], [BEGAN]),
        ([*[(ILL, 8), (WELL, 5)] * 50], [BEGAN]),
        ([(ILL, 14), (WELL, 11), (ILL, 14)], []),
        # what a paused, faulted or starting runtime knows of feeds is nothing
        ([(ILL, 10), (PAUSED, 60), (ILL, 4)], []),
        ([(ILL, 16), (PAUSED, 60)], [BEGAN]),
        ([(ILL, 16), (PAUSED, 60), (WELL, 11)], [BEGAN, ENDED]),
        ([(STARTING, 60)], []),
        ([(Health(state=State.RUNNING), 60)], []),
    ],
)
def test_a_feed_is_stale_once_and_well_once(
    looks: list[tuple[Health, int]], expected: list[tuple[str, str]]
) -> None:
    assert told(looks) == expected


@pytest.mark.parametrize("state", ["connecting", "stale", "unreachable"])
def test_every_state_but_connected_is_none_that_brings_data(state: str) -> None:
    assert told([(running(feed(state)), 16)]) == [BEGAN]


def test_each_exchange_is_an_incident_of_its_own() -> None:
    both = running(feed("unreachable"), feed("connected", "kucoin"))
    other = running(feed("connected"), feed("stale", "kucoin"))
    assert told([(both, 16), (other, 16)]) == [BEGAN, ENDED, ("kucoin", "began")]


def test_it_is_dated_from_when_it_began_and_from_when_it_was_well() -> None:
    began, ended = watched([(WELL, 5), (ILL, 20), (WELL, 20)])
    assert (began.at.timestamp(), ended.at.timestamp()) == (5, 25)


def test_the_trader_reads_what_fails_and_why() -> None:
    quiet = running(feed("stale", detail="Coinbase has said nothing for 12 s."))
    began, ended = watched([(quiet, 16), (WELL, 11)])
    assert began.detail == "No market data from Coinbase: Coinbase has said nothing for 12 s."
    assert ended.detail == "Market data from Coinbase arrives again"


def test_a_symbol_that_lacks_hides_no_outage_of_the_whole_exchange() -> None:
    lacking = running(
        feed("connected", "coinbase", "OLD-USD", detail="Coinbase does not trade it.")
    )
    turns = watched([(lacking, 20), (ILL, 20), (lacking, 20), (WELL, 20)])
    assert [(turn.key, turn.state) for turn in turns] == [
        (symbols_of("coinbase"), "began"),
        (COINBASE, "began"),
        (COINBASE, "ended"),
        (symbols_of("coinbase"), "ended"),
    ]
    assert turns[0].detail == "No market data of OLD-USD: Coinbase does not trade it."


def test_many_symbols_are_named_in_part() -> None:
    names = [f"S{number}-USD" for number in range(8)]
    [turn] = watched([(running(feed("connected", "coinbase", *names, detail="Why.")), 16)])
    named = "S0-USD, S1-USD, S2-USD, S3-USD, S4-USD and 3 more"
    assert turn.detail == f"No market data of {named}: Why."


def test_what_is_not_watched_any_more_is_over() -> None:
    kucoin = running(feed("connected", "kucoin"))
    began, ended = watched([(ILL, 16), (kucoin, 11)])
    assert (began.key, ended.key, ended.state) == (COINBASE, COINBASE, "ended")
    assert ended.detail == "Coinbase is watched no more"
    assert told([(ILL, 16), (running(feed("off")), 11)]) == [BEGAN, ENDED]


@pytest.mark.parametrize("after", [WELL, PAUSED])
def test_a_fault_is_told_at_once_and_its_end_when_it_has_lasted(after: Health) -> None:
    assert told([(WELL, 5), (FAULTED, 1)]) == [("faulted", "began")]
    assert told([(FAULTED, 30), (after, 10)]) == [("faulted", "began")]
    assert told([(FAULTED, 30), (after, 11)]) == [("faulted", "began"), ("faulted", "ended")]


def test_a_runtime_that_crashes_again_and_again_is_one_incident() -> None:
    assert told([(FAULTED, 3), (WELL, 4)] * 30) == [("faulted", "began")]


def test_a_fault_says_why() -> None:
    [turn] = watched([(FAULTED, 1)])
    assert (turn.key, turn.detail) == (RUNTIME, "The runtime has stopped: ValueError: no")


def test_a_data_plane_that_hangs_is_an_incident_and_its_feeds_are_not_known() -> None:
    hangs = Health(state=State.RUNNING, hangs=True, feeds=(feed("stale"),))
    turns = watched([(hangs, 60), (WELL, 11)])
    assert [(turn.key, turn.state) for turn in turns] == [(PLANE, "began"), (PLANE, "ended")]


def test_a_worker_ends_what_the_one_before_it_began_and_begins_it_not_again() -> None:
    is_open = [COINBASE, RUNTIME]
    assert told([(STARTING, 3), (WELL, 11)], is_open) == [("faulted", "ended"), ENDED]
    assert told([(ILL, 60)], [COINBASE]) == []
    assert told([(running(), 11)], [KUCOIN, symbols_of("kucoin")]) == [
        ("kucoin", "ended"),
        ("kucoin symbols", "ended"),
    ]


READ, WAITING = reading("read"), reading("waiting")
REFUSED = reading("failed", failures=1, needs_you=True, error="coinbase: 401 no")
AWAY = reading("failed", failures=POSITION_RETRIES + 1, error="coinbase: no answer")
AWAY_FOR_A_MOMENT = reading("failed", failures=POSITION_RETRIES, error="coinbase: no answer")


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(WAITING, 5), (READ, 60)], []),
        ([(READ, 5), (REFUSED, 1)], [BEGAN]),
        ([(READ, 5), (AWAY_FOR_A_MOMENT, 600)], []),
        ([(READ, 5), (AWAY, 1)], [BEGAN]),
        ([(AWAY, 600), (REFUSED, 600)], [BEGAN]),
        ([(REFUSED, 5), (READ, 11)], [BEGAN, ENDED]),
        # with another key nothing is known before it was tried; in a pause nobody tries
        ([(REFUSED, 5), (WAITING, 60)], [BEGAN]),
        ([(REFUSED, 5), (PAUSED, 60), (REFUSED, 5)], [BEGAN]),
        ([(REFUSED, 5), (WAITING, 60), (AWAY_FOR_A_MOMENT, 60)], [BEGAN]),
        ([(REFUSED, 5), (reading("read", "kucoin"), 11)], [BEGAN, ENDED]),
    ],
)
def test_positions_that_cannot_be_read_are_told_once_and_that_they_can_once(
    looks: list[tuple[Health, int]], expected: list[tuple[str, str]]
) -> None:
    assert told(looks) == expected
    assert {turn.key for turn in watched(looks)} <= {positions_of("coinbase")}


def test_unread_positions_say_why_and_since_when() -> None:
    failing = reading(
        "failed", failures=9, failing_since=3_000, error="coinbase: no answer", needs_you=False
    )
    began, ended = watched([(READ, 30), (failing, 5), (READ, 11)])
    assert began.at.timestamp() == 3
    assert began.detail == (
        "Positions are not read from Coinbase, and stay as they were: coinbase: no answer"
    )
    assert ended.at.timestamp() == 35
    assert ended.detail == "Positions are read from Coinbase again"


def test_positions_that_nobody_wants_read_any_more_are_no_incident() -> None:
    nobody = Health(state=State.RUNNING, feeds=(feed("connected"),), positions=())
    began, ended = watched([(REFUSED, 5), (nobody, 11)])
    assert (began.key, ended.key) == (positions_of("coinbase"),) * 2
    assert ended.detail == "Positions of Coinbase are to be read no more"


def test_a_worker_that_has_not_read_yet_leaves_the_incident_open() -> None:
    is_open = [positions_of("coinbase")]
    assert told([(WAITING, 60), (REFUSED, 60)], is_open) == []
    assert told([(WAITING, 5), (READ, 11)], is_open) == [ENDED]


def test_time_in_which_nobody_looked_does_not_count() -> None:
    symptoms = Symptoms()
    symptoms.look(ILL, 0)
    assert symptoms.look(ILL, 3_600_000) == []  # the machine slept for an hour
    assert symptoms.look(ILL, 3_601_000) == []
    assert symptoms.look(ILL, 1_000) == []  # and its clock was set back
    assert [turn.state for t in range(2, 15) for turn in symptoms.look(ILL, t * 1_000)] == ["began"]


healths = st.sampled_from(
    [
        WELL,
        ILL,
        FAULTED,
        PAUSED,
        STARTING,
        running(feed("connected", "coinbase", "BTC-USD")),
        READ,
        REFUSED,
        AWAY,
    ]
)


@given(st.lists(st.tuples(healths, st.integers(1, 40)), max_size=20), st.booleans())
def test_beginnings_and_ends_alternate_and_never_crowd(
    looks: list[tuple[Health, int]], was_open: bool
) -> None:
    by_key: dict[Key, list[Turn]] = {}
    for turn in watched(looks, [COINBASE] if was_open else []):
        by_key.setdefault(turn.key, []).append(turn)
    for key, turns in by_key.items():
        began = was_open and key == COINBASE
        for turn in turns:
            assert turn.state == ("ended" if began else "began")
            began = not began
        moments = [turn.at for turn in turns]
        assert moments == sorted(moments)
        if key.kind is Kind.FEED_STALE:
            # Of one thing, an end and the next beginning are told at least so far apart.
            assert len(turns) <= 1 + 2 * sum(s for _, s in looks) * 1_000 // (STALE_MS + WELL_MS)
