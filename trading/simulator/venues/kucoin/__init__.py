"""KuCoin spot, as the simulator plays it: the market data over WebSocket and REST, and accounts.

Rule 1: the venue's peculiarities are here; what happens in its markets is the world's.
Rule 2: as strict as the venue: a token for each connection, pings in time, weighed requests.
"""
