"""Which back end runs a gear: the module where the server has it, else the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from gearframe.exceptions import OptionError, PermissionDeniedError, ReplyError

if TYPE_CHECKING:
    from gearframe.client import Client

Backend: TypeAlias = Literal["auto", "module", "local"]
_COMMAND = "RG.PYEXECUTE"


class Choice(NamedTuple):
    """A back end, and why it is this one."""

    backend: Literal["module", "local"]
    reason: str


# A server does not get the module while a client is connected, as good as never.
_found: WeakKeyDictionary[Client, Choice] = WeakKeyDictionary()


def choose(client: Client, backend: str) -> Choice:
    """Choose the back end for a server.

    Parameters
    ----------
    client : Client
        Asked once whether its server has the module.
    backend : {"auto", "module", "local"}
        What the user wants.

    Returns
    -------
    Choice

    Notes
    -----
    Sends ``COMMAND INFO RG.PYEXECUTE`` for the first "auto" of a client, and ``RG.DUMPPLUGINS``
    where there is such a command: RedisGears has both, and cannot run our plans.
    """
    if backend == "module":
        return Choice("module", "it was asked for")
    if backend == "local":
        return Choice("local", "it was asked for")
    if backend != "auto":
        raise OptionError(f"backend is {backend!r}; expected 'auto', 'module' or 'local'")
    found = _found.get(client)
    if found is None:
        found = _found[client] = _look(client)
    return found


def _look(client: Client) -> Choice:
    try:
        reply = client.execute("COMMAND", "INFO", _COMMAND)
    except ReplyError as error:
        return Choice("local", f"the server does not say whether it has {_COMMAND}: {error}")
    if not (isinstance(reply, list) and reply and reply[0]):
        return Choice("local", f"the server has no {_COMMAND}: gearframe's module is not loaded")
    try:
        plugins = client.execute("RG.DUMPPLUGINS")
    except PermissionDeniedError:  # whoever may run scripts need not be allowed to ask
        return Choice("module", f"the server has {_COMMAND}")
    except ReplyError as error:
        return Choice("local", f"the server does not say whose {_COMMAND} it has: {error}")
    if _names_us(plugins):
        return Choice("module", f"the server has {_COMMAND}")
    return Choice("local", f"the server's {_COMMAND} is not gearframe's but another module's")


def _names_us(reply: object) -> bool:
    if isinstance(reply, (list, tuple)):
        return any(map(_names_us, reply))
    return reply in ("gearframe", b"gearframe")
