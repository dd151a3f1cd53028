"""Where the history meets Kafka, PostgreSQL and HTTP."""
