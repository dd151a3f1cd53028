"""`signalbox dead-letters list`, `show` and `redrive`: records that were given up."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from signalbox_contracts import codec
from signalbox_contracts.errors import ContractError
from signalbox_contracts.messages import ActionRequested
from signalbox_embedded.cli.data import data_option, kafka_options_of
from signalbox_embedded.dead_letter_box import DeadLetter, DeadLetterBox, choose
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime.errors import RuntimeFailure

_SHOWN_BYTES = 4_000


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at records that were given up, and send them back.

    The cluster is the one that SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS names, else the embedded one of --data.
    """


@dead_letters.command("list")
@data_option
@click.option("--topic", help="Only of this source topic.")
@click.option("--redriven", is_flag=True, help="Also those that were sent back.")
def list_command(data: Path, topic: str | None, redriven: bool) -> None:
    """A line each: name, time, where it came from, and why it was given up."""
    with _box(data) as box:
        letters = [
            letter
            for letter in box.read()
            if topic in (None, letter.source_topic) and (redriven or not letter.redriven)
        ]
    for letter in letters:
        sent_back = "  (sent back)" if letter.redriven else ""
        print(f"{letter.name:<8} {_time(letter)}  {letter.source_place}  {letter.error}{sent_back}")
    if not letters:
        print("No dead letter.")


@dead_letters.command()
@data_option
@click.argument("name")
def show(data: Path, name: str) -> None:
    """One letter whole: key, headers and value."""
    with _box(data) as box:
        letter = next((letter for letter in box.read() if letter.name == name), None)
    if letter is None:
        raise EmbeddedError(f"there is no dead letter {name}; signalbox dead-letters list shows them")
    print(f"{letter.name}, given up {_time(letter)} by {letter.service}: {letter.error}")
    print(f"from    {letter.source_place}")
    print(f"key     {_readable(letter.key)}")
    for header, value in letter.headers:
        print(f"header  {header}: {_readable(value)}")
    print(f"value   {_readable(letter.value)}")


@dead_letters.command()
@data_option
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Every letter that was not sent back yet.")
@click.option("--topic", help="With --all: only of this source topic.")
def redrive(data: Path, names: tuple[str, ...], every: bool, topic: str | None) -> None:
    """Send letters back to the topics they came from, once: a second call leaves out what was sent."""
    if bool(names) == every:
        raise EmbeddedError("name the letters to send back, or give --all")
    with _box(data) as box:
        chosen = choose(box.read(), names, topic)
        for letter in chosen:
            _refuse_token(letter)
        if chosen:
            box.send_back(chosen)
    for letter in chosen:
        print(f"{letter.name} sent back to {letter.source_topic}")
    print(f"{len(chosen)} letters sent back.")


@contextmanager
def _box(data: Path) -> Iterator[DeadLetterBox]:
    try:
        yield DeadLetterBox(kafka_options_of(data))
    except RuntimeFailure as error:
        raise EmbeddedError(str(error)) from error


def _refuse_token(letter: DeadLetter) -> None:
    """A token that was given up has ended its run: another one comes by Retry, which knows what was done."""
    try:
        message = codec.decode_any(letter.value or b"")
    except ContractError:
        return
    if isinstance(message, ActionRequested):
        raise EmbeddedError(
            f"dead letter {letter.name} is the token of run {message.run_id}, which has failed with it; "
            f"repeat the run instead: signalbox runs retry {message.run_id}"
        )


def _time(letter: DeadLetter) -> str:
    moment = datetime.fromtimestamp(letter.given_up_at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _readable(content: bytes | None) -> str:
    """Bytes for a terminal: text where they are text, the message where they are one, else hexadecimal."""
    if content is None:
        return "(none)"
    try:
        return str(codec.decode_any(content))[:_SHOWN_BYTES]
    except ContractError:
        text = content.decode(errors="replace")
        return (text if text.isprintable() else content.hex())[:_SHOWN_BYTES]
