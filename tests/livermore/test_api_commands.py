"""The commands that docs/api.md shows, run as they stand there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from livermore.env import PROJECT
from settings_app import services
from settings_app.models import User
from tests.settings_app.factories import UserFactory

PASSWORD = "an owl in the ivy & 1 %"


def shown_commands(chapter: str = "From the command line") -> list[str]:
    """The blocks of a chapter of the manual, in order."""
    manual = (PROJECT / "docs" / "api.md").read_text()
    text = manual.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def answers_in(text: str) -> list[Any]:
    """The JSON values that commands have printed one after the other."""
    decoder, answers, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].strip()
    return answers


@pytest.fixture
def user(transactional_db: None, redis_url: str) -> User:
    """Somebody who can sign in by password."""
    user: User = UserFactory.create(username="demo")
    user.set_password(PASSWORD)
    user.save()
    return user


def run(script: str, *, cwd: Path, address: str, password: str) -> subprocess.CompletedProcess[str]:
    bash, curl = shutil.which("bash"), shutil.which("curl")
    if bash is None or curl is None:
        pytest.skip("no bash or no curl on this machine")
    return subprocess.run(
        [bash, "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env={
            "PATH": f"{Path(bash).parent}:{Path(curl).parent}",
            "HOME": str(cwd),
            "TMPDIR": str(cwd),
            "ADDRESS": address,
            "NAME": "demo",
            "PASSWORD": password,
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_the_commands_of_the_manual_work(
    user: User, live_server: LiveServer, tmp_path: Path
) -> None:
    address, *commands = shown_commands()
    assert "ADDRESS=" in address  # the only block that a reader has to adapt
    assert len(commands) == 6
    script = "\n".join(commands)
    done = run(script, cwd=tmp_path, address=live_server.url, password=PASSWORD)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    answers = answers_in(done.stdout)
    read, first, second, checked, replaced, dry, loaded, preview, reset = answers
    assert read["sub"] == user.sub
    assert first["settings"]["scanner"]["top_n"] == 30
    assert second["settings"]["scanner"]["top_n"] == 50
    assert (checked["valid"], len(checked["changes"])) == (True, 1)
    assert replaced["settings"]["scanner"]["top_n"] == 40
    assert (dry["valid"], dry["changes"], loaded["changes"]) == (True, [], [])
    assert preview["changes"]
    assert reset["changes"] == []
    stored = services.read(user.pk)
    assert (stored.revision, stored.document.scanner.top_n) == (4, 40)


def test_the_commands_fail_where_the_password_is_wrong(
    user: User, live_server: LiveServer, tmp_path: Path
) -> None:
    script = "\n".join(shown_commands()[1:3])
    done = run(script, cwd=tmp_path, address=live_server.url, password="wrong")
    assert done.returncode != 0
    assert "urn:livermore:problem:not-signed-in" in done.stdout
