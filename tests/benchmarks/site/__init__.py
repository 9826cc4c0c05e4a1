"""The product's own web process, with one address and one socket more: the bare ways."""
