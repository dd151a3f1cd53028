"""When a waiting message goes where. Pure."""
