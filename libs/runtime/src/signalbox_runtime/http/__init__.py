"""What Signalbox's APIs share: the application, who calls, problems, idempotency, paging."""
