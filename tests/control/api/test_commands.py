"""Commands over HTTP: sending, waiting, batches, repeated ids; and what can be read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from control import wire
from control.api.bodies import MOST_IN_BATCH
from control.api.problems import (
    COMMAND_FAILED,
    INVALID_COMMAND,
    NOT_SENT,
    RUNTIME_OFFLINE,
    RUNTIME_UNKNOWN,
)
from control.protocol import (
    Command,
    CommandResult,
    HistoryEntry,
    commands_of,
    history_of,
    now_ms,
    result_of,
    status_of,
)
from settings_app import desired, services
from settings_app.models import User
from settings_app.problems import (
    CSRF_FAILED,
    MALFORMED_JSON,
    MALFORMED_REQUEST,
    NOT_FOUND,
    NOT_SIGNED_IN,
    NOT_STAFF,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
)
from tests.control.running import RunningWorker, status_when
from tests.control.statuses import a_status
from tests.settings_app.calling import Caller, Response, problem
from tests.settings_app.factories import UserFactory

COMMANDS = "/api/control/commands"
STATUS = "/api/control/status"
HISTORY = "/api/control/history"
APPLIED = f"{COMMANDS}?wait=applied"
AT_ONCE = f"{APPLIED}&timeout=0"


@pytest.fixture
def api(anna: User) -> Caller:
    """The API, as Anna's program uses it."""
    return Caller(anna)


@pytest.fixture
def running(anna: User, worker: RunningWorker) -> None:
    """Anna's runtime, at work."""
    status_when(anna, lambda status: status.state == "running")


def in_the_stream(user: User) -> list[dict[str, Any]]:
    with wire.connect() as redis:
        rows: Any = redis.xrange(commands_of(user.sub))
    return [json.loads(fields["command"]) for _, fields in rows]


def keep_answer(user: User, **changes: Any) -> CommandResult:
    """Let a runtime have answered."""
    facts = {"command_id": str(uuid.uuid4()), "status": "succeeded", "success": True}
    answer = CommandResult.model_validate({**facts, "timestamp": now_ms(), **changes})
    with wire.connect() as redis:
        redis.set(result_of(user.sub, answer.command_id), answer.to_json())
    return answer


# ------------------------------------------------------------------ with a runtime
def test_a_pause_is_acknowledged_with_202(anna: User, api: Caller, running: None) -> None:
    response = api.post(COMMANDS, {"command": "pause"})
    assert response.status_code == 202
    told = response.json()
    assert told["sent"]
    assert told["ack"]["commandId"] == told["commandId"]
    assert told["desired"] == {"isPaused": True, "mode": "scalper-macdv", "revision": 1}
    assert response["Location"] == f"{COMMANDS}/{told['commandId']}"
    status_when(anna, lambda status: status.state == "paused")
    kept = api.get(response["Location"]).json()
    assert (kept["commandId"], kept["status"]) == (told["commandId"], "succeeded")


def test_who_waits_is_told_the_result_and_finds_it_in_the_status(
    api: Caller, running: None
) -> None:
    response = api.post(APPLIED, {"command": "pause", "payload": {}})
    assert response.status_code == 200
    assert response.json()["success"]
    assert api.get(response["Location"]).json() == response.json()
    status = api.get(STATUS)
    assert status.status_code == 200
    assert status.json()["state"] == "paused"


def test_what_the_runtime_refuses_is_a_conflict_with_its_words(
    anna: User, api: Caller, running: None
) -> None:
    User.objects.filter(pk=anna.pk).update(settings={"version": 2, "broken": True})
    told = problem(api.post(APPLIED, {"command": "reload-settings"}), COMMAND_FAILED)
    assert told["outcome"] == "failed"
    assert told["detail"].startswith("the settings cannot be used")
    assert told["data"]["errors"]
    assert api.get(f"{COMMANDS}/{told['commandId']}").json()["status"] == "failed"


