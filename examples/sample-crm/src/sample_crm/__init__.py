"""A small CRM that publishes events and applies commands, for the demo, the tests and integrators to copy."""
