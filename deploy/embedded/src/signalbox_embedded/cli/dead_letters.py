"""`signalbox dead-letters list`, `show` and `redrive`: what was given up, why, and how it gets another
chance.

A redrive happens once: the record goes back to its topic in one transaction with a note on `dead-letters`
that says so. Whoever redrives first takes over the one transactional id, then reads the notes to their end:
a second person finds the notes, or fences the first before anything is committed. Where the record carried
a run, that run has ended; it becomes a Retry, of which a run has one, however often it is asked for.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from signalbox_contracts import codec, topics
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import ActionRequested
from signalbox_embedded.cli.cluster import kafka_options_of
from signalbox_embedded.cli.data import data_option
from signalbox_embedded.endpoints import read_endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime.errors import KafkaFailure
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.loops import dead_letters as letterbox
from signalbox_runtime.records import Inbound, Outbound

REDRIVEN = "redriven"
REDRIVEN_AT = "redriven-at-ms"
BECAME = "became-run"
TRANSACTIONAL_ID = "signalbox-dead-letters"
_ADDED = frozenset(
    (
        *(letterbox.SOURCE_TOPIC, letterbox.SOURCE_PARTITION, letterbox.SOURCE_OFFSET),
        *(letterbox.SERVICE, letterbox.ERROR, letterbox.GIVEN_UP_AT),
    )
)
_HTTP_TIMEOUT_SECONDS = 30.0
_READ_RECORDS = 1_000
_SHOWN_BYTES = 2_000


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record on `dead-letters`, and what became of it. `place` is `partition@offset` there."""

    place: str
    source: str
    source_topic: str
    service: str
    error: str
    given_up_at_ms: int
    record: Inbound
    redriven: str | None = None
    """When and as what it was redriven; None while it lies."""

    @property
    def run_id(self) -> str | None:
        """The run that the record carried; None if it carried none."""
        if not self.source_topic.startswith("actions."):
            return None
        try:
            return codec.decode(self.record.value or b"", ActionRequested).run_id
        except UndecodableMessage:
            return None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters are meant; empty means any."""

    places: tuple[str, ...] = ()
    topic: str | None = None
    service: str | None = None
    text: str | None = None
    include_redriven: bool = False

    def selects(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is meant."""
        return (
            (not self.places or letter.place in self.places)
            and self.topic in (None, letter.source_topic)
            and self.service in (None, letter.service)
            and (self.text or "").lower() in letter.error.lower()
            and (self.include_redriven or letter.redriven is None)
        )


def read_letters(records: Iterable[Inbound]) -> list[DeadLetter]:
    """The dead letters among the topic's records, oldest first, with the notes on them."""
    letters: dict[str, DeadLetter] = {}
    notes: dict[str, str] = {}
    for record in records:
        place = f"{record.partition}@{record.offset}"
        redriven = record.header(REDRIVEN)
        if redriven is not None:
            became = _text(record, BECAME)
            moment = _moment(int(_text(record, REDRIVEN_AT) or 0))
            notes[redriven.decode()] = f"{moment} as run {became}" if became else moment
            continue
        topic = _text(record, letterbox.SOURCE_TOPIC)
        partition, offset = _text(record, letterbox.SOURCE_PARTITION), _text(record, letterbox.SOURCE_OFFSET)
        letters[place] = DeadLetter(
            place=place,
            source=f"{topic}-{partition}@{offset}",
            source_topic=topic,
            service=_text(record, letterbox.SERVICE),
            error=_text(record, letterbox.ERROR),
            given_up_at_ms=int(_text(record, letterbox.GIVEN_UP_AT) or record.timestamp_ms),
            record=record,
        )
    found = (msgspec.structs.replace(letter, redriven=notes.get(place)) for place, letter in letters.items())
    return sorted(found, key=lambda letter: (letter.given_up_at_ms, letter.place))


def redrive_records(letter: DeadLetter, became: str | None, at_ms: int) -> list[Outbound]:
    """What a redrive writes: the record back to its topic unless a run took its place, and the note."""
    note = [(REDRIVEN, letter.place.encode()), (REDRIVEN_AT, str(at_ms).encode())]
    if became is not None:
        note.append((BECAME, became.encode()))
    records = [Outbound(topics.DEAD_LETTERS, letter.record.key, None, tuple(note))]
    if became is None:
        own = tuple(header for header in letter.record.headers if header[0] not in _ADDED)
        records.insert(0, Outbound(letter.source_topic, letter.record.key, letter.record.value, own))
    return records


def redrive_all(
    kafka: Kafka, wanted: Filter, retry: Callable[[str], str], now_ms: Callable[[], int]
) -> Iterator[tuple[DeadLetter, str]]:
    """Redrives what `wanted` selects, one transaction each; yields each with what became of it.

    `retry` starts the Retry of a run and returns its id; an EmbeddedError of it leaves the letter where it
    is.
    """
    producer = kafka.transactional_producer(TRANSACTIONAL_ID)
    try:
        producer.initialise()  # before the notes are read: whoever redrove until now can commit no more
        for letter in filter(wanted.selects, read_letters(read_topic(kafka))):
            try:
                became = retry(letter.run_id) if letter.run_id else None
            except EmbeddedError as error:
                yield letter, f"left where it is: {error}"
                continue
            producer.begin()
            for record in redrive_records(letter, became, now_ms()):
                producer.produce(record)
            producer.commit()
            yield letter, f"runs again as {became}" if became else f"sent to {letter.source_topic}"
    finally:
        producer.destroy()