def test_a_repeated_id_is_done_once_and_answered_the_same(
    anna: User, api: Caller, running: None
) -> None:
    body = {"command": "pause", "id": str(uuid.uuid4())}
    first = api.post(APPLIED, body)
    assert api.post(APPLIED, {"command": "resume"}).status_code == 200
    again = api.post(APPLIED, body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert first.json()["commandId"] == body["id"]
    assert api.get(STATUS).json()["state"] == "running"
    assert not desired.read_desired(anna.pk).is_paused


def test_each_command_of_a_batch_is_answered_in_its_place(
    anna: User, api: Caller, running: None
) -> None:
    batch = [{"command": "status"}, {"command": "paus"}, 7, {"command": "pause"}]
    response = api.post(APPLIED, batch)
    assert response.status_code == 202
    status, misspelt, number, pause = response.json()
    assert status["result"]["data"]["sub"] == anna.sub
    assert misspelt["type"] == INVALID_COMMAND.type
    assert misspelt["errors"][0]["pointer"] == "/command"
    assert "the nearest is pause" in misspelt["errors"][0]["detail"]
    assert number["errors"][0]["pointer"] == ""
    assert pause["result"]["success"]
    assert pause["desired"]["isPaused"]


# ------------------------------------------------------------------ without one
def test_without_a_runtime_an_intent_is_recorded_and_no_more_is_said(
    anna: User, api: Caller
) -> None:
    for address in (COMMANDS, AT_ONCE):
        response = api.post(address, {"command": "pause"})
        assert response.status_code == 202
        assert response["Location"] == f"{COMMANDS}/{response.json()['commandId']}"
        assert response.json()["desired"]["isPaused"]
        assert "ack" not in response.json()
        assert "result" not in response.json()
    assert desired.read_desired(anna.pk).is_paused
    assert [command["command"] for command in in_the_stream(anna)] == ["pause", "pause"]


def test_with_redis_away_an_intent_is_recorded_and_nothing_else_is_sent(
    anna: User, api: Caller, redis_away: None
) -> None:
    response = api.post(COMMANDS, {"command": "pause"})
    assert response.status_code == 202
    assert not response.json()["sent"]
    assert response.json()["desired"]["isPaused"]
    assert desired.read_desired(anna.pk).is_paused
    refused = api.post(COMMANDS, {"command": "reload-settings"})
    assert problem(refused, NOT_SENT)
    assert int(refused["Retry-After"]) > 0
    first, second = api.post(COMMANDS, [{"command": "undo"}, {"command": "resume"}]).json()
    assert first["type"] == NOT_SENT.type
    assert second["desired"]["isPaused"] is False


def test_the_origin_is_the_session_and_not_the_body(anna: User, api: Caller) -> None:
    api.post(COMMANDS, {"command": "pause"})
    with wire.connect() as redis:
        [[_, fields]] = redis.xrange(commands_of(anna.sub))
    assert json.loads(fields["origin"]) == {"who": anna.username, "via": "api"}


# ------------------------------------------------------------------ what is refused
SECRET = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ("pause", "", "must be an object"),
        ({}, "/command", "is required"),
        ({"command": 7}, "/command", "must be a text"),
        ({"command": SECRET}, "/command", "must be one of pause, resume"),
        ({"command": "pause", SECRET: 1}, "", "command, payload, id and no other"),
        ({"command": "pause", "sub": SECRET}, "", "command, payload, id and no other"),
        ({"command": "pause", "payload": [SECRET]}, "/payload", "must be an object"),
        ({"command": "pause", "payload": {SECRET: 1}}, "/payload", "takes nothing"),
        ({"command": "switch-mode"}, "/payload/mode", "is required"),
        ({"command": "switch-mode", "payload": {"mode": SECRET}}, "/payload/mode", "position-"),
        (
            {"command": "switch-mode", "payload": {"mode": "scalper-orderbook"}},
            "/payload/mode",
            "not implemented",
        ),
        (
            {"command": "add-symbol", "payload": {"symbol": SECRET}},
            "/payload/symbol",
            "in capitals",
        ),
        ({"command": "pause", "id": SECRET}, "/id", "must be a UUID"),
        ({"command": "pause", "id": 7}, "/id", "must be a text"),
    ],
)
def test_a_refusal_names_the_field_repeats_nothing_and_records_nothing(
    anna: User, api: Caller, body: Any, pointer: str, says: str
) -> None:
    response = api.post(COMMANDS, json.dumps(body))
    [error] = problem(response, INVALID_COMMAND)["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]
    assert SECRET not in response.content.decode()
    [in_batch] = api.post(COMMANDS, [body]).json()
    assert in_batch["errors"] == [error]
    assert desired.read_desired(anna.pk).revision == 0
    assert in_the_stream(anna) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", MALFORMED_JSON),
        ('{"command": "pause", "command": "resume"}', INVALID_COMMAND),
        ("[]", INVALID_COMMAND),
        (json.dumps([{"command": "status"}] * (MOST_IN_BATCH + 1)), INVALID_COMMAND),
        (" " * 1_100_000, TOO_LARGE),
    ],
)
def test_a_body_that_is_neither_command_nor_batch_is_refused(
    anna: User, api: Caller, body: str, kind: Any
) -> None:
    assert problem(api.post(COMMANDS, body), kind)
    assert in_the_stream(anna) == []


