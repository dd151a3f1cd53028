"""Fixtures every kind of test may ask for."""

from tests.services import database_url, kafka_bootstrap, postgres_url

__all__ = ["database_url", "kafka_bootstrap", "postgres_url"]
