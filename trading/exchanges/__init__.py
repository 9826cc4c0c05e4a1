"""One folder for each exchange, sans-I/O: bytes in, events out."""
