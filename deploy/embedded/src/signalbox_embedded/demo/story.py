"""Tells the story from its first chapter to its last."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from signalbox_embedded.demo.chapters import CHAPTERS, Story
from signalbox_embedded.demo.outside import Outside, StepFailed
from signalbox_embedded.demo.telling import Telling


def tell(endpoints: Mapping[str, Any], console: Console) -> bool:
    """Tells every chapter to its end or to the first step that did not hold; whether all held."""
    telling = Telling(console)
    with Outside(endpoints) as outside:
        story = Story(outside, telling)
        story.clear_away()
        for title, chapter in CHAPTERS:
            telling.chapter(title)
            try:
                chapter(story)
            except StepFailed as failure:
                telling.failed(str(failure))
                return False
    console.print(
        "\nEvery step was read back from outside: the mailbox, the receiver, the CRM and the ledger.",
        soft_wrap=True,
    )
    return True
