"""The native part of gearframe: reading and writing bytes."""

from typing import final

__all__ = ["Connection"]

@final
class Connection:
    """A connection for control commands; `gearframe.client.Client` holds one."""

    def __new__(cls, options_json: str) -> Connection: ...
    def execute(self, args: list[bytes]) -> object:
        """Send one command and return its reply."""

    def is_alive(self) -> bool:
        """Whether the server has kept the connection open."""

    def close(self) -> None:
        """End a command that another thread waits for, and close."""

    @property
    def server_name(self) -> str:
        """`redis` or `valkey`."""

    @property
    def server_version(self) -> str:
        """Such as `8.2.1`; empty where the ACL hides it."""

    @property
    def server_mode(self) -> str:
        """`standalone`, `cluster` or `sentinel`; empty where the ACL hides it."""

    @property
    def protocol(self) -> int:
        """2 or 3."""
