"""Kafka by librdkafka: the interfaces that loops know, the clients behind them, topics and offsets."""
