"""What people ask of runs: Retry, cancel, resolve, in bulk; and what their deadlines ask."""
