"""Input and output: HTTP, SMTP, name resolution."""
