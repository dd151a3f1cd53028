"""The journal's projection into the history: a folded batch, its bytes, its merge."""
