"""The embedded system in the foreground of a terminal, until Ctrl-C or SIGTERM."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from signalbox_embedded.cli.fetch import fetch_missing
from signalbox_embedded.data_folder import DataFolder
from signalbox_embedded.endpoints import Endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.sign_in_link import sign_in_link
from signalbox_embedded.supervisor import Service
from signalbox_embedded.system import EmbeddedSystem, Options
from signalbox_runtime.errors import TopicAdminError

AfterReady = Callable[[Endpoints], Awaitable[None]]
"""What a command does once everything is ready; the system stops when it returns, or when it is asked to."""


class TerminalReport:
    """One line for each thing that happens."""

    def ready(self, service: Service, seconds: float) -> None:
        say(f"  {service.title} is ready ({seconds:.1f} s)")

    def ended(self, service: Service, outcome: str, restart_in_seconds: float) -> None:
        again = f"in {restart_in_seconds:.1f} s" if restart_in_seconds else "now"
        say(f"  {service.title} ended ({outcome}), restarting {again}; log: {service.command.log}")

    def noticed(self, sentence: str) -> None:
        say(f"  note: {sentence}")


def run_in_foreground(options: Options, after_ready: AfterReady | None = None) -> None:
    """Start the system, do what the command is for (or wait for Ctrl-C), and stop everything cleanly."""
    with DataFolder(options.data).owned():
        fetch_missing()
        asyncio.run(_run(options, after_ready or _wait_for_ever))


async def _wait_for_ever(_: Endpoints) -> None:
    await asyncio.Event().wait()


async def _run(options: Options, after_ready: AfterReady) -> None:
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
            endpoints = starting.result()
            ready_after_seconds = time.monotonic() - began
            link = await asyncio.to_thread(sign_in_link, endpoints)
            _say_ready(endpoints, options, ready_after_seconds, link)
            working = asyncio.ensure_future(after_ready(endpoints))
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        say("Stopping")
    except TopicAdminError as error:
        raise EmbeddedError(str(error)) from error
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await system.stop()
    say("Stopped")


def _say_ready(endpoints: Endpoints, options: Options, seconds: float, link: str) -> None:
    say(
        f"Signalbox is ready after {seconds:.1f} s; Ctrl-C stops it.\n"
        f"  console     {link}   (signs in once, within 15 minutes)\n"
        f"  API         {endpoints.api}   (key in {options.data / 'api_key'})\n"
        f"  sample CRM  {endpoints.sample_crm}\n"
        f"  mailbox     {endpoints.mailbox}/messages   (SMTP {endpoints.smtp})\n"
        f"  Kafka       {endpoints.kafka}\n"
        f"  everything  {options.data / 'endpoints.json'}"
    )


def say(line: str) -> None:
    """A line to the terminal at once, also when it is a file or a pipe; a reader that left misses it."""
    with suppress(BrokenPipeError):
        print(line, flush=True)
