"""One file per kind of action; `registry.ACTIONS` lists them."""
