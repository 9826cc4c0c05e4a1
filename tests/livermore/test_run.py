"""``make run`` as its user meets it: one tree of real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from livermore.env import StateFiles
from tests.livermore.processes import kill_all, processes_of, wait_until_gone
from tests.livermore.running import Livermore, manage, refused

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def livermore(state: Path) -> Iterator[Livermore]:
    run = Livermore(state)
    run.start()
    yield run
    if run.process.poll() is None:
        run.stop()


def users_of(state: Path) -> list[str]:
    url = StateFiles(state).read_addresses()["DATABASE_URL"]
    with psycopg.connect(url) as session:
        rows = session.execute("SELECT username FROM settings_app_user").fetchall()
    return [row[0] for row in rows]


def test_one_command_brings_everything_up_and_one_signal_takes_it_down(
    livermore: Livermore, state: Path
) -> None:
    files = StateFiles(state)
    assert json.loads(livermore.get("/readyz"))["ready"] is True

    (line,) = [line for line in livermore.lines if line.startswith("Livermore is ready")]
    password = files.demo_password.read_text().strip()
    assert f"http://127.0.0.1:{livermore.port}/" in line
    assert line.rstrip().endswith(password)
    assert sum(password in other for other in livermore.lines) == 1

    for private in (files.addresses, files.secret_key, files.demo_password):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert users_of(state) == ["demo"]

    found = manage(state, "control", "status", "--wait", "10")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1])["data"]["state"] == "running"

    assert refused(state).startswith("Livermore: Livermore is already running with the data in")

    assert livermore.stop() < 5.0
    assert livermore.process.returncode == 0
    assert processes_of(state) == []
    assert not files.addresses.exists()
    assert all(re.match(r"\w+ +\| |Livermore is ready", line) for line in livermore.lines)


def test_kill_9_of_everything_loses_nothing(livermore: Livermore, state: Path) -> None:
    password = StateFiles(state).demo_password.read_text()
    made = manage(state, "shell", "-c", "from settings_app.models import User; "
                  "User.objects.create_user('kept')")  # fmt: skip
    assert made.returncode == 0, made.stderr
    kill_all(state)

    dead = manage(state, "migrate")
    assert dead.returncode == 1
    assert "start one with `make run`" in dead.stderr

    again = Livermore(state)
    again.start()
    assert sorted(users_of(state)) == ["demo", "kept"]
    assert StateFiles(state).demo_password.read_text() == password
    assert not any(line.startswith("setup") for line in again.lines), "nothing is done twice"
    again.stop(signal.SIGINT)
    assert again.process.returncode == 0
    assert processes_of(state) == []


def test_a_killed_supervisor_takes_everything_with_it(livermore: Livermore, state: Path) -> None:
    livermore.process.kill()
    livermore.process.wait()
    wait_until_gone(state)


def test_what_dies_is_started_again(livermore: Livermore, state: Path) -> None:
    (web,) = [pid for pid in processes_of(state) if "daphne" in command_of(pid)]
    os.kill(web, signal.SIGKILL)
    livermore.wait_for_line("web ended (signal SIGKILL); starting it again in 0.5 s")

    url = StateFiles(state).read_addresses()["DATABASE_URL"]
    (postmaster,) = [pid for pid in processes_of(state) if " -D " in command_of(pid)]
    os.kill(postmaster, signal.SIGKILL)
    livermore.wait_for_line("PostgreSQL ended (signal SIGKILL); starting it again in 0.5 s")
    livermore.wait_for_line("PostgreSQL is back")
    with psycopg.connect(url) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except FileNotFoundError:
        return ""


def test_a_port_in_use_is_refused_before_anything_starts(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sentence = refused(state, PORT=str(port))
    assert sentence == (
        f"Livermore: Port {port} is in use by another program: stop it, or choose another port "
        f"with `make run PORT={port + 1}`."
    )
    assert sorted(path.name for path in state.iterdir()) == ["lock"]


@pytest.mark.parametrize(
    ("variable", "url", "says"),
    [
        (
            "DATABASE_URL",
            "postgresql://me:hush@127.0.0.1:1/x",
            "PostgreSQL at postgresql://127.0.0.1:1/x does not let us in (Connection refused): ",
        ),
        (
            "REDIS_URL",
            "redis://:hush@127.0.0.1:1/0",
            "Redis at redis://127.0.0.1:1/0 does not let us in",
        ),
    ],
)
def test_an_address_where_nobody_answers_is_refused(
    state: Path, variable: str, url: str, says: str
) -> None:
    sentence = refused(state, **{variable: url})
    assert says in sentence
    assert "hush" not in sentence
    assert sorted(path.name for path in state.iterdir()) == ["lock"]


def test_a_misspelt_variable_is_refused(state: Path) -> None:
    assert "EXCHANGE must be one of simulated, live" in refused(state, EXCHANGE="binance")


def test_a_command_without_a_stack_says_how_to_start_one(state: Path) -> None:
    done = manage(state, "migrate")
    assert done.returncode == 1
    assert done.stderr == (
        "Livermore is not running here (no database for `migrate`): start one with `make run`, "
        "or set DATABASE_URL and REDIS_URL.\n"
    )


def test_a_command_that_needs_no_server_works_without_one(state: Path) -> None:
    done = manage(state, "check")
    assert done.returncode == 0, done.stderr
