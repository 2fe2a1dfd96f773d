"""What the run over a function's bytecode has in hand: a stack and variables, of stand-ins.

A stand-in says which of them is the record, its value, a method of these, or a constant. All else
is one and the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias


class NotUnderstood(Exception):  # noqa: N818  not an error: the answer "it may look at everything"
    """A function may look at more than can be told."""


class Seen:
    """What stands for the record or a part of it on the stack."""

    def __init__(self, name: str) -> None:
        self.name = name


RECORD = Seen("record")
VALUE = Seen("value")
GET_OF = {RECORD: Seen("record.get"), VALUE: Seen("value.get")}
_OWNER = {method: owner for owner, method in GET_OF.items()}
OTHER = Seen("other")


class Constant(NamedTuple):
    """A constant of the function; the type belongs to it, for True equals 1."""

    kind: type
    value: Any


Item: TypeAlias = Seen | Constant


@dataclass
class Reads:
    """What functions have been seen to read of a record.

    Attributes
    ----------
    type, value
        Whether they look at ``record['type']``, and at anything of ``record['value']``.
    fields
        The names that they look up in the value.
    """

    type: bool = False
    value: bool = False
    fields: set[str] = field(default_factory=set)


def matters(item: Item) -> bool:
    """Whether a stand-in is the record or a part of it."""
    return isinstance(item, Seen) and item is not OTHER


def join(a: Item, b: Item) -> Item:
    """What is known of a place to which two paths bring these."""
    if a == b:
        return a
    if matters(a) or matters(b):
        raise NotUnderstood
    return OTHER


class Machine:
    """A stack and local variables, and what single instructions do to them."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.stack: list[Item] = []
        self.variables: dict[str, Item] = {}

    def pop(self, count: int) -> list[Item]:
        """Take items from the stack; the topmost is the last."""
        if count > len(self.stack):
            raise NotUnderstood
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items

    def load(self, name: str) -> None:
        """Put a variable on the stack."""
        self.stack.append(self.variables.get(name, OTHER))

    def store(self, name: str) -> None:
        """Take a variable from the stack."""
        (self.variables[name],) = self.pop(1)

    def look_up(self, container: Item, key: Item) -> Item:
        """Note ``container[key]``, ``container.get(key)`` or ``key in container``."""
        if not isinstance(key, Constant) or key.kind not in (str, int):
            raise NotUnderstood
        if container is RECORD:
            if key.value == "type":
                self.reads.type = True
            if key.value == "value":
                self.reads.value = True
                return VALUE
        elif key.kind is str:
            if not key.value.isprintable():
                # It may be no text that a field can be called, such as half a surrogate pair.
                raise NotUnderstood
            self.reads.fields.add(key.value)
        return OTHER

    def call(self, items: list[Item], count: int) -> None:
        """Do ``CALL``: two places for the function and what it is bound to, then arguments."""
        head, arguments = items[:2], items[2:]
        owners = [_OWNER[item] for item in head if item in _OWNER]
        if owners and 1 <= count <= 2:
            if any(map(matters, arguments[1:])):
                raise NotUnderstood
            self.stack.append(self.look_up(owners[0], arguments[0]))
            return
        if any(map(matters, items)):
            raise NotUnderstood
        self.stack.append(OTHER)
