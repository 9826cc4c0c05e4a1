"""Senders whose clocks are wrong, and commands that are late."""

from __future__ import annotations

import json
import re

import pytest

from control.protocol import Command, State, commands_of, now_ms
from settings_app.models import User
from tests.control.running import publish
from tests.faults.stage import Stage, answer_to, foreign, post, status_when, works

pytestmark = pytest.mark.timeout(90)

OFF_MS = 90_000


@pytest.mark.parametrize("off_ms", [-OFF_MS, OFF_MS])
def test_a_senders_clock_does_not_matter_for_what_is_in_the_stream(
    stage: Stage, anna: User, off_ms: int
) -> None:
    stage.hosted(anna, stage.worker())
    for command in (Command.RELOAD_SETTINGS, Command.PAUSE, Command.RESUME):
        sent = foreign(command, timestamp=now_ms() + off_ms)
        post(stage, anna, sent)
        assert answer_to(anna, sent["id"]).success
    works(anna)


def test_a_message_alone_that_is_late_is_told_how_far_the_clocks_differ(
    stage: Stage, anna: User
) -> None:
    stage.hosted(anna, stage.worker())
    reload = foreign("reload-settings", timestamp=now_ms() - OFF_MS)
    early = foreign("reload-settings", timestamp=now_ms() + OFF_MS)
    pause = foreign("pause", timestamp=now_ms() - OFF_MS, expiresAt=now_ms() - OFF_MS)
    for command in (reload, early, pause):
        publish(commands_of(anna.sub), json.dumps(command))
    late = answer_to(anna, reload["id"])
    assert (late.status, late.success) == ("expired", False)
    difference = re.search(r"timestamp is ([\d.]+) s behind", late.message or "")
    assert difference is not None
    assert float(difference[1]) >= OFF_MS / 1_000
    assert "the clocks differ" in str(late.message)
    assert answer_to(anna, early["id"]).success
    assert answer_to(anna, pause["id"]).success  # a pause never expires
    status_when(anna, lambda status: status.state is State.PAUSED)


def test_what_waited_in_the_stream_is_late_by_redis_clock(stage: Stage, anna: User) -> None:
    commands = [foreign(name) for name in ("reload-settings", "resume", "pause")]
    with stage.servers.redis.connect() as redis:
        seconds, _ = redis.time()
        for number, command in enumerate(commands):
            redis.xadd(
                commands_of(anna.sub),
                {"command": json.dumps(command)},
                id=f"{(seconds - 40) * 1_000}-{number}",
            )
    stage.hosted(anna, stage.worker())
    answers = [answer_to(anna, command["id"]) for command in commands]
    assert [answer.status for answer in answers] == ["expired", "failed", "succeeded"]
    waited = re.search(r"waited ([\d.]+) s", answers[0].message or "")
    assert waited is not None
    assert float(waited[1]) >= 40
    assert "superseded by a later pause" in str(answers[1].message)
    status_when(anna, lambda status: status.state is State.PAUSED)
