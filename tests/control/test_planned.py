"""The schedule's rows: each time once, in order, within the grace, and under the fence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from control import leases, planned
from control.models import Lease, PlannedCommand
from control.planned import Fired, Skipped
from control.protocol import Command
from settings_app import desired
from settings_app.models import User
from settings_app.schema.runtime import CommandPayload, ScheduledCommand
from tests.settings_app.factories import UserFactory
from trading.core.modes import Mode
from trading.ports import Owner

pytestmark = pytest.mark.django_db

# Long after everything that a test decides by the database's clock.
EVE = datetime(2036, 6, 1, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
NIGHT = EVE.replace(hour=22)
PAUSE = ScheduledCommand(at="22:00", command="pause")
RESUME = ScheduledCommand(at="22:05", command="resume")
SWITCH = ScheduledCommand(
    at="22:00", command="switch-mode", payload=CommandPayload(mode=Mode.SCALPER_MACDV)
)


def leased(user: User, worker: str = "w") -> Owner:
    fence = leases.acquire([user.pk], worker)[user.pk]
    return Owner(user_id=user.pk, sub=user.sub, fence=fence)


@pytest.fixture
def anna() -> User:
    return UserFactory.create(is_paused=False)


@pytest.fixture
def owner(anna: User) -> Owner:
    return leased(anna)


def fired(owner: Owner, now: datetime) -> Fired:
    outcome = planned.fire(owner, now)
    assert isinstance(outcome, Fired)
    return outcome


def skipped(owner: Owner, now: datetime) -> Skipped:
    outcome = planned.fire(owner, now)
    assert isinstance(outcome, Skipped)
    return outcome


def decide_at(user: User, moment: datetime) -> None:
    """Somebody decides; the database's clock says this."""
    desired.record(user.pk, is_paused=False)
    User.objects.filter(pk=user.pk).update(desired_at=moment)


# ---------------------------------------------------------------------- what is followed
def test_each_entry_is_due_at_its_next_time(owner: Owner) -> None:
    followed = planned.follow(owner, (RESUME, PAUSE, PAUSE), EVE)
    assert [due_at for due_at, _ in followed.agenda] == [NIGHT, NIGHT + 5 * MINUTE]
    assert followed.agenda == planned.agenda(owner.user_id)


