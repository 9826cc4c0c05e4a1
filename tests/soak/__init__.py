"""``make soak``: a simulated day, quickened, with faults throughout, and a verdict at the end.

A real worker on real servers watches every simulated exchange at once; workers and exchanges are
killed and continued. What stands in PostgreSQL and Redis afterwards is held against what the true
candles of each exchange say, computed offline by the pipeline that plays recordings.

Rule 1: a seed brings back the faults, and with ``--at`` the world too; when they strike is the
    machine's affair.
Rule 2: a difference is a violation unless a rule of :mod:`tests.soak.verdict` explains it;
    what was explained is counted and told.
Rule 3: what breaks at one exchange is no excuse for another.
"""
