"""Reads the history: lists, one run, timeline, figures, runs past their time."""
