"""`signalbox demo`: the embedded system, and a story on it."""

import asyncio
import os
from pathlib import Path

import click
import msgspec
from rich.console import Console

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.cli.foreground import run_in_foreground
from signalbox_embedded.demo.story import tell
from signalbox_embedded.endpoints import Endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.sign_in_link import sign_in_link
from signalbox_embedded.system import Options

ALLOW_HOSTS = "SIGNALBOX_WEBHOOK_ALLOW_HOSTS"
RECEIVER_HOST = "127.0.0.1"


@click.command()
@data_option
@click.option("--exit", "and_exit", is_flag=True, help="End after the story: 0 if every step of it held.")
def demo(data: Path, and_exit: bool) -> None:
    """Start the embedded system and tell a story on real events, each effect read back from outside."""
    options = Options(data.absolute())
    os.environ[ALLOW_HOSTS] = ",".join(filter(None, (os.environ.get(ALLOW_HOSTS), RECEIVER_HOST)))

    async def story(endpoints: Endpoints) -> None:
        held = await asyncio.to_thread(tell, msgspec.to_builtins(endpoints), Console())
        if and_exit:
            if not held:
                raise EmbeddedError("the story broke off; the logs are in " + str(options.data / "logs"))
            return
        link = await asyncio.to_thread(sign_in_link, endpoints)
        print(
            "\nLook at it in the console; this link signs you in once, within 15 minutes:\n"
            f"  {link}\n"
            f"It stays up: {endpoints.api} is the API, {endpoints.sample_crm} the CRM. Ctrl-C stops it.",
            flush=True,
        )
        await asyncio.Event().wait()

    run_in_foreground(options, story)