def test_a_batch_may_be_as_long_as_is_said(anna: User, api: Caller) -> None:
    response = api.post(COMMANDS, [{"command": "status"}] * MOST_IN_BATCH)
    assert (response.status_code, len(response.json())) == (202, MOST_IN_BATCH)
    assert len(in_the_stream(anna)) == MOST_IN_BATCH


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"{COMMANDS}?wiat=applied", "The nearest is wait"),
        (f"{COMMANDS}?wait=acknowledged", "must be applied"),
        (f"{COMMANDS}?timeout=3", "goes with wait=applied"),
        (f"{APPLIED}&timeout=31", "a number from 0.0 to 30.0"),
        (f"{APPLIED}&timeout=-1", "a number from 0.0 to 30.0"),
        (f"{APPLIED}&timeout=nan", "a number from 0.0 to 30.0"),
        (f"{APPLIED}&timeout=1&timeout=2", "must be given once"),
    ],
)
def test_a_query_that_means_nothing_sends_nothing(
    anna: User, api: Caller, path: str, says: str
) -> None:
    assert says in problem(api.post(path, {"command": "pause"}), MALFORMED_REQUEST)["detail"]
    assert in_the_stream(anna) == []


@pytest.mark.parametrize(
    "path", [f"{HISTORY}?limit=0", f"{HISTORY}?limit=1.5", f"{HISTORY}?before=x", f"{STATUS}?x=1"]
)
def test_a_query_that_means_nothing_reads_nothing(api: Caller, path: str) -> None:
    assert problem(api.get(path), MALFORMED_REQUEST)


def test_a_form_is_no_command(api: Caller) -> None:
    kind = "application/x-www-form-urlencoded"
    response = api.send("POST", COMMANDS, "command=pause", kind=kind)
    assert problem(response, UNSUPPORTED_MEDIA_TYPE)


# ------------------------------------------------------------------ who may
ADDRESSES = [
    ("POST", COMMANDS),
    ("GET", f"{COMMANDS}/{uuid.uuid4()}"),
    ("GET", STATUS),
    ("GET", HISTORY),
]


def use(caller: Caller, method: str, path: str) -> Response:
    return caller.send(method, path, {"command": "pause"} if method == "POST" else None)


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_nobody_else_may(anna: User, method: str, path: str) -> None:
    ordinary = UserFactory.create(is_staff=False)
    for caller, kind in ((Caller(), NOT_SIGNED_IN), (Caller(ordinary), NOT_STAFF)):
        assert problem(use(caller, method, path), kind)
    assert not User.objects.filter(desired_revision__gt=0).exists()


def test_a_command_needs_the_token_and_a_read_does_not(anna: User) -> None:
    caller = Caller(anna, checks_csrf=True)
    assert problem(caller.post(COMMANDS, {"command": "pause"}), CSRF_FAILED)
    assert caller.get(HISTORY).status_code == 200
    assert desired.read_desired(anna.pk).revision == 0


