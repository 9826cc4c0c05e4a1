"""``manage.py control``: what it prints and how it exits."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from control import client
from settings_app import desired, services
from settings_app.models import User
from tests.control.running import RunningWorker, eventually, status_when


def test_each_answer_is_a_line_of_json_and_success_exits_zero(
    anna: User, worker: RunningWorker
) -> None:
    status_when(anna, lambda status: status.state == "running")
    out = StringIO()
    call_command("control", "status", stdout=out)
    ack, result = (json.loads(line) for line in out.getvalue().splitlines())
    assert ack["status"] == "acknowledged"
    assert result["success"]
    assert result["data"]["sub"] == anna.sub


def test_a_command_that_was_not_applied_exits_with_one(anna: User, worker: RunningWorker) -> None:
    status_when(anna, lambda status: status.state == "running")
    out = StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("control", "undo", stdout=out)
    assert exit_.value.code == 1
    assert json.loads(out.getvalue().splitlines()[-1])["status"] == "failed"


def test_without_a_worker_the_intent_is_recorded_and_said_to_be_only_that(anna: User) -> None:
    err = StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("control", "pause", "--wait", "0.1", stdout=StringIO(), stderr=err)
    assert exit_.value.code == 1
    assert "recorded (revision 1)" in err.getvalue()
    assert desired.read_desired(anna.pk).is_paused


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"is_staff": False}, "the user has no staff status"),
        ({"is_active": False}, "the user is not active"),
        ({}, "no exchange is enabled in the settings; enable one under /exchanges"),
    ],
)
def test_whom_no_worker_hosts_is_told_why(
    anna: User, worker: RunningWorker, columns: dict[str, bool], reason: str
) -> None:
    if columns:
        User.objects.filter(pk=anna.pk).update(**columns)
    else:
        services.patch(anna.pk, {"exchanges": {"coinbase": {"enabled": False}}}, by=anna)
    eventually(lambda: client.status(anna) is None)
    err = StringIO()
    with pytest.raises(SystemExit):
        call_command(
            *("control", "status", "--user", anna.username, "--wait", "0.1"),
            stdout=StringIO(),
            stderr=err,
        )
    assert f"no worker runs this account, for {reason}" in err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["paus"], "did you mean 'pause'"),
        (["explode"], "known are pause, resume"),
        (["pause", "--user", "nobody"], "There is no user 'nobody'"),
        (["pause", "--payload", "{"], "--payload must be JSON"),
        (["pause", "--payload", "[]"], "must be a JSON object"),
        (["switch-mode"], "mode: Field required"),
        (["switch-mode", "--payload", '{"mode": "scalper-orderbook"}'], "not implemented"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(
    anna: User, arguments: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("control", *arguments)
    assert desired.read_desired(anna.pk).revision == 0


def test_with_two_users_one_has_to_be_named(anna: User, bela: User) -> None:
    with pytest.raises(CommandError, match="several users"):
        call_command("control", "pause")