def test_a_saved_schedule_keeps_the_times_of_what_stayed_in_it(owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    after = NIGHT + MINUTE  # it was due and is not fired yet
    followed = planned.follow(owner, (RESUME, PAUSE), after)
    assert [due_at for due_at, _ in followed.agenda] == [NIGHT, NIGHT + 5 * MINUTE]
    [(due_at, _)] = planned.follow(owner, (RESUME,), after).agenda
    assert due_at == NIGHT + 5 * MINUTE
    assert planned.follow(owner, (), after).agenda == ()
    assert not PlannedCommand.objects.exists()


def test_an_entry_that_can_never_be_due_is_told_and_the_others_are_planned(owner: Owner) -> None:
    lost = PAUSE.model_copy(update={"timezone": "Asia/Riyadh87"})
    followed = planned.follow(owner, (lost, RESUME), EVE)
    assert len(followed.agenda) == 1
    [problem] = followed.problems
    assert problem.startswith("pause at 22:00, Asia/Riyadh87: the time zone")


def test_a_fenced_off_worker_plans_and_fires_nothing(owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    Lease.objects.update(fence=owner.fence + 1)
    with pytest.raises(leases.Fenced):
        planned.follow(owner, (RESUME,), EVE)
    with pytest.raises(leases.Fenced):
        planned.fire(owner, NIGHT)
    assert [entry for _, entry in planned.agenda(owner.user_id)] == [
        '{"at":"22:00","command":"pause"}'
    ]
    assert not desired.read_desired(owner.user_id).is_paused


# ---------------------------------------------------------------------- what is fired
def test_what_is_due_is_recorded_and_its_next_time_noted(anna: User, owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    assert planned.fire(owner, NIGHT - SECOND) is None
    outcome = fired(owner, NIGHT + SECOND)
    wanted = desired.read_desired(anna.pk)
    assert wanted.is_paused
    assert outcome.message.command is Command.PAUSE
    assert outcome.message.desired_revision == wanted.revision
    assert (outcome.message.source, outcome.message.payload) == ("system", None)
    assert (outcome.origin.who, outcome.origin.via) == (anna.username, "schedule")
    assert planned.agenda(anna.pk)[0].due_at == NIGHT + DAY
    assert planned.fire(owner, NIGHT + SECOND) is None


def test_a_planned_mode_is_recorded_and_named_in_the_command(anna: User, owner: Owner) -> None:
    planned.follow(owner, (SWITCH,), EVE)
    assert fired(owner, NIGHT).message.payload == {"mode": "scalper-macdv"}
    wanted = desired.read_desired(anna.pk)
    assert (wanted.mode, wanted.is_paused) == (Mode.SCALPER_MACDV, False)


def test_another_worker_gives_the_same_command_the_same_id(owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    first = fired(owner, NIGHT).message.id
    PlannedCommand.objects.update(due_at=NIGHT)  # as if the first had never committed
    leases.release({owner.user_id: owner.fence}, "w")
    heir = Owner(
        user_id=owner.user_id,
        sub=owner.sub,
        fence=leases.acquire([owner.user_id], "heir")[owner.user_id],
    )
    again = fired(heir, NIGHT + MINUTE).message.id
    assert again == first
    assert fired(heir, NIGHT + DAY).message.id != first


def test_each_users_schedule_fires_for_that_user_alone(anna: User, owner: Owner) -> None:
    bela = UserFactory.create(is_paused=False)
    other = leased(bela)
    planned.follow(owner, (PAUSE,), EVE)
    planned.follow(other, (PAUSE, RESUME), EVE)
    mine = fired(owner, NIGHT)
    assert not desired.read_desired(bela.pk).is_paused
    assert len(planned.agenda(bela.pk)) == 2
    assert fired(other, NIGHT).message.id != mine.message.id
    assert planned.follow(owner, (), NIGHT).agenda == ()
    assert len(planned.agenda(bela.pk)) == 2


def test_entries_of_one_moment_all_fire(anna: User, owner: Owner) -> None:
    planned.follow(owner, (SWITCH, PAUSE), EVE)
    assert [fired(owner, NIGHT).text, fired(owner, NIGHT).text] == [
        "pause at 22:00, UTC",
        "switch to scalper-macdv at 22:00, UTC",
    ]


def test_entries_that_were_missed_together_fire_in_their_order(anna: User, owner: Owner) -> None:
    planned.follow(owner, (RESUME, PAUSE), EVE)
    back = NIGHT + 10 * MINUTE
    assert [fired(owner, back).text, fired(owner, back).text] == [
        "pause at 22:00, UTC",
        "resume at 22:05, UTC",
    ]
    assert not desired.read_desired(anna.pk).is_paused


def test_what_fires_late_is_no_newer_intent_than_what_was_due_after_it(
    anna: User, owner: Owner
) -> None:
    # Long before now, by the clock of the database: what it records is decided when it was due.
    ago = timedelta(days=20 * 365)
    decide_at(anna, EVE - ago)
    planned.follow(owner, (RESUME, PAUSE), EVE - ago)
    back = NIGHT - ago + 10 * MINUTE
    assert [fired(owner, back).text, fired(owner, back).text] == [
        "pause at 22:00, UTC",
        "resume at 22:05, UTC",
    ]
    assert not desired.read_desired(anna.pk).is_paused


# ---------------------------------------------------------------------- what is too late
@pytest.mark.parametrize("late", [SECOND, planned.GRACE])
def test_a_time_missed_within_the_grace_fires_late_and_once(owner: Owner, late: timedelta) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    assert fired(owner, NIGHT + late).due_at == NIGHT
    assert planned.fire(owner, NIGHT + late) is None


def test_a_time_missed_by_more_than_the_grace_is_skipped_and_said(anna: User, owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    outcome = skipped(owner, NIGHT + planned.GRACE + MINUTE)
    assert outcome.is_trouble
    assert outcome.reason == "it would be 16 min late, and 15 are allowed"
    assert desired.read_desired(anna.pk).revision == 0
    assert planned.agenda(anna.pk)[0].due_at == NIGHT + DAY


def test_several_missed_times_of_one_entry_are_one(anna: User, owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    assert fired(owner, NIGHT + 3 * DAY + MINUTE).due_at == NIGHT + 3 * DAY
    assert planned.fire(owner, NIGHT + 3 * DAY + MINUTE) is None
    assert desired.read_desired(anna.pk).revision == 1


def test_whoever_decided_since_has_the_last_word(anna: User, owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    decide_at(anna, NIGHT + SECOND)
    outcome = skipped(owner, NIGHT + 2 * SECOND)
    assert (outcome.reason, outcome.is_trouble) == ("superseded by a newer intent", False)
    assert not desired.read_desired(anna.pk).is_paused


@pytest.mark.django_db(transaction=True)
def test_so_has_whoever_decides_while_it_fires(
    anna: User, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = desired.record

    def resumes() -> None:
        try:
            record(anna.pk, is_paused=False)
        finally:
            connection.close()

    def overtaken(*args: Any, **named: Any) -> desired.Desired:
        with ThreadPoolExecutor(1) as another_process:
            another_process.submit(resumes).result()
        return record(*args, **named)

    planned.follow(owner, (PAUSE,), EVE)
    monkeypatch.setattr(desired, "record", overtaken)
    outcome = skipped(owner, NIGHT)
    assert (outcome.reason, outcome.is_trouble) == ("superseded by a newer intent", False)
    assert not desired.read_desired(anna.pk).is_paused
    assert planned.fire(owner, NIGHT) is None


def test_whoever_decided_before_does_not(anna: User, owner: Owner) -> None:
    planned.follow(owner, (PAUSE,), EVE)
    decide_at(anna, NIGHT - SECOND)
    fired(owner, NIGHT + 2 * SECOND)
    assert desired.read_desired(anna.pk).is_paused


def test_a_mode_that_is_not_implemented_is_skipped_with_the_reason(owner: Owner) -> None:
    stub = SWITCH.model_copy(update={"payload": CommandPayload(mode=Mode.SCALPER_ORDERBOOK)})
    planned.follow(owner, (stub,), EVE)
    outcome = skipped(owner, NIGHT)
    assert outcome.is_trouble
    assert "scalper-orderbook is not implemented" in outcome.reason
    assert planned.fire(owner, NIGHT) is None


def test_a_row_that_nobody_understands_is_removed_and_said(owner: Owner) -> None:
    PlannedCommand.objects.create(user_id=owner.user_id, entry='{"at":"later"}', due_at=NIGHT)
    assert "save the settings again" in skipped(owner, NIGHT).reason
    assert planned.fire(owner, NIGHT) is None


def test_a_user_who_plans_nothing_takes_no_lock(owner: Owner) -> None:
    with connection.execute_wrapper(counted := Counter()):
        planned.follow(owner, (), EVE)
    assert counted.writes == 0


class Counter:
    """How many statements took a lock or wrote."""

    def __init__(self) -> None:
        self.writes = 0

    def __call__(self, execute: object, sql: str, *rest: object) -> object:
        self.writes += not sql.startswith("SELECT") or "FOR NO KEY UPDATE" in sql
        assert callable(execute)
        return execute(sql, *rest)
