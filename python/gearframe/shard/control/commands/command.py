"""What a command is to the table of commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gearframe.shard.control.arguments import Call
from gearframe.shard.control.control import Control
from gearframe.shard.control.hosting import Tree

Handler = Callable[[Control, Call], Tree]


@dataclass(frozen=True)
class Command:
    """A handler, and how many arguments it takes at least and at most.

    The handler is called with the control plane's lock held; one that is `alone` takes it itself,
    since it does what takes long in between, on a thread for such commands. It returns the reply,
    or ``LATER``.
    """

    handler: Handler
    least: int = 0
    most: int | None = None
    alone: bool = False

    def takes(self, number: int) -> bool:
        """Whether a number of arguments is right."""
        return self.least <= number and (self.most is None or number <= self.most)
