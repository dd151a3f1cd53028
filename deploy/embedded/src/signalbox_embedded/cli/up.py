"""`signalbox up`: the embedded system in the foreground."""

import asyncio
import signal
import time
from pathlib import Path

import click

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.cli.fetch import fetch_missing
from signalbox_embedded.data_folder import DataFolder
from signalbox_embedded.endpoints import Endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.service_kinds import parse_workers
from signalbox_embedded.supervisor import Service
from signalbox_embedded.system import EmbeddedSystem, Options
from signalbox_runtime.topic_admin import TopicAdminError


class TerminalReport:
    """One line for each thing that happens."""

    def ready(self, service: Service, seconds: float) -> None:
        say(f"  {service.title} is ready ({seconds:.1f} s)")

    def ended(self, service: Service, exit_code: int, restart_in_seconds: float) -> None:
        again = f"in {restart_in_seconds:.1f} s" if restart_in_seconds else "now"
        say(
            f"  {service.title} ended ({_outcome(exit_code)}), restarting {again}; log: {service.command.log}"
        )

    def noticed(self, sentence: str) -> None:
        say(f"  note: {sentence}")


@click.command()
@data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the API and the console; a free one unless set."
)
@click.option(
    "--workers", multiple=True, metavar="SERVICE=N...", help="How many processes of a service there are."
)
@click.option(
    "--brokers", type=click.Choice(["1", "3"]), default="1", show_default=True, help="How many Kafka brokers."
)
@click.argument("more_workers", nargs=-1, metavar="")
def up(
    data: Path, port: int | None, workers: tuple[str, ...], more_workers: tuple[str, ...], brokers: str
) -> None:
    """Start the embedded system and stay in the foreground; Ctrl-C stops it cleanly."""
    counts = parse_workers((*workers, *more_workers))  # `--workers a=2 b=3` gives the second as an argument
    folder = DataFolder(data.absolute())
    with folder.owned():
        fetch_missing()
        asyncio.run(_run(Options(folder.root, int(brokers), port, counts)))


async def _run(options: Options) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_stop.set)
    began = time.monotonic()
    system = EmbeddedSystem(options, TerminalReport())
    say(f"Starting Signalbox in {options.data}")
    starting = asyncio.create_task(system.start())
    stopping = asyncio.create_task(asked_to_stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            _say_ready(starting.result(), options, time.monotonic() - began)
            await stopping
        say("Stopping")
    except TopicAdminError as error:
        raise EmbeddedError(str(error)) from error
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await system.stop()
    say("Stopped")


def _say_ready(endpoints: Endpoints, options: Options, seconds: float) -> None:
    say(
        f"Signalbox is ready after {seconds:.1f} s; Ctrl-C stops it.\n"
        f"  console     {endpoints.console}\n"
        f"  API         {endpoints.api}   (key in {options.data / 'api_key'})\n"
        f"  sample CRM  {endpoints.sample_crm}\n"
        f"  mailbox     {endpoints.mailbox}/messages   (SMTP {endpoints.smtp})\n"
        f"  Kafka       {endpoints.kafka}\n"
        f"  everything  {options.data / 'endpoints.json'}"
    )


def _outcome(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else f"signal {signal.Signals(-exit_code).name}"


def say(line: str) -> None:
    """A line to the terminal at once, also when it is a file or a pipe."""
    print(line, flush=True)
