"""How the story is told on a terminal."""

import time

from rich.console import Console


class Telling:
    """Prints as it happens: what was done, what was seen, how long it took since the start."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[bold]{title}[/bold]")

    def did(self, what: str) -> None:
        """Something the story did."""
        self._line("→", what)

    def saw(self, what: str) -> None:
        """Something read back from outside."""
        self._line("[green]✓[/green]", what)

    def failed(self, what: str) -> None:
        self._line("[red]✗[/red]", what)

    def _line(self, mark: str, what: str) -> None:
        seconds = time.monotonic() - self._began
        self._console.print(f"  [dim]{seconds:5.1f} s[/dim] {mark} {what}", highlight=False, soft_wrap=True)
