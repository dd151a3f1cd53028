"""Workflows, versions, templates, secrets, keys, tests and backtests over HTTP."""
