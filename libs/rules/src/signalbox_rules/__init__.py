"""What a workflow means: triggers, conditions, templates and actions, with no I/O and no clock."""
