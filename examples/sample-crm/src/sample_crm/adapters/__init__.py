"""PostgreSQL, Kafka and HTTP around the domain."""
