"""What the embedded brokers are told."""

from pathlib import Path

import pytest

from signalbox_embedded.jars import Jar, locked
from signalbox_embedded.kafka_settings import (
    broker_settings,
    log4j_properties,
    plan_brokers,
    server_properties,
    stop_timeout_seconds,
)

ONE = plan_brokers(Path("/data"), 1, (1, 2))
THREE = plan_brokers(Path("/data"), 3, (1, 2, 3, 4, 5, 6))


def test_three_brokers_know_each_other_and_keep_three_copies() -> None:
    settings = broker_settings(THREE[1], THREE)
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:4,2@127.0.0.1:5,3@127.0.0.1:6"
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:5"
    assert settings["default.replication.factor"] == settings["offsets.topic.replication.factor"] == "3"
    assert settings["min.insync.replicas"] == settings["transaction.state.log.min.isr"] == "2"


def test_one_broker_asks_for_no_copies_it_can_not_have() -> None:
    settings = broker_settings(ONE[0], ONE)
    factors = {
        name: value for name, value in settings.items() if "replication.factor" in name or "isr" in name
    }
    assert set(factors.values()) == {"1"}


@pytest.mark.parametrize("brokers", [ONE, THREE])
def test_nothing_listens_beyond_this_machine(brokers: tuple[object, ...]) -> None:
    chosen = ONE if brokers is ONE else THREE
    for broker in chosen:
        addresses = broker_settings(broker, chosen)["listeners"].split(",")
        assert all("//127.0.0.1:" in address for address in addresses)


def test_no_path_is_in_the_settings_so_any_folder_will_do() -> None:
    text = server_properties(broker_settings(ONE[0], ONE)) + log4j_properties()
    assert str(ONE[0].folder) not in text
    assert text.isascii()


def test_only_the_last_of_several_brokers_is_not_waited_for_long() -> None:
    timeouts = [stop_timeout_seconds(broker, THREE) for broker in THREE]
    assert timeouts[0] == timeouts[1] > timeouts[2]
    assert stop_timeout_seconds(ONE[0], ONE) == timeouts[0]


def test_the_lock_names_each_jar_once_with_a_whole_hash() -> None:
    jars = locked()
    assert len({jar.coordinate for jar in jars}) == len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in jars)
    versions = {jar.coordinate.rsplit(":", 1)[1] for jar in jars if ":kafka-clients:" in jar.coordinate}
    assert versions == {"4.4.0"}


def test_a_jars_file_is_named_as_its_repository_names_it() -> None:
    assert Jar("org.apache.kafka:kafka_2.13:4.4.0", 1, "").file_name == "kafka_2.13-4.4.0.jar"
