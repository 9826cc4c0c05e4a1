"""`import_settings`, `export_settings`, `upgrade_settings`: what they say, do, and exit with."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from livermore.env import PROJECT
from settings_app import rewriting, services
from settings_app.documents import canonical
from settings_app.models import User
from settings_app.rewriting import rewrite_all
from settings_app.schema import CURRENT_VERSION, default_document
from tests.settings_app.factories import UserFactory

pytestmark = pytest.mark.django_db

DOCUMENTS = Path(__file__).parent / "documents"
LEGACY = DOCUMENTS / "version_0.json"
SECRET = "hunter2-correct-horse-battery-staple"

Writes = Callable[[object], str]


@pytest.fixture
def ann() -> User:
    return UserFactory.create(username="ann")


@pytest.fixture
def file_of(tmp_path: Path) -> Writes:
    """Write a settings file and tell its name."""

    def write(content: object) -> str:
        file = tmp_path / "settings.json"
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(file)

    return write


def document_of(user: User, **changes: Any) -> dict[str, Any]:
    """A whole document of the current version."""
    return {**default_document(user.sub), **changes}


def says(name: str, *arguments: str, exit_code: int = 0) -> str:
    """Run a command; everything it wrote to a person."""
    out = io.StringIO()
    code = 0
    try:
        call_command(name, *arguments, stdout=out, stderr=out, no_color=True)
    except CommandError as exc:
        code = exc.returncode
        out.write(str(exc))
    except SystemExit as exc:
        code = int(exc.code or 0)
    assert code == exit_code, out.getvalue()
    return out.getvalue()


def untouched(user: User) -> bool:
    """Whether nothing of a user's row or log was written."""
    now = User.objects.get(pk=user.pk)
    same = (now.settings, now.settings_version, now.settings_revision, now.settings_updated_at) == (
        user.settings,
        user.settings_version,
        user.settings_revision,
        user.settings_updated_at,
    )
    return same and not LogEntry.objects.exists()


# ---------------------------------------------------------------------- importing settings
def test_the_legacy_file_is_imported_and_everything_that_moved_is_told(ann: User) -> None:
    said = says("import_settings", str(LEGACY), "--user", "ann")
    assert "The file has version 0." in said
    assert "  /symbols: moved to the watchlist, on coinbase\n" in said
    assert "  /scanner_exchange: moved to /scanner/exchange\n" in said
    assert "  /scanner_auto_restart_services: dropped" in said
    assert '  /perseus_profile/public_name: "Trader" → "Jesse L."\n' in said
    assert '  /watchlist/0: – → {"symbol": "BTC-USD"' in said
    assert said.endswith("Saved as revision 2.\n")
    stored = services.read(ann.pk)
    assert (stored.revision, stored.version, stored.sub) == (2, CURRENT_VERSION, ann.sub)
    assert [row.symbol for row in stored.document.watchlist] == [
        *("BTC-USD", "ETH-USD", "SOL-USD", "00-USD")
    ]


def test_the_log_names_the_user_and_the_command(ann: User) -> None:
    says("import_settings", str(LEGACY), "--user", "ann")
    entry = LogEntry.objects.get()
    assert entry.user == ann
    assert json.loads(entry.change_message)[0]["origin"] == "command"


def test_a_dry_run_says_the_same_and_writes_nothing(ann: User) -> None:
    dry = says("import_settings", str(LEGACY), "--user", "ann", "--dry-run")
    assert untouched(ann)
    assert dry.endswith("Nothing was written; revision 1 stays.\n")
    wet = says("import_settings", str(LEGACY), "--user", "ann")
    assert dry.splitlines()[:-1] == wet.splitlines()[:-1]


def test_importing_what_is_there_already_saves_nothing(ann: User, file_of: Writes) -> None:
    said = says("import_settings", file_of(services.export(ann.pk)), "--user", "ann")
    assert said.endswith("Nothing to save; revision 1 stays.\n")
    assert untouched(ann)


