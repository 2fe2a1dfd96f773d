"""The native part of gearframe: reading and writing bytes."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, final, type_check_only

@type_check_only
class RecordBatches(Protocol):
    """Arrow record batches, as a frame gives them by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@type_check_only
class RecordBatch(Protocol):
    """An Arrow record batch, for whoever takes the Arrow PyCapsule interface."""

    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...

__all__ = ["Connection", "Reader", "Writer", "parse_texts"]

def parse_texts(
    values: Sequence[bytes | None], dtype: str
) -> tuple[RecordBatch, list[tuple[int, str]]]:
    """Parse texts into one column, and name the rows that do not fit with the reason."""

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

@final
class Reader:
    """A read that runs on a native thread. Freed or closed, it stops and closes its connection."""

    def __new__(
        cls,
        options: str,
        request: str,
        *,
        pattern: bytes | None = None,
        keys: Sequence[bytes] | None = None,
        stalled: Callable[[], object] | None = None,
    ) -> Reader: ...
    def next_batch(self, patience: float | None = None) -> RecordBatch | Literal[False] | None: ...
    def stats(self) -> dict[str, int]: ...
    def close(self) -> None: ...

@final
class Writer:
    """A write that runs on a native thread. Freed or closed, it stops and closes its connection."""

    def __new__(cls, options: str, request: str) -> Writer: ...
    def write(self, batch: RecordBatches | RecordBatch) -> bool: ...
    def finish(
        self, *, complete: bool = True
    ) -> tuple[int, int, list[tuple[bytes, str]], Exception | None]: ...
    def stats(self) -> dict[str, int]: ...
    def close(self) -> None: ...
