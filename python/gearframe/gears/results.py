"""Results as the server replies them, and how large they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TypeAlias

Tree: TypeAlias = Any
"""A reply: None, bool, int, float, bytes, str, list, dict, or a tuple such as ("simple", "OK")."""

_NOT_SHOWN = "PY RECORD"
_DEEPEST = 100


def reply_tree(value: object, inside: tuple[object, ...] = ()) -> Tree:
    """Turn a result into a reply, as RedisGears does.

    Parameters
    ----------
    value : object
        A result.
    inside : tuple of list
        The lists that it is in.

    Returns
    -------
    tree
        A list of a list; an int of an int or bool (a str above 64 bits); a float as text with six
        decimals; a str as it is, except that ``+text`` is a simple string and ``-text`` an error;
        bytes as they are; of anything else, also of a list that is in itself, the text
        ``PY RECORD``.

    Notes
    -----
    RedisGears makes an error of ``-5`` too, which loses the sign of each negative number that
    ``run`` turned into a str. The text of a number stays as it is here.

    Examples
    --------
    >>> reply_tree([True, 1.5, "+OK", "a", {}, "-ERR no", "-5"])
    [1, '1.500000', ('simple', 'OK'), 'a', 'PY RECORD', ('error', 'ERR no'), '-5']
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        number = int(value)
        return number if -(1 << 63) <= number < 1 << 63 else _digits(number)
    if isinstance(value, float):
        return f"{float(value):f}"
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, list) and len(inside) < _DEEPEST and not _has(inside, value):
        return [reply_tree(each, (*inside, value)) for each in value]
    return _NOT_SHOWN


def _has(found: tuple[object, ...], value: object) -> bool:
    return any(each is value for each in found)


def _text(value: str) -> Tree:
    text = str.__str__(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return text.encode(errors="backslashreplace")
    if len(text) > 1 and text[0] in "+-" and not _negative(text):
        kind = "simple" if text[0] == "+" else "error"
        return (kind, text[1:].replace("\r", " ").replace("\n", " "))
    return text


def _negative(text: str) -> bool:
    try:
        return text[0] == "-" and float(text) <= 0
    except ValueError:
        return False


def _digits(number: int) -> str:
    # Python refuses to print a number of more than 4,300 digits.
    return str(number) if number.bit_length() < 10_000 else _NOT_SHOWN


def size_of(records: Iterable[Any]) -> int:
    """About how many bytes records take: the length of texts, what Python says of other objects.

    A list that is in several lists counts in each of them, because a reply has it in each of them.
    """
    sizes: dict[int, int] = {}
    return sum(_size(each, sizes, 0) for each in records)


def _size(value: Any, sizes: dict[int, int], depth: int) -> int:
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if not isinstance(value, (list, tuple, set, frozenset, dict)) or depth > _DEEPEST:
        return _own_size(value)
    known = sizes.get(id(value))
    if known is not None:
        return known if isinstance(value, list) else 0
    sizes[id(value)] = 0  # while it is counted: it may be in itself
    size = _own_size(value) + sum(_size(each, sizes, depth + 1) for each in value)
    if isinstance(value, dict):
        size += sum(_size(each, sizes, depth + 1) for each in value.values())
    sizes[id(value)] = size
    return size


def _own_size(value: object) -> int:
    try:
        return sys.getsizeof(value)
    except Exception:  # noqa: BLE001 - a class may answer this wrongly; it is an estimate
        return object.__sizeof__(value)
