"""The environment: what wins, what is refused, and how a running stack is found."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from livermore import env
from livermore.embedded.errors import StackError
from livermore.embedded.lock import locked
from livermore.private import kept_secret, write_private


def read(state: Path, **variables: str) -> env.Environment:
    return env.read({"LIVERMORE_STATE": str(state), **variables})


def test_without_a_stack_there_are_no_addresses_and_a_throw_away_key(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert first.database_url is None
    assert first.redis_url is None
    assert first.secret_key != second.secret_key


def test_addresses_are_found_while_the_stack_lives(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret-key")
    write_private(tmp_path / "env", "DATABASE_URL='postgresql://u:p@h/d?a=1&b=2'\n")
    with locked(tmp_path / "lock"):
        assert read(tmp_path).database_url == "postgresql://u:p@h/d?a=1&b=2"


def test_addresses_of_a_dead_stack_are_ignored(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret-key")
    write_private(tmp_path / "env", "DATABASE_URL=postgresql://u:p@h/d\n")
    with locked(tmp_path / "lock"):
        pass
    assert read(tmp_path).database_url is None


def test_a_variable_wins_over_the_running_stack(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret-key")
    write_private(tmp_path / "env", "REDIS_URL=redis://mine/0\n")
    with locked(tmp_path / "lock"):
        assert read(tmp_path, REDIS_URL="redis://yours/0").redis_url == "redis://yours/0"
        assert read(tmp_path, REDIS_URL="").redis_url == "redis://mine/0"


def test_an_own_database_needs_an_own_secret_key(tmp_path: Path) -> None:
    with pytest.raises(env.EnvironmentInvalid, match="SECRET_KEY must be set"):
        read(tmp_path, DATABASE_URL="postgresql://u:p@h/d")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("EXCHANGE", "real"),
        ("SPEED", "0"),
        ("SPEED", "nan"),
        ("SPEED", "fast"),
        ("LIVERMORE_HTTPS", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(env.EnvironmentInvalid, match=rf"^{variable} must be .*{value}"):
        read(tmp_path, **{variable: value})


def test_the_second_run_in_a_directory_is_refused(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(StackError, match="already running"),
        locked(tmp_path / "lock"),
    ):
        pass


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    assert kept_secret(file) == kept_secret(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