@pytest.mark.parametrize("beginning", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a BOM"])
def test_a_file_is_utf_8_with_or_without_a_mark(
    ann: User, file_of: Writes, beginning: bytes
) -> None:
    document = document_of(ann, perseus_profile={"public_name": "Žofie 🦊"})
    text = json.dumps(document, ensure_ascii=False)
    says("import_settings", file_of(beginning + text.encode()), "--user", "ann")
    assert services.read(ann.pk).document.perseus_profile.public_name == "Žofie 🦊"


def test_a_dash_reads_standard_input(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps(document_of(ann, position_refresh_hours=8)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert "/position_refresh_hours: 4.0 → 8.0" in says("import_settings", "-", "--user", "ann")


def test_an_unknown_key_is_refused_with_its_nearest_or_dropped_on_request(
    ann: User, file_of: Writes
) -> None:
    file = file_of(document_of(ann, scaner={"top_n": 20}, position_refresh_hours=8))
    refused = says("import_settings", file, "--user", "ann", exit_code=1)
    assert "/scaner: is not a setting; the nearest is scanner\n" in refused
    assert "Nothing was imported: 1 error. --ignore-unknown drops" in refused
    assert untouched(ann)
    taken = says("import_settings", file, "--user", "ann", "--ignore-unknown")
    assert "/scaner: dropped" in taken
    assert services.read(ann.pk).document.position_refresh_hours == 8


def test_another_users_document_needs_to_be_adopted(ann: User, file_of: Writes) -> None:
    bob = UserFactory.create(document={"position_refresh_hours": 8})
    file = file_of(services.export(bob.pk))
    assert "--adopt takes the file over." in says(
        "import_settings", file, "--user", "ann", exit_code=1
    )
    assert untouched(ann)
    assert "/sub: replaced" in says("import_settings", file, "--user", "ann", "--adopt")
    stored = services.read(ann.pk)
    assert (stored.document.sub, stored.document.position_refresh_hours) == (ann.sub, 8)


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--ignore-unknown",)])
def test_a_wrong_value_refuses_the_whole_file_by_field(
    ann: User, file_of: Writes, options: tuple[str, ...]
) -> None:
    file = file_of(document_of(ann, scanner={"top_n": 999}, position_refresh_hours="often"))
    said = says("import_settings", file, "--user", "ann", *options, exit_code=1)
    assert "/scanner/top_n: must be at most 100\n" in said
    assert "/position_refresh_hours: must be a number\n" in said
    assert "Nothing was imported: 2 errors." in said
    assert "often" not in said
    assert untouched(ann)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"a": 1,\n  "b" 2}', "(line 2, column 7)"),
        (b'{"scanner": {}, "scanner": {}}', "twice"),
        (b"\xff\xfe{", "must be UTF-8"),
        (b"[1, 2]", "must be an object"),
        (b"", "(line 1, column 1)"),
        (b'{"exportVersion": 7}', "/exportVersion: must be 1"),
        (b'{"version": 3}', "install the newer program"),
        (b" " * 1_000_001, "is larger than 1,000,000 bytes"),
        (b"[" * 100_000, "nested deeper"),
    ],
)
def test_what_is_no_settings_file_is_refused_in_a_sentence(
    ann: User, file_of: Writes, content: bytes, sentence: str
) -> None:
    assert sentence in says("import_settings", file_of(content), "--user", "ann", exit_code=1)
    assert untouched(ann)


@pytest.mark.parametrize(
    "content",
    [
        f'{{"password": "{SECRET}"',
        f'{{"{SECRET}": 1',
        json.dumps({"version": 2, "scanner": SECRET}),
        json.dumps({"version": 2, "perseus_profile": {"timezone": SECRET}}),
        json.dumps({"symbols": SECRET}),
        json.dumps({"version": SECRET}),
        json.dumps({"exportVersion": SECRET}),
    ],
)
def test_an_invalid_file_is_never_echoed(ann: User, file_of: Writes, content: str) -> None:
    assert SECRET not in says("import_settings", file_of(content), "--user", "ann", exit_code=1)


