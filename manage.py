#!/usr/bin/env python
"""Django's command line, which finds the running stack by itself."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run one command; without the servers it needs, say how to start them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "livermore.settings")

    from livermore.preflight import obstacle  # noqa: PLC0415 - after the settings' name is known

    if "runtime" in sys.argv[1:2]:
        # The worker's few threads come and go with their connections; a pool keeps those.
        os.environ.setdefault("LIVERMORE_DATABASE_POOL", "5")
    reason = obstacle(sys.argv)
    if reason is not None:
        print(reason, file=sys.stderr)  # noqa: T201 - this is a command line
        return 1

    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
