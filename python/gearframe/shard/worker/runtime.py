"""The engine's runtime inside a server: its keys, its commands and its services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import GearsError
from gearframe.gears.pending import Pending
from gearframe.gears.plan import Reader
from gearframe.shard import host
from gearframe.shard.worker.arguments import from_reply, to_argv, to_bytes
from gearframe.shard.worker.asking import ask
from gearframe.shard.worker.atomic import PyAtomic, in_atomic
from gearframe.shard.worker.limits import Guard, undisturbed
from gearframe.shard.worker.output import to_log

if TYPE_CHECKING:
    from gearframe.gears.narrowing import Need

LEVELS = ("debug", "verbose", "notice", "warning")

# Commands of ours that the server answers without Python, and so without blocking.
_ANSWERED_AT_ONCE = (b"RG.CONFIGGET", b"RG.CONFIGSET")


@dataclass(frozen=True)
class Caller:
    """On whose behalf code runs.

    Attributes
    ----------
    user : str
        The ACL user whose rights its commands have.
    db : int
        The database that it sees.
    execution : str
        The execution, or the script, that it belongs to.
    session : str
        The session.
    depth : int
        How many executions and scripts, each begun by the next, it is inside of.
    """

    user: str
    db: int
    execution: str
    session: str
    depth: int = 0


class ServerRuntime:
    """What a script and its execution reach of the server; see the engine's ``Runtime``.

    Parameters
    ----------
    caller : Caller
        On whose behalf.
    guard : Guard or None
        What can end the code.
    coroutines : Pending
        Where coroutines are noted that run in it.
    """

    def __init__(self, caller: Caller, guard: Guard | None, coroutines: Pending) -> None:
        self.caller = caller
        self.coroutines = coroutines
        self._guard = guard
        self._walks: set[int] = set()
        self.cost = {"keys": 0, "lock_us": 0, "walk_us": 0, "longest_hold_us": 0}

    # -- keys --------------------------------------------------------------------------------------

    def records(self, reader: Reader, need: Need | None) -> Iterator[list[Any]]:
        """Batches of a KeysReader's records."""
        walk = undisturbed(partial(self._open, self._walk_options(reader, need)))
        try:
            while (found := _next(walk)) is not None:
                records, documents = found
                if documents:
                    _decode(records)
                yield records
        finally:
            undisturbed(partial(self._close, walk))

    def _walk_options(self, reader: Reader, need: Need | None) -> host.WalkOptions:
        fields = None if need is None else need.fields
        return {
            "pattern": to_bytes("*" if reader.argument is None else reader.argument),
            "user": self.caller.user,
            "db": self.caller.db,
            "read_value": bool(reader.options.get("readValue", True)),
            "no_scan": bool(reader.options.get("noScan", False)),
            "need": "value" if need is None else need.what,
            "fields": None if fields is None else sorted(to_bytes(field) for field in fields),
        }

    def _open(self, options: host.WalkOptions) -> int:
        walk = host.walk_open(options)
        self._walks.add(walk)
        return walk

    def _close(self, walk: int) -> None:
        if walk not in self._walks:
            return
        self._walks.discard(walk)
        cost = host.walk_close(walk)
        for name in ("keys", "lock_us", "walk_us"):
            self.cost[name] += cost[name]
        longest = max(self.cost["longest_hold_us"], cost["longest_hold_us"])
        self.cost["longest_hold_us"] = longest

    def close(self) -> None:
        """End walks that an interrupt kept from ending."""
        for walk in list(self._walks):
            self._close(walk)

    # -- commands ----------------------------------------------------------------------------------

    def execute(self, *args: Any, protocol: int = 2) -> Any:
        """Run a command with the caller's rights; an error reply raises GearsError."""
        if not args:
            return []
        argv = to_argv(args)
        if argv[0][:3].upper() == b"RG." and argv[0].upper() not in _ANSWERED_AT_ONCE:
            return self._ask_control(argv, protocol)
        done, reply = host.call(self.caller.user, self.caller.db, protocol, argv)
        if not done:
            raise GearsError(reply)
        return reply

    def _ask_control(self, argv: list[bytes], protocol: int) -> Any:
        """Let the control plane answer a command of ours: the server would have to block for it."""
        name = argv[0].decode("utf-8", "replace").upper()
        if in_atomic():
            raise GearsError(
                f"{name} can not be called inside an atomic block: others, who need the server for"
                " it, answer it; call it before or after the block"
            )
        client = {"user": self.caller.user, "db": self.caller.db, "protocol": protocol, "id": 0}
        client |= {"execution": self.caller.execution, "session": self.caller.session}
        client["depth"] = self.caller.depth
        return from_reply(ask(name, argv[1:], client, self._guard), protocol)

    def atomic(self) -> PyAtomic:
        """Let nobody else in between commands of the block."""
        return PyAtomic(self._guard)

    def in_atomic(self) -> bool:
        """Whether this thread is in an atomic block."""
        return in_atomic()

    # -- services ----------------------------------------------------------------------------------

    def log(self, text: str, level: str = "notice") -> None:
        """Write to the server's log."""
        if not isinstance(text, str):
            raise GearsError(f"a log message must be a str, not {type(text).__name__}: try str()")
        if level not in LEVELS:
            raise GearsError(f"unknown log level {level!r}; known are {', '.join(LEVELS)}")
        to_log(text, level)

    def config_get(self, name: str) -> str | None:
        """A setting of the module or the server."""
        return host.config_get(name)

    def hashtag(self) -> str:
        """A string whose slot is on this shard."""
        return str(host.facts()["hashtag"])

    def shard_id(self) -> str:
        """Who this shard is; ``"1"`` outside of a cluster."""
        facts = host.facts()
        return str(facts["shard_id"]) if facts.get("cluster") else "1"

    def async_allowed(self) -> bool:
        """Whether a step may leave its record for later: not while the server is held up."""
        return not in_atomic()


def _decode(records: list[dict[str, Any]]) -> None:
    """Turn the JSON text of documents into objects; what Python cannot hold stays text."""
    for record in records:
        value = record.get("value")
        if record.get("type") == "module" and isinstance(value, str):
            try:
                record["value"] = json.loads(value)
            except (ValueError, RecursionError):  # too deep, or a number of too many digits
                continue


def _next(walk: int) -> tuple[list[dict[str, Any]], bool] | None:
    """The next records; what the server refuses is told as it tells it."""
    try:
        return host.walk_next(walk)
    except RuntimeError as error:
        raise GearsError(str(error)) from error
