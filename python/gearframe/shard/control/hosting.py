"""What the control plane asks of the server it runs in.

The module ``gearframe.shard.host`` has all of it; tests have a server in memory.
"""

from __future__ import annotations

from typing import Any, Protocol

Tree = Any
"""None, bool, int, float, bytes, str, list, dict, set, and tuples tagged "simple" or "error"."""


class Host(Protocol):
    """The functions of the host that the control plane uses; none of them needs the GIL to wait."""

    def next_command(self) -> tuple[int, str, list[bytes], dict[str, Any]] | None:
        """Wait for a command: its token, name, arguments and client; None at the server's end."""
        ...

    def reply(self, token: int, tree: Tree, /) -> bool:
        """Answer a blocked client; False when it is gone."""
        ...

    def post(self, box: int, tree: Tree, /) -> bool:
        """Put a message into a mailbox; False when there is none of that number."""
        ...

    def take(self, box: int, timeout_ms: int, /) -> Tree:
        """Wait for a message; None when the time is over or the box is closed."""
        ...

    def open_box(self) -> int:
        """Make a mailbox."""
        ...

    def close_box(self, box: int, /) -> None:
        """End a mailbox; who waits at it gets None."""
        ...

    def start_interpreter(
        self, name: str, isolated: bool, module: str, function: str, arguments: list[Any], /
    ) -> None:
        """Start a thread with a new sub-interpreter that calls a function."""
        ...

    def log(self, level: str, text: str, /) -> None:
        """Write a line to the server's log; levels are debug, verbose, notice and warning."""
        ...

    def config_get(self, name: str, /) -> str | None:
        """Give the value of one of the module's settings."""
        ...

    def facts(self) -> dict[str, Any]:
        """Tell what server this is, and how much memory Python has."""
        ...

    def info_set(self, section: str, fields: dict[str, int | str], /) -> None:
        """Set what a section of INFO shows from now on."""
        ...
