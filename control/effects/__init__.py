"""What each command does, judged within its transaction: one function a command.

Rule 1: a function reads the work, records through the ledger, and gives the answer's words and the
    situation to apply; the runtime applies that behind the commit.
Rule 2: whatever cannot be done raises :class:`~control.effects.base.CommandFailed`, and then no
    situation is applied either.
"""
