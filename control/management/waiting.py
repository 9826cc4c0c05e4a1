"""How long a command line waits for an answer."""

from __future__ import annotations

from argparse import ArgumentTypeError

LONGEST_SECONDS = 3_600.0


def seconds(text: str) -> float:
    """What ``--wait`` takes: neither less than no time nor longer than a socket can wait.

    Raises:
        ArgumentTypeError: If it is not a number of seconds up to an hour.
    """
    rule = f"must be a number of seconds from 0 to {LONGEST_SECONDS:g}, such as 5"
    try:
        wait = float(text)
    except ValueError:
        raise ArgumentTypeError(rule) from None
    if not 0 <= wait <= LONGEST_SECONDS:  # also what is no number
        raise ArgumentTypeError(rule)
    return wait
