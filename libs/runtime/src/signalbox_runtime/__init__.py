"""How a Signalbox service runs: two Kafka loops, outbox relay, health, metrics, logging, settings."""
