"""The stage on a real Kafka."""

from collections.abc import Sequence
from time import monotonic, sleep

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.broker import CommittedOffset, Kafka
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION
from signalbox_runtime.records import Headers, Inbound, TopicPartition
from signalbox_runtime.testing.stage import new_name
from signalbox_runtime.testing.waiting import PATIENCE_SECONDS, eventually

_TIMEOUT_SECONDS = 10.0


class KafkaStage:
    """Fulfils stage.Stage on the brokers at `bootstrap`."""

    rejoin_seconds = 4.0
    hold_ms = 3_000

    def __init__(self, bootstrap: str) -> None:
        self._options = {BOOTSTRAP_OPTION: bootstrap}
        self.kafka: Kafka = ConfluentKafka(self._options, "stage")
        self._offsets = self.kafka.offsets()
        self._admin = AdminClient({**self._options})
        self._producer = Producer({**self._options})

    def new_topic(self, partitions: int = 1) -> str:
        topic = new_name("topic")
        made = self._admin.create_topics([NewTopic(topic, partitions, 1)])
        made[topic].result(_TIMEOUT_SECONDS)
        # The controller made it; the broker learns of it a moment later.
        eventually(lambda: topic in self._admin.list_topics(timeout=_TIMEOUT_SECONDS).topics, topic)
        return topic

    def new_group(self, topics: Sequence[str]) -> str:
        group = new_name("group")
        places = self._offsets.partitions(topics)
        offsets = [KafkaPartition(*place, 0) for place in places]
        consumer = Consumer({**self._options, "group.id": group})

        def is_committed() -> bool:
            # The coordinator of a new group may not be there yet.
            try:
                consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException:
                return False
            return True

        eventually(is_committed, f"the first offsets of {group}")
        consumer.close()
        return group

    def send(self, topic: str, partition: int, values: Sequence[bytes], headers: Headers = ()) -> None:
        for value in values:
            self._producer.produce(topic, value, value, partition, headers=list(headers) or None)
        left = self._producer.flush(_TIMEOUT_SECONDS)
        assert left == 0, f"{left} records were not sent"

    def fill(self, topic: str, partition: int, value: bytes, count: int) -> None:
        """Publishes `value` many times under different keys, fast."""
        for number in range(count):
            self._producer.produce(topic, value, b"acme/leads/%d" % number, partition)
            if number % 10_000 == 0:
                self._producer.poll(0.1)
        left = self._producer.flush(_TIMEOUT_SECONDS * 3)
        assert left == 0, f"{left} records were not sent"

    def records(self, topic: str) -> list[Inbound]:
        places, begins, ends = self._bounds(topic)
        unread = {place for place in places if begins[place] < ends[place]}
        found: list[Inbound] = []
        if unread:
            reader = self.kafka.reader({place: begins[place] for place in unread})
            while unread:
                found += reader.read(10_000, _TIMEOUT_SECONDS)
                unread = {place for place in unread if reader.position(place) < ends[place]}
            reader.close()
        return sorted(found, key=lambda inbound: (inbound.partition, inbound.offset))

    def _bounds(
        self, topic: str
    ) -> tuple[Sequence[TopicPartition], dict[TopicPartition, int], dict[TopicPartition, int]]:
        """The partitions of `topic`, and where they begin and end; asked again while a broker comes back."""
        give_up_at = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                places = self._offsets.partitions([topic])
                return places, self._offsets.begin_offsets(places), self._offsets.end_offsets(places)
            except KafkaUnavailable:
                if monotonic() > give_up_at:
                    raise
                sleep(0.2)

    def committed(self, group: str, topic: str) -> dict[int, CommittedOffset]:
        consumer = self.kafka.group_consumer(group)
        offsets = consumer.committed(self._offsets.partitions([topic]))
        consumer.close()
        return {place.partition: offset for place, offset in offsets.items()}

    def delete_before(self, place: TopicPartition, offset: int) -> None:
        asked = KafkaPartition(*place, offset)
        self._admin.delete_records([asked])[asked].result(_TIMEOUT_SECONDS)
