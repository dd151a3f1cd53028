"""The servers that the fixtures give are what the design asks for."""

import psycopg
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]


def test_the_database_of_a_module_is_empty_and_separate(database_url: str, postgres_url: str) -> None:
    assert database_url != postgres_url
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_the_broker_keeps_an_idle_groups_offsets_for_ten_years(kafka_bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    broker = str(next(iter(admin.list_topics(timeout=5).brokers)))
    resource = ConfigResource(ResourceType.BROKER, broker)
    settings = admin.describe_configs([resource])[resource].result(timeout=5)
    assert int(settings["offsets.retention.minutes"].value) == 5_256_000
