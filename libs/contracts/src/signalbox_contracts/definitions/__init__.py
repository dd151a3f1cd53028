"""The workflow document: its shape, limits, ids, durations, and the places of its problems."""
