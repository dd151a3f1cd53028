"""Drops and rewrites what the history keeps no longer."""
