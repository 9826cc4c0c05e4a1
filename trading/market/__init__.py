"""Market data shared by every user: who wants which market, its series, its history.

Rule 1: one connection, one series and one request for each market, however many users want it.
Rule 2: an exchange's clock is read from its frames; this host's clock only paces retries.
"""
