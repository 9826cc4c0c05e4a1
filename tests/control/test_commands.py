"""``manage.py control``: what it prints and how it exits."""

from __future__ import annotations

import getpass
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from control import client, wire
from control.protocol import HistoryEntry, commands_of, history_of
from settings_app import desired, services
from settings_app.models import User
from tests.control.running import RunningWorker, eventually, status_when


def sent_to(user: User) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """The commands in a user's stream, each with its origin."""
    with wire.connect() as redis:
        rows: Any = redis.xrange(commands_of(user.sub))
    return [(json.loads(row["command"]), json.loads(row["origin"])) for _, row in rows]


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
        (["pause", "please"], "pause takes no words; 'please' has no place"),
        (["switch-mode", "scalper-macdv", "--payload", "{}"], "not both"),
        (["pause", "--exchange", "coinbase"], "takes nothing"),
        (["history", "pause"], "takes no words"),
        (["history", "--limit", "0"], "from 1 to 1000"),
        (["switch-mode"], "mode: is required"),
        *((["pause", "--wait", span], "from 0 to 3600") for span in ("nan", "inf", "-1", "soon")),
        (["switch-mode", "--payload", '{"mode": "scalper-orderbook"}'], "not implemented"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(
    anna: User, arguments: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("control", *arguments)
    assert desired.read_desired(anna.pk).revision == 0


@pytest.mark.parametrize(
    ("words", "payload"),
    [
        (["switch-mode", "scalper-macdv"], {"mode": "scalper-macdv"}),
        (["add-symbol", "BTC-USD"], {"symbol": "BTC-USD"}),
        (
            ["remove-symbol", "BTC-USD", "--exchange", "binance"],
            {"symbol": "BTC-USD", "exchange": "binance"},
        ),
        (["force-backfill", "BTC-USD"], {"symbol": "BTC-USD"}),
        (
            ["force-backfill", "BTC-USD", "1m", "1h"],
            {"symbol": "BTC-USD", "timeframes": ["1m", "1h"]},
        ),
        (["clear-cache", "all", "--yes"], {"scope": "all"}),
        (["clear-cache", "symbol", "BTC-USD", "--yes"], {"scope": "symbol", "symbol": "BTC-USD"}),
        (["clear-cache", "timeframe", "1h", "--yes"], {"scope": "timeframe", "timeframe": "1h"}),
    ],
)
def test_a_payload_can_be_said_in_words(
    anna: User, words: list[str], payload: dict[str, object]
) -> None:
    with pytest.raises(SystemExit):
        call_command("control", *words, "--wait", "0", stdout=StringIO(), stderr=StringIO())
    [(command, origin)] = sent_to(anna)
    assert (command["command"], command["payload"]) == (words[0], payload)
    assert origin["via"] == "command line"
    assert origin["who"] == getpass.getuser()


@pytest.mark.parametrize(("typed", "is_sent"), [("y", True), ("n", False), ("", False)])
def test_a_cache_is_cleared_when_somebody_agrees(
    anna: User, monkeypatch: pytest.MonkeyPatch, typed: str, is_sent: bool
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{typed}\n"))
    with pytest.raises(SystemExit if is_sent else CommandError):
        call_command(
            *("control", "clear-cache", "all", "--wait", "0"), stdout=StringIO(), stderr=StringIO()
        )
    assert bool(sent_to(anna)) is is_sent


def test_a_cache_is_not_cleared_where_nobody_is_there_to_ask(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="--yes"):
        call_command("control", "clear-cache", "all")
    assert sent_to(anna) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [([], "payload.scope: is required"), (["symbol"], "scope symbol needs a symbol")],
)
def test_nobody_is_asked_to_clear_what_cannot_be_cleared(
    anna: User, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    out = StringIO()
    monkeypatch.setattr("sys.stdout", out)
    with pytest.raises(CommandError, match=says):
        call_command("control", "clear-cache", *words)
    assert out.getvalue() == ""


def test_without_a_command_only_the_command_is_asked_for() -> None:
    with pytest.raises(CommandError, match=r"required: COMMAND$"):
        call_command("control")


def test_the_history_is_a_table_or_lines_of_json(anna: User, bela: User) -> None:
    for user, command in ((anna, "pause"), (anna, "switch-mode"), (bela, "undo")):
        line = HistoryEntry(
            id="1",
            command=command,
            detail="mode scalper-macdv" if command == "switch-mode" else "",
            who=user.username,
            via="panel",
            status="succeeded",
            message="done\n" * 40,
            at=1_790_000_000_000,
            ms=4,
        )
        with wire.connect() as redis:
            redis.xadd(history_of(user.sub), {"entry": line.to_json()})
    out = StringIO()
    call_command("control", "history", "--user", anna.username, stdout=out)
    title, newest, oldest = out.getvalue().splitlines()
    assert title.split() == ["when", "(UTC)", "who", "via", "command", "answer", "ms", "message"]
    assert newest.startswith(f"2026-09-21 14:13:20  {anna.username}")
    assert "switch-mode mode scalper-macdv  succeeded  4" in newest
    assert "pause" in oldest
    out = StringIO()
    call_command(
        *("control", "history", "--user", anna.username, "--limit", "1", "--json"), stdout=out
    )
    [line_of_json] = out.getvalue().splitlines()
    assert json.loads(line_of_json)["command"] == "switch-mode"


def test_an_empty_history_says_so_beside_the_output(anna: User) -> None:
    out, err = StringIO(), StringIO()
    call_command("control", "history", stdout=out, stderr=err)
    assert out.getvalue() == ""
    assert "No command has been answered" in err.getvalue()


def test_with_two_users_one_has_to_be_named(anna: User, bela: User) -> None:
    with pytest.raises(CommandError, match="several users"):
        call_command("control", "pause")
