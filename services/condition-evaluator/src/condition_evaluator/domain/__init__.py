"""Judging an event and starting its runs. Pure."""
