"""The private PostgreSQL and Valkey of ``make run`` and of the tests.

Rule 1: what belongs here starts, finds, watches and stops database servers on this machine; what
    they are used for does not.
Rule 2: whatever goes wrong is one `StackError`: a sentence that says what to do.
Rule 3: servers bind 127.0.0.1 only, ask for a password, and follow their supervisor into death.
"""
