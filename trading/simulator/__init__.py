"""A simulated exchange that speaks the real protocol, for the demo, the tests and benchmarks.

The rooms, from the inside out; each knows only those above it:

    chance, steps       hashed noise; integers and the decimals an exchange writes
    catalog             what is listed
    days, minutes, tape the world drawn top-down: a day, its minutes, their trades
    played              a recorded candle file in the place of drawn minutes
    interventions       what is done to the world on order: spikes, silences, amendments
    drawings            all of that together, as it is drawn and kept
    world               questions to the world: candles, trades, books, statistics
    holdings            what the owner of a key holds of it
    clock, limits, faults  simulated time, token buckets, what is broken on purpose
    venues/<name>       one exchange's frames and REST bodies, sans-I/O
    server              sockets: the only room that does I/O

Rule 1: everything up to ``venues`` is a pure function of the seed, the time it is given and what
    was done to it on order; a restart with the same shows the same world.
Rule 2: prices and sizes are integers (steps of the product) until they are written as text.
"""
