"""``python -m livermore run``: what ``make run`` calls."""

from __future__ import annotations

import argparse
import contextlib
import sys

from livermore import env
from livermore.embedded.errors import StackError, disk_full, is_disk_full
from livermore.embedded.home import remove_state
from livermore.embedded.lock import locked
from livermore.embedded.process import follow_own_parent


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; a failure is one sentence and a status that is not 0."""
    parser = argparse.ArgumentParser(prog="python -m livermore", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="run everything until Ctrl-C")
    running.add_argument(
        "--follow-parent", action="store_true", help="stop when the calling process dies (Linux)"
    )
    commands.add_parser("remove-data", help="remove the state directory and its databases")
    chosen = parser.parse_args(arguments)
    try:
        environment = env.read(makes_secret_key=True)
        if chosen.command == "remove-data":
            with locked(environment.state.lock):
                remove_state(environment.state.directory)
            return 0
        if chosen.follow_parent:
            follow_own_parent()
        return _run(environment)
    except (StackError, env.EnvironmentInvalid) as error:
        return _refuse(str(error))
    except OSError as error:
        if not is_disk_full(error):
            raise
        return _refuse(str(disk_full(environment.state.directory)))


def _run(environment: env.Environment) -> int:
    # Here, so that `remove-data` works where nothing is installed.
    from livermore.supervisor.console import Console  # noqa: PLC0415
    from livermore.supervisor.run import Stopped, run  # noqa: PLC0415

    # A signal that came early: everything that had started is stopped again.
    with contextlib.suppress(Stopped):
        run(environment, Console())
    return 0


def _refuse(sentence: str) -> int:
    print(f"Livermore: {sentence}", file=sys.stderr)  # noqa: T201 - this is a command line
    return 1


if __name__ == "__main__":
    sys.exit(main())
