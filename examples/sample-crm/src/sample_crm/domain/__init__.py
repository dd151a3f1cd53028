"""What the CRM means: records, their changes, and commands. No I/O, no clock."""