def test_a_stranger_cannot_tell_that_anything_is_there(anna: User, bela: User, api: Caller) -> None:
    answer = keep_answer(anna)
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), a_status(anna.sub).to_json())
        line = HistoryEntry(id="1", command="pause", status="succeeded", at=1, ms=1)
        redis.xadd(history_of(anna.sub), {"entry": line.to_json()})
    assert api.get(f"{COMMANDS}/{answer.command_id}").status_code == 200
    stranger = Caller(bela)
    theirs = stranger.get(f"{COMMANDS}/{answer.command_id}")
    unknown = stranger.get(f"{COMMANDS}/{uuid.uuid4()}")
    assert problem(theirs, NOT_FOUND) == problem(unknown, NOT_FOUND)
    assert problem(stranger.get(STATUS), RUNTIME_OFFLINE)
    assert stranger.get(HISTORY).json() == {"entries": []}


def test_a_superuser_steers_their_own_runtime_only(anna: User, bela: User) -> None:
    User.objects.filter(pk=bela.pk).update(is_superuser=True)
    bela.refresh_from_db()
    Caller(bela).post(COMMANDS, {"command": "pause"})
    assert desired.read_desired(bela.pk).is_paused
    assert desired.read_desired(anna.pk).revision == 0


# ------------------------------------------------------------------ reading
def test_offline_is_not_the_same_as_unknown(anna: User, api: Caller) -> None:
    assert "No worker runs" in problem(api.get(STATUS), RUNTIME_OFFLINE)["detail"]
    services.patch(anna.pk, {"exchanges": {"coinbase": {"enabled": False}}}, by=anna)
    assert "no exchange is enabled" in problem(api.get(STATUS), RUNTIME_OFFLINE)["detail"]
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), '{"from": "a newer worker"}')
    assert problem(api.get(STATUS), RUNTIME_UNKNOWN)


@pytest.mark.parametrize("path", [STATUS, HISTORY, f"{COMMANDS}/{uuid.uuid4()}"])
def test_with_redis_away_nothing_is_claimed(api: Caller, redis_away: None, path: str) -> None:
    response = api.get(path)
    assert problem(response, RUNTIME_UNKNOWN)
    assert int(response["Retry-After"]) > 0


def test_the_history_is_read_newest_first_and_page_by_page(anna: User, api: Caller) -> None:
    with wire.connect() as redis:
        for number in range(5):
            line = HistoryEntry(id=str(number), command="pause", status="succeeded", at=1, ms=1)
            redis.xadd(history_of(anna.sub), {"entry": line.to_json()})
    first = api.get(f"{HISTORY}?limit=3").json()
    second = api.get(f"{HISTORY}?limit=3&before={first['next']}").json()
    assert [entry["id"] for entry in first["entries"]] == ["4", "3", "2"]
    assert [entry["id"] for entry in second["entries"]] == ["1", "0"]
    assert "next" not in second
    assert api.get(HISTORY).json()["entries"] == first["entries"] + second["entries"]


@pytest.mark.parametrize("path", [STATUS, HISTORY])
def test_a_head_is_a_get_without_a_body(anna: User, api: Caller, path: str) -> None:
    with wire.connect() as redis:
        redis.set(status_of(anna.sub), a_status(anna.sub).to_json())
    response = api.send("HEAD", path)
    assert (response.status_code, response.content) == (200, b"")


def test_an_id_that_is_none_is_no_address(api: Caller) -> None:
    assert problem(api.get(f"{COMMANDS}/7"), NOT_FOUND)


# ------------------------------------------------------------------ its cost and description
def test_a_pause_costs_the_queries_of_session_and_user_and_its_one_update(
    anna: User, api: Caller, django_assert_num_queries: Callable[..., Any]
) -> None:
    with django_assert_num_queries(3):
        api.post(AT_ONCE, {"command": "pause"})


def test_every_command_is_described_with_its_payload(api: Caller) -> None:
    document = api.get("/api/openapi.json").json()
    operation = document["paths"][COMMANDS]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert [one["title"] for one in schema["oneOf"]] == [*Command, "A batch"]
    assert set(operation["responses"]) >= {"200", "202", "409", "422", "503"}
    assert operation["tags"] == ["control"]
    kinds = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert COMMAND_FAILED.type in kinds
    wait, timeout = operation["parameters"]
    assert wait["schema"] == {"type": "string"}
    assert timeout["schema"] == {"type": "number", "minimum": 0, "maximum": 30}
