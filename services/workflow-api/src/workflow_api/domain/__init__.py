"""What a workflow's life is, pure: documents, states, plans. No I/O, no clock."""
