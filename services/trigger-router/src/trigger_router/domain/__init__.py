"""Which workflows an event starts. Pure."""
