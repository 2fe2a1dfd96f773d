"""Standard output as rich writes it, and what is said beside it."""

from __future__ import annotations

import sys

from rich.console import Console


class Output(Console):
    """Standard output without rich's own colours for numbers and its own way to end."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to ``exits.run``; rich would end the program with the code 1."""
        raise BrokenPipeError


def tell(text: str) -> None:
    """Say something on standard error, where it does not mix with the data."""
    print(text, file=sys.stderr)