def test_a_file_that_cannot_be_read_is_a_sentence(ann: User, tmp_path: Path) -> None:
    missing = says("import_settings", str(tmp_path / "none.json"), "--user", "ann", exit_code=1)
    assert missing == f"There is no file {tmp_path / 'none.json'}."
    directory = says("import_settings", str(tmp_path), "--user", "ann", exit_code=1)
    assert directory == f"{tmp_path} is a directory; name the file in it."


@pytest.mark.parametrize("name", ["import_settings", "export_settings"])
def test_an_unknown_user_is_told_with_the_nearest_name(ann: User, name: str) -> None:
    UserFactory.create(username="bartholomew")
    file = [str(LEGACY)] if name == "import_settings" else []
    said = says(name, *file, "--user", "an", exit_code=1)
    assert said == "There is no user an; the nearest is ann."


def test_an_import_into_settings_that_a_newer_program_wrote_is_refused(ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(settings={"version": 3}, settings_version=3)
    said = says("import_settings", str(LEGACY), "--user", "ann", exit_code=1)
    assert "install the newer program again" in said
    assert User.objects.get(pk=ann.pk).settings == {"version": 3}


@pytest.mark.django_db(transaction=True)
def test_from_a_shell_it_exits_with_one_and_without_a_traceback(ann: User, file_of: Writes) -> None:
    broken = shell("import_settings", file_of('{"version": 2,}'), "--user", "ann")
    assert broken.returncode == 1
    assert "Traceback" not in broken.stderr
    assert "CommandError: Nothing was imported: 1 error." in broken.stderr
    good = shell("import_settings", str(LEGACY), "--user", "ann")
    assert (good.returncode, good.stderr) == (0, "")


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``manage.py`` as an operator runs it, on the tests' database."""
    database, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = {
        **os.environ,
        "DATABASE_URL": f"{database}/{connection.settings_dict['NAME']}",
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


# ---------------------------------------------------------------------- exporting settings
def test_an_export_is_taken_back_without_a_loss(ann: User, tmp_path: Path) -> None:
    says("import_settings", str(DOCUMENTS / "version_2.json"), "--user", "ann", "--adopt")
    before = services.read(ann.pk).document.to_document()
    file = tmp_path / "ann.json"
    assert says("export_settings", "--user", "ann", "--output", str(file)) == ""
    services.reset(ann.pk, by=ann)
    says("import_settings", str(file), "--user", "ann")
    assert canonical(services.read(ann.pk).document.to_document()) == canonical(before)
    assert json.loads(file.read_text())["settings"] == before


def test_without_a_file_the_export_goes_to_standard_output(ann: User) -> None:
    export = json.loads(says("export_settings", "--user", "ann"))
    assert export.keys() == {"exportedAt", "exportVersion", "settings"}
    assert export["settings"] == services.read(ann.pk).document.to_document()


def test_only_its_owner_may_read_an_exported_file(ann: User, tmp_path: Path) -> None:
    file = tmp_path / "ann.json"
    file.write_text("older")
    file.chmod(0o644)
    says("export_settings", "--user", "ann", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["ann.json"]


def test_a_file_that_cannot_be_written_is_a_sentence(ann: User, tmp_path: Path) -> None:
    inside_nothing, directory = tmp_path / "none" / "ann.json", tmp_path / "directory"
    directory.mkdir()
    for file in (inside_nothing, directory):
        said = says("export_settings", "--user", "ann", "--output", str(file), exit_code=1)
        assert said.startswith(f"{file} cannot be written: ")
    assert [one.name for one in tmp_path.iterdir()] == ["directory"]


def test_settings_that_cannot_be_read_are_not_exported(ann: User, tmp_path: Path) -> None:
    User.objects.filter(pk=ann.pk).update(settings={"version": 3}, settings_version=3)
    file = tmp_path / "ann.json"
    said = says("export_settings", "--user", "ann", "--output", str(file), exit_code=1)
    assert said.startswith("Nothing was exported. The settings of ann cannot be read:")
    assert not file.exists()


# ---------------------------------------------------------------------- upgrading settings
def older(version: int, **changes: Any) -> User:
    """A user whose settings are stored in an older version."""
    document = json.loads((DOCUMENTS / f"version_{version}.json").read_text())
    return UserFactory.create(settings={**document, **changes}, settings_version=version)


def test_every_older_document_is_rewritten_and_reads_the_same_as_before() -> None:
    users = [older(0), older(1), UserFactory.create(), older(0)]
    before = [services.read(user.pk) for user in users]
    said = says("upgrade_settings", "--batch-size", "1")
    assert "Rewritten:\n  2 documents of version 0\n  1 document of version 1\n" in said
    assert "/scanner_auto_restart_services: dropped" in said
    for user, then in zip(users, before, strict=True):
        now = services.read(user.pk)
        assert (now.version, now.notes) == (CURRENT_VERSION, ())
        assert (now.document, now.revision, now.updated_at) == (
            then.document,
            then.revision,
            then.updated_at,
        )
    assert not LogEntry.objects.exists()


def test_a_second_time_there_is_nothing_to_rewrite() -> None:
    older(1)
    says("upgrade_settings")
    assert says("upgrade_settings") == f"Nothing to rewrite in version {CURRENT_VERSION}.\n"


def test_a_dry_run_of_the_upgrade_writes_nothing_and_says_what_it_would_do() -> None:
    user = older(0)
    said = says("upgrade_settings", "--dry-run")
    assert "Would be rewritten:\n  1 document of version 0\n" in said
    assert "Would be moved or dropped:\n" in said
    assert untouched(user)


def test_each_users_notes_are_told_on_request() -> None:
    user = older(0)
    said = says("upgrade_settings", "--verbosity", "2")
    assert f"{user.username}: version 0\n  /" in said


def test_what_is_newer_or_cannot_be_read_is_left_alone_and_counted() -> None:
    newer = UserFactory.create(settings={"version": 3, "new": True}, settings_version=3)
    good = older(1)
    said = says("upgrade_settings", exit_code=1)
    assert f"{newer.username}: left alone. The settings have version 3" in said
    assert said.endswith("Left alone: 1 document.\n")
    assert User.objects.get(pk=newer.pk).settings == {"version": 3, "new": True}
    assert services.read(good.pk).version == CURRENT_VERSION


def test_a_save_during_the_upgrade_is_never_overwritten() -> None:
    user, other = older(0), older(0)
    rows = rewriting._rows(after=0, batch_size=10)
    made = [(row, rewriting._made_current(row)[0]) for row in rows]
    services.patch(user.pk, {"scanner": {"top_n": 11}}, by=user)
    with transaction.atomic():
        for row, text in made:
            assert text is not None
            rewriting._write(row, text)
    assert services.read(user.pk).document.scanner.top_n == 11
    assert services.read(user.pk).revision == 2
    assert User.objects.get(pk=other.pk).settings_version == CURRENT_VERSION


def test_the_upgrade_may_be_ended_at_any_time_and_done_again() -> None:
    users = [older(0) for _ in range(3)]
    next(rewrite_all(batch_size=1))
    versions = [User.objects.get(pk=user.pk).settings_version for user in users]
    assert versions == [CURRENT_VERSION, 0, 0]
    assert [done.username for done in rewrite_all()] == [user.username for user in users[1:]]


@pytest.mark.parametrize("size", ["0", "-1", "many"])
def test_a_batch_holds_one_row_at_least(size: str) -> None:
    with pytest.raises(CommandError, match="must be 1 or more"):
        call_command("upgrade_settings", f"--batch-size={size}")
