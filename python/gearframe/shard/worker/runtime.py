"""The engine's runtime inside a server: its keys, its commands and its services."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import GearsError, GearsForceStopped
from gearframe.gears.plan import Reader
from gearframe.shard import host
from gearframe.shard.worker.arguments import from_reply, to_argv, to_bytes
from gearframe.shard.worker.atomic import PyAtomic, in_atomic
from gearframe.shard.worker.limits import Guard
from gearframe.shard.worker.output import to_log

if TYPE_CHECKING:
    from gearframe.gears.narrowing import Need

LEVELS = ("debug", "verbose", "notice", "warning")

# Commands of ours that the server answers without Python, and so without blocking.
_ANSWERED_AT_ONCE = (b"RG.CONFIGGET", b"RG.CONFIGSET")

_CONTROL = 0  # the control plane's mailbox
_COMMAND_SECONDS = 60.0
_SLICE_MS = 100  # between two looks at whether the code was told to end


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
    """

    def __init__(self, caller: Caller, guard: Guard | None) -> None:
        self.caller = caller
        self._guard = guard
        self._walks: set[int] = set()
        self._asked: set[int] = set()  # mailboxes where the thread of the job waits for an answer
        self.cost = {"keys": 0, "lock_us": 0, "walk_us": 0, "longest_hold_us": 0}

    # -- keys --------------------------------------------------------------------------------------

    def records(self, reader: Reader, need: Need | None) -> Iterator[list[Any]]:
        """Batches of a KeysReader's records."""
        walk = host.walk_open(self._walk_options(reader, need))
        self._walks.add(walk)
        try:
            while (found := _next(walk)) is not None:
                records, documents = found
                if documents:
                    _decode(records)
                yield records
        finally:
            self._close(walk)

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
        """End walks and commands that an interrupt kept from ending."""
        for walk in list(self._walks):
            self._close(walk)
        for box in list(self._asked):
            self._leave(box, answered=False)

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
        box = host.open_box()
        if self._guard is not None and self._guard.runs_here():
            # Interrupts come one after the other, so one may cut the end below short as well.
            self._asked.add(box)
        answered = False
        try:
            host.post(_CONTROL, ("command", box, name, argv[1:], client))
            reply = self._wait(box, name)
            answered = True
        finally:
            self._leave(box, answered=answered)
        return from_reply(reply, protocol)

    def _leave(self, box: int, *, answered: bool) -> None:
        """Wait no longer at a mailbox; without an answer as a client that goes away does.

        The control plane ends what such a client alone has waited for. To be told twice of one
        does not matter to it.
        """
        if not answered:
            host.post(_CONTROL, ("disconnected", -box))
        host.close_box(box)
        self._asked.discard(box)

    def _wait(self, box: int, name: str) -> Any:
        """Wait for the answer: ("reply", tree), for the tree may be None."""
        end = time.monotonic() + _COMMAND_SECONDS
        while time.monotonic() < end:
            if self._guard is not None and self._guard.stopped():
                raise GearsForceStopped(self._guard.reason)
            answer = host.take(box, _SLICE_MS)
            if answer is not None:
                return answer[1]
        raise GearsError(
            f"{name} was not answered within {_COMMAND_SECONDS:.0f} s; what it waits for may wait"
            " for this script"
        )

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
