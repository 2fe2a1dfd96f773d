"""``gearframe gears ps`` and ``sessions``: what a server's module knows of."""

from __future__ import annotations

from typing import Any

import polars as pl

from gearframe.cli.connection import ConnectionOptions
from gearframe.cli.console import Output, tell
from gearframe.cli.gears.run import LOCAL
from gearframe.cli.tables import print_table
from gearframe.exceptions import ProtocolError
from gearframe.gears.backends.local import converted
from gearframe.gears.backends.module import ask

_SESSION = {
    "ID": "id",
    "sessionDescription": "description",
    "refCount": "references",
    "dead": "dead",
    "requirements": "requirements",
    "registrations": "registrations",
}


def ps(*, url: str = LOCAL, connection: ConnectionOptions | None = None) -> None:
    """List the executions that the server knows of: those that run, and the last that are done.

    For example: `gearframe gears ps --url redis://localhost`

    Parameters
    ----------
    url
        The server: `redis://host:6379/0`, `rediss://` for TLS, `unix:///path`.
    """
    with (connection or ConnectionOptions()).connect(url) as client:
        rows = [_pairs(item) for item in _items(ask(client, "RG.DUMPEXECUTIONS"))]
    _print(
        {
            "execution": [str(row.get("executionId")) for row in rows],
            "status": [str(row.get("status")) for row in rows],
            "registered": [bool(row.get("registered")) for row in rows],
        },
        "no execution",
    )


def sessions(*, url: str = LOCAL, connection: ConnectionOptions | None = None) -> None:
    """List the sessions: one for each script that was sent.

    For example: `gearframe gears sessions --url redis://localhost`

    Parameters
    ----------
    url
        The server.
    """
    with (connection or ConnectionOptions()).connect(url) as client:
        rows = [_pairs(item) for item in _items(ask(client, "RG.PYDUMPSESSIONS"))]
    columns = {name: [_cell(row.get(theirs)) for row in rows] for theirs, name in _SESSION.items()}
    _print(columns, "no session")


def _items(reply: object) -> list[Any]:
    found = converted(reply)
    if not isinstance(found, list):
        raise ProtocolError(f"expected a list from the server, and got {found!r}")
    return found


def _pairs(item: Any) -> dict[str, Any]:
    """Read an item: a map in RESP3, names and values in turn in RESP2."""
    if isinstance(item, dict):
        return {str(name): value for name, value in item.items()}
    if not isinstance(item, list) or len(item) % 2:
        raise ProtocolError(f"expected names and values in turn from the server, and got {item!r}")
    return {str(name): value for name, value in zip(item[::2], item[1::2], strict=True)}


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print(columns: dict[str, list[Any]], nothing: str) -> None:
    if not any(columns.values()):
        tell(nothing)
        return
    print_table(pl.DataFrame(columns), Output())
