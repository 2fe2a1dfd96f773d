"""Commands of user code: their arguments, and replies that the control plane gives."""

from __future__ import annotations

from typing import Any

from gearframe.exceptions import GearsError


def to_argv(arguments: tuple[Any, ...]) -> list[bytes]:
    """Turn the arguments of ``execute`` into a command: bytes as they are, the rest as text.

    Raises
    ------
    GearsError
        The name of the command is no str.
    """
    name = arguments[0]
    if not isinstance(name, str):
        raise GearsError(
            f"the first argument of execute is {type(name).__name__}, and must be the name of a"
            " command as str: execute('GET', key)"
        )
    return [to_bytes(argument) for argument in arguments]


def to_bytes(argument: Any) -> bytes:
    """Turn one argument into what is sent; text that came of bytes by surrogates goes back."""
    if isinstance(argument, (bytes, bytearray)):
        return bytes(argument)
    return str(argument).encode("utf-8", "surrogateescape")


def from_reply(tree: Any, protocol: int, *, nested: bool = False) -> Any:
    """Turn a reply tree into what ``execute`` gives, as the host does for other commands.

    Raises
    ------
    GearsError
        The reply is an error.
    """
    if isinstance(tree, tuple):
        kind, text = tree
        if kind == "error" and not nested:
            raise GearsError(text)
        return from_reply(text, protocol, nested=True)
    if isinstance(tree, bytes):
        return _text(tree)
    if isinstance(tree, (list, set)):
        return [from_reply(item, protocol, nested=True) for item in tree]
    if isinstance(tree, dict):
        pairs = [
            (from_reply(k, protocol), from_reply(v, protocol, nested=True)) for k, v in tree.items()
        ]
        return dict(pairs) if protocol == 3 else [item for pair in pairs for item in pair]
    return tree


def _text(raw: bytes) -> str | bytearray:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return bytearray(raw)
