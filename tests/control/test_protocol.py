"""The wire as other programs know it: names, shapes and words, held against the design's table."""

from __future__ import annotations

import json
import uuid

import pytest
from pydantic import ValidationError

from control import protocol
from control.protocol import (
    PAYLOADS,
    Command,
    CommandAck,
    CommandResult,
    RuntimeCommand,
    RuntimeStatus,
    State,
)
from tests.control.statuses import a_status

SUB = "f5a1"
COMMAND_ID = "6f1c3f0e-8a54-4d0b-9d0e-0d5d1f3f7a11"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (protocol.commands_of(SUB), "livermore:commands:f5a1"),
        (protocol.entries_of(SUB), "livermore:entries:f5a1"),
        (protocol.responses_of(SUB), "livermore:responses:f5a1"),
        (protocol.result_of(SUB, "7"), "livermore:result:f5a1:7"),
        (protocol.status_of(SUB), "livermore:status:f5a1"),
        (protocol.events_of(SUB), "livermore:events:f5a1"),
        (protocol.history_of(SUB), "livermore:history:f5a1"),
        (
            protocol.candles_of("coinbase", "BTC-USD", "1m"),
            "livermore:candles:coinbase:BTC-USD:1m",
        ),
        (protocol.forming_of("coinbase"), "livermore:forming:coinbase"),
    ],
)
def test_every_name_in_redis_is_the_one_the_design_gives(name: str, expected: str) -> None:
    assert name == expected


def test_a_status_outlives_two_heartbeats_and_not_four() -> None:
    assert protocol.STATUS_TTL_SECONDS == 3 * protocol.HEARTBEAT_SECONDS


def test_the_commands_are_those_of_the_design() -> None:
    assert {str(command) for command in Command} == {
        "pause",
        "resume",
        "reload-settings",
        "switch-mode",
        "add-symbol",
        "remove-symbol",
        "force-backfill",
        "clear-cache",
        "status",
        "undo",
    }
    assert set(PAYLOADS) == set(Command)


def test_a_command_is_written_in_camel_case_without_what_it_does_not_have() -> None:
    command = RuntimeCommand(
        id=uuid.UUID(COMMAND_ID),
        command=Command.SWITCH_MODE,
        payload={"mode": "scalper-macdv"},
        timestamp=5,
        source="admin",
        desired_revision=3,
    )
    assert json.loads(command.to_json()) == {
        "id": COMMAND_ID,
        "command": "switch-mode",
        "payload": {"mode": "scalper-macdv"},
        "timestamp": 5,
        "source": "admin",
        "desiredRevision": 3,
    }


def test_the_least_a_foreign_program_sends_is_enough() -> None:
    text = f'{{"id":"{COMMAND_ID}","command":"pause","timestamp":5,"source":"admin"}}'
    command = RuntimeCommand.model_validate_json(text)
    assert (command.payload, command.expires_at, command.desired_revision) == (None, None, None)


def test_an_answer_carries_the_id_the_word_and_the_truth() -> None:
    ack = CommandAck(command_id="7", timestamp=1)
    assert ack.to_dict() == {"commandId": "7", "status": "acknowledged", "timestamp": 1}
    result = CommandResult(
        command_id="7", status="failed", success=False, message="superseded", timestamp=2
    )
    assert result.to_dict() == {
        "commandId": "7",
        "status": "failed",
        "success": False,
        "message": "superseded",
        "timestamp": 2,
    }


@pytest.mark.parametrize("word", ["done", "ok", "acknowledged"])
def test_a_result_knows_three_words_only(word: str) -> None:
    with pytest.raises(ValidationError):
        CommandResult.model_validate(
            {"commandId": "7", "status": word, "success": True, "timestamp": 1}
        )


def test_the_states_are_those_a_page_can_show() -> None:
    assert [str(state) for state in State] == ["starting", "running", "paused", "faulted"]


def test_a_status_names_the_credentials_that_are_set_and_no_value() -> None:
    told = a_status(SUB, credentials_set=["COINBASE_KEY"]).to_dict()
    assert told["credentialsSet"] == ["COINBASE_KEY"]


def test_the_status_of_a_worker_that_does_not_report_credentials_is_read() -> None:
    told = a_status(SUB).to_dict()
    assert "credentialsSet" not in told
    assert RuntimeStatus.model_validate(told).credentials_set is None
