"""What must hold while servers and workers die, sleep and come back: real processes only.

Rule 1: no hook in the product. A worker is caught at a phase of a command by what it waits for:
    the lock of a row, a unique key that is not committed yet, a Redis that takes no writes.
Rule 2: a test waits for what it can see, never for a time; the only times asserted are the two
    that are promised: a takeover within 10 s, a hand-over within 2 s.
"""
