"""The clients that are blocked and wait for a reply."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from gearframe.shard.control.hosting import Host, Tree
from gearframe.shard.control.replies import error

REMEMBERED = 4096
"""How many clients that left before their command was looked at are known at a time."""


class Clients:
    """Tokens of blocked clients, what to do when one leaves, and replies on their way out.

    Replies are put aside while the control plane's lock is held and sent without it: a large one
    takes its time to be converted. All methods but `send` are called with that lock held.

    A script that calls a command waits at a mailbox of its own; its token is the negative number of
    that mailbox.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: dict[int, Callable[[], None]] = {}
        self._left: OrderedDict[int, None] = OrderedDict()
        self._replies: deque[tuple[int, Tree]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, token: int, left: Callable[[], None]) -> None:
        """Keep a client waiting; `left` is called once if it disconnects before its reply.

        Its disconnection may have been told before its command was looked at.
        """
        if token in self._left:
            del self._left[token]
            left()
        else:
            self._waiting[token] = left

    def answer(self, token: int, tree: Tree) -> None:
        """Give a client its reply; one that has left is forgotten."""
        self._waiting.pop(token, None)
        self._left.pop(token, None)
        self._replies.append((token, tree))

    def disconnected(self, token: int) -> None:
        """Note that a client has left."""
        left = self._waiting.pop(token, None)
        if left is not None:
            left()
            return
        self._left[token] = None
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)

    def send(self) -> None:
        """Send what was put aside. Called without the lock."""
        while True:
            try:
                token, tree = self._replies.popleft()
            except IndexError:
                return
            self._send(token, tree)

    def _send(self, token: int, tree: Tree) -> None:
        try:
            self._give(token, tree)
        except (TypeError, ValueError, OverflowError, RecursionError) as failure:
            self._host.log("warning", f"a reply cannot be sent: {failure!r}")
            self._give(token, error(f"the reply cannot be sent: {failure}"))

    def _give(self, token: int, tree: Tree) -> None:
        if token < 0:
            self._host.post(-token, ("reply", tree))
        else:
            self._host.reply(token, tree)
