"""Rebuilds the history from the journal, beside the one in use."""