def read_topic(kafka: Kafka) -> list[Inbound]:
    """Everything on `dead-letters`."""
    queries = kafka.offsets()
    places = queries.partitions([topics.DEAD_LETTERS])
    ends, begins = queries.end_offsets(places), queries.begin_offsets(places)
    unread = {place for place in places if begins[place] < ends[place]}
    found: list[Inbound] = []
    if unread:
        reader = kafka.reader({place: begins[place] for place in unread})
        while unread:
            found += reader.read(_READ_RECORDS, 1.0)
            unread = {place for place in unread if reader.position(place) < ends[place]}
        reader.close()
    return found


_filters: Sequence[Callable[[Any], Any]] = (
    click.option("--topic", help="Only from this topic."),
    click.option("--service", help="Only given up by this service."),
    click.option("--text", help="Only with this in the reason."),
)


def _filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_filters):
        command = option(command)
    return command


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at records that were given up, and give them another chance."""


@dead_letters.command("list")
@data_option
@_filtered
@click.option("--all", "include_redriven", is_flag=True, help="Also those that were redriven.")
def list_command(data: Path, **wanted: Any) -> None:
    """Oldest first: place, when, from where, by whom, why."""
    with _kafka(data) as kafka:
        letters = [letter for letter in read_letters(read_topic(kafka)) if Filter(**wanted).selects(letter)]
    for letter in letters:
        ending = f"  (redriven {letter.redriven})" if letter.redriven else ""
        print(
            f"{letter.place:<8} {_moment(letter.given_up_at_ms)}  {letter.source}  "
            f"{letter.service}: {letter.error}{ending}"
        )
    if not letters:
        print("No dead letter matches.")


@dead_letters.command()
@data_option
@click.argument("place")
def show(data: Path, place: str) -> None:
    """One dead letter with its headers and the beginning of its bytes. PLACE is as `list` gives it."""
    with _kafka(data) as kafka:
        letter = next((one for one in read_letters(read_topic(kafka)) if one.place == place), None)
    if letter is None:
        raise EmbeddedError(f"there is no dead letter at {place}; `signalbox dead-letters list` names them")
    value = letter.record.value or b""
    print(f"{letter.source}, given up by {letter.service} at {_moment(letter.given_up_at_ms)}")
    print(f"  because: {letter.error}")
    if letter.run_id:
        print(f"  run: {letter.run_id}")
    if letter.redriven:
        print(f"  redriven: {letter.redriven}")
    print(f"  key: {_shown(letter.record.key or b'')}")
    for name, content in letter.record.headers:
        if name not in _ADDED:
            print(f"  {name}: {_shown(content)}")
    print(f"  {len(value):,} bytes: {_shown(value[:_SHOWN_BYTES])}")


@dead_letters.command()
@data_option
@click.argument("places", nargs=-1)
@_filtered
@click.option("--every", is_flag=True, help="All of them, where neither places nor filters are given.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def redrive(data: Path, places: tuple[str, ...], every: bool, dry_run: bool, **wanted: Any) -> None:
    """Send records back to where they came from, each once; a run's becomes a Retry of that run."""
    if not (places or every or any(wanted.values())):
        raise EmbeddedError("say which: places as `list` gives them, a filter, or --every")
    chosen = Filter(places=places, **wanted)
    with _kafka(data) as kafka:
        if dry_run:
            for letter in filter(chosen.selects, read_letters(read_topic(kafka))):
                run_id = letter.run_id
                way = f"retry run {run_id}" if run_id else f"send to {letter.source_topic}"
                print(f"{letter.place:<8} would {way}")
            return
        count = 0
        for letter, outcome in redrive_all(kafka, chosen, lambda run: _retry(data, run), _now_ms):
            print(f"{letter.place:<8} {outcome}")
            count += 1
    if not count:
        print("Nothing to redrive.")


def _retry(data: Path, run_id: str) -> str:
    endpoints = read_endpoints(data.absolute() / "endpoints.json")
    try:
        answer = httpx.post(
            f"{endpoints.api}/v1/runs/{run_id}/retry",
            json={"version": "pinned"},
            headers={"Authorization": f"Bearer {endpoints.api_key}"},
            timeout=_HTTP_TIMEOUT_SECONDS,
            trust_env=False,
        )
    except httpx.TransportError as error:
        raise EmbeddedError(f"{endpoints.api} does not answer ({error})") from error
    if answer.is_error:
        is_problem = "application/problem+json" in answer.headers.get("content-type", "")
        raise EmbeddedError(
            answer.json()["detail"] if is_problem else f"the API answered {answer.status_code}"
        )
    return str(answer.json()["id"])


@contextmanager
def _kafka(data: Path) -> Iterator[Kafka]:
    try:
        yield ConfluentKafka(kafka_options_of(data), TRANSACTIONAL_ID)
    except KafkaFailure as error:
        raise EmbeddedError(f"{error} What is listed as redriven is done; ask again for the rest.") from error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _text(record: Inbound, name: str) -> str:
    return (record.header(name) or b"").decode("utf-8", errors="replace")


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", errors="backslashreplace")
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
