"""The operators of conditions: a file per family, and the registry that names them all."""
