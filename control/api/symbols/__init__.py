"""Symbols over HTTP: the watchlist, what exchanges list, imports, the scanner, the charts.

Rule 1: what reads an address that something else changes is registered on the same router: of two
    routers with one address the first answers, and refuses what only the second has.
"""
