"""How quick the parts are that must be quick: figures to read, never a test that fails by chance.

`make bench` runs all of them, `make bench ARGS="settings-read"` one.
"""
