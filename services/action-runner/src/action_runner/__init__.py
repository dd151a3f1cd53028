"""Executes actions in order and passes each run's token on."""
