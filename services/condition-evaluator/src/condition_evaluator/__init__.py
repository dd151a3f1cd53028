"""Judges each candidate workflow's conditions and starts the runs that hold."""
