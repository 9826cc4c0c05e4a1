"""Market data, indicators, signals and alerts: everything that knows what a candle is.

Rule 1: nothing here imports settings_app, control or livermore; decisions arrive as arguments,
    facts leave through the ports of :mod:`trading.ports`.
Rule 2: ``trading.core`` and ``trading.exchanges`` do no I/O and read no clock.
"""
