"""How Django writes what no page of ours writes itself (``FORMAT_MODULE_PATH``)."""
