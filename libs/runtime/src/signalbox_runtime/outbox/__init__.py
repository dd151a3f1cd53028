"""The transactional outbox: rows written with the change they announce, sent to Kafka once and in order."""
