"""The control plane: commands, leases, runtimes and what a browser is told of them."""
