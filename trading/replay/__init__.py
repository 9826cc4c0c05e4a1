"""Recordings through the pipeline that runs live: exact candles, exact signals, no running stack.

Rule 1: nothing here folds a candle, moves an indicator or finds a signal: the core and a desk do.
Rule 2: nothing can be fetched: what a recording lacks is said, and told from what it has.
"""
