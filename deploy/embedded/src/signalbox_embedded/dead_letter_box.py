"""The topic `dead-letters` as a box: what lies in it, and sending letters back to where they came from.

A letter is named by where it lies, `partition-offset`. Sending one back and noting that it was sent is one
transaction, so no crash sends it twice; the note is a record of its own in the same topic, with the letter's
name in the header `redriven`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from signalbox_contracts import topics
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime import dead_letters
from signalbox_runtime.kafka import ConfluentKafka
from signalbox_runtime.records import Headers, Inbound, Outbound

REDRIVEN = "redriven"
REDRIVEN_FROM = "redriven-from"
_CLIENT = "signalbox-dead-letters"
_OWN_HEADERS = frozenset(
    {
        dead_letters.SOURCE_TOPIC,
        dead_letters.SOURCE_PARTITION,
        dead_letters.SOURCE_OFFSET,
        dead_letters.SERVICE,
        dead_letters.ERROR,
        dead_letters.GIVEN_UP_AT,
    }
)
_READ_AT_ONCE = 1_000
_POLL_SECONDS = 0.2
_PATIENCE_POLLS = 50


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that was given up; `headers` are its own, as it came."""

    name: str
    source_topic: str
    source_place: str
    service: str
    error: str
    given_up_at_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    redriven: bool = False


def letters_of(records: Iterable[Inbound]) -> tuple[DeadLetter, ...]:
    """The letters among the topic's records, in their order; a note marks its letter as redriven. Pure."""
    found: dict[str, DeadLetter] = {}
    notes: set[str] = set()
    for record in records:
        note = record.header(REDRIVEN)
        if note is not None:
            notes.add(note.decode(errors="replace"))
        else:
            letter = _letter(record)
            found[letter.name] = letter
    return tuple(replace(letter, redriven=letter.name in notes) for letter in found.values())


def choose(
    letters: Sequence[DeadLetter], names: Sequence[str], source_topic: str | None
) -> tuple[DeadLetter, ...]:
    """The letters to send back: the named ones, else all (of a source topic) that were not sent back yet.

    Raises: EmbeddedError for a name that no letter has, one already sent, and one without a key. Pure.
    """
    if not names:
        return tuple(
            letter
            for letter in letters
            if letter.key is not None and not letter.redriven and source_topic in (None, letter.source_topic)
        )
    by_name = {letter.name: letter for letter in letters}
    for name in names:
        letter = by_name.get(name)
        if letter is None:
            raise EmbeddedError(f"there is no dead letter {name}; signalbox dead-letters list shows them")
        if letter.redriven:
            raise EmbeddedError(
                f"dead letter {name} was sent back before; what became of it is another letter"
            )
        if letter.key is None:
            raise EmbeddedError(
                f"dead letter {name} has no key, and {letter.source_topic} needs one: publish it anew"
            )
    return tuple(by_name[name] for name in dict.fromkeys(names))


class DeadLetterBox:
    """The box of one cluster; `options` are librdkafka's.

    Raises: KafkaFailure, ServiceRefused (from signalbox_runtime.errors).
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._kafka = ConfluentKafka(options, _CLIENT)

    def read(self) -> tuple[DeadLetter, ...]:
        """Every letter still kept, oldest of each partition first."""
        offsets = self._kafka.offsets()
        places = offsets.partitions([topics.DEAD_LETTERS])
        ends = offsets.end_offsets(places)
        reader = self._kafka.reader(dict.fromkeys(places, 0))
        try:
            records: list[Inbound] = []
            for _ in range(_PATIENCE_POLLS):
                while batch := reader.read(_READ_AT_ONCE, _POLL_SECONDS):
                    records += batch
                if all(reader.position(place) >= end for place, end in ends.items()):
                    return letters_of(records)
        finally:
            reader.close()
        raise EmbeddedError(f"{topics.DEAD_LETTERS} could not be read to its end; is the cluster well?")

    def send_back(self, letters: Sequence[DeadLetter]) -> None:
        """Publish each to its source topic as it came, and note that, all in one transaction."""
        producer = self._kafka.transactional_producer(_CLIENT)
        try:
            producer.initialise()
            producer.begin()
            for letter in letters:
                assert letter.key is not None
                headers = (*letter.headers, (REDRIVEN_FROM, letter.name.encode()))
                producer.produce(Outbound(letter.source_topic, letter.key, letter.value, headers))
                note = ((REDRIVEN, letter.name.encode()),)
                producer.produce(Outbound(topics.DEAD_LETTERS, letter.key, None, note))
            producer.commit()
        finally:
            producer.destroy()


def _letter(record: Inbound) -> DeadLetter:
    def text(name: str) -> str:
        return (record.header(name) or b"").decode(errors="replace")

    topic, at_ms = text(dead_letters.SOURCE_TOPIC), text(dead_letters.GIVEN_UP_AT)
    return DeadLetter(
        name=f"{record.partition}-{record.offset}",
        source_topic=topic,
        source_place=f"{topic}-{text(dead_letters.SOURCE_PARTITION)}@{text(dead_letters.SOURCE_OFFSET)}",
        service=text(dead_letters.SERVICE),
        error=text(dead_letters.ERROR),
        given_up_at_ms=int(at_ms) if at_ms.isdecimal() else record.timestamp_ms,
        key=record.key,
        value=record.value,
        headers=tuple(header for header in record.headers if header[0] not in _OWN_HEADERS),
    )
