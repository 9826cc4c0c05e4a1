"""What stands between a management command and its servers, said before Django is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from livermore import env, servers

# Commands that touch neither server. Everything else is told at once when there is none.
_NEED_NO_SERVER = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "makemigrations",
        "replay",
        "settings_reference",
        "startapp",
        "test",
        "version",
    }
)
_START_ONE = "start one with `make run`, or set DATABASE_URL and REDIS_URL."


def obstacle(arguments: Sequence[str]) -> str | None:
    """Why this command line cannot be carried out, and what to do; None if it can be tried."""
    command = arguments[1] if len(arguments) > 1 else "help"
    try:
        environment = env.read()
    except env.EnvironmentInvalid as error:
        return str(error)
    if command in _NEED_NO_SERVER or command.startswith("-") or "--help" in arguments:
        return None
    if environment.database_url is None or environment.redis_url is None:
        missing = "database" if environment.database_url is None else "Redis"
        return f"Livermore is not running here (no {missing} for `{command}`): {_START_ONE}"
    return servers.database_obstacle(environment.database_url) or servers.redis_obstacle(
        environment.redis_url
    )
