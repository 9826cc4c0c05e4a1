"""Coinbase Advanced Trade: public REST and WebSocket, as production was seen to speak in 2026.

    rows        one product, trade, ticker, candle as its JSON object
    rest        paths, parameters, error bodies
    session     one WebSocket connection: envelope, subscriptions, cadences
    venue       both together, with the limits

Rule 1: every number in JSON is a string, except where a row says otherwise.
"""
