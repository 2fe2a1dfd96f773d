"""Instructions that mean something to the run over a function's bytecode.

Names of CPython 3.11 to 3.14 stand side by side. For all others it is enough to know how much they
take from the stack, which ``opcodes`` does.
"""

from __future__ import annotations

import dis
from collections.abc import Callable

from gearframe.gears.machine import (
    GET_OF,
    OTHER,
    RECORD,
    VALUE,
    Constant,
    Item,
    Machine,
    NotUnderstood,
    Seen,
    matters,
)


def _load(machine: Machine, one: dis.Instruction) -> None:
    for name in one.argval if isinstance(one.argval, tuple) else (one.argval,):
        machine.load(name)


def _load_and_clear(machine: Machine, one: dis.Instruction) -> None:
    machine.load(one.argval)
    machine.variables.pop(one.argval, None)


def _store(machine: Machine, one: dis.Instruction) -> None:
    for name in one.argval if isinstance(one.argval, tuple) else (one.argval,):
        machine.store(name)


def _store_and_load(machine: Machine, one: dis.Instruction) -> None:
    stored, loaded = one.argval
    machine.store(stored)
    machine.load(loaded)


def _delete(machine: Machine, one: dis.Instruction) -> None:
    machine.variables.pop(one.argval, None)


def _constant(machine: Machine, one: dis.Instruction) -> None:
    value = one.argval
    is_plain = value is None or type(value) in (str, int)
    machine.stack.append(Constant(type(value), value) if is_plain else OTHER)


def _cell(machine: Machine, one: dis.Instruction) -> None:
    # An inner function holds the variable, and may read it at any time.
    if matters(machine.variables.get(one.argval, OTHER)):
        raise NotUnderstood


def _copy(machine: Machine, one: dis.Instruction) -> None:
    machine.stack.append(machine.stack[-(one.arg or 1)])


def _swap(machine: Machine, one: dis.Instruction) -> None:
    place = -(one.arg or 1)
    machine.stack[place], machine.stack[-1] = machine.stack[-1], machine.stack[place]


def _attribute(machine: Machine, one: dis.Instruction) -> None:
    (owner,) = machine.pop(1)
    # A method leaves two items behind, in an order that differs by version.
    pushed = 1 + dis.stack_effect(one.opcode, one.arg)
    items: list[Item] = [OTHER] * pushed
    if isinstance(owner, Seen) and owner in GET_OF and one.argval == "get" and pushed == 2:
        items[0] = GET_OF[owner]
    elif matters(owner):
        raise NotUnderstood
    machine.stack += items


def _subscript(machine: Machine, one: dis.Instruction) -> None:
    container, key = machine.pop(2)
    if container in (RECORD, VALUE):
        machine.stack.append(machine.look_up(container, key))
    elif matters(container) or matters(key):
        raise NotUnderstood
    else:
        machine.stack.append(OTHER)


def _contains(machine: Machine, one: dis.Instruction) -> None:
    key, container = machine.pop(2)
    if container in (RECORD, VALUE):
        machine.look_up(container, key)
    elif matters(container) or matters(key):
        raise NotUnderstood
    machine.stack.append(OTHER)


def _binary(machine: Machine, one: dis.Instruction) -> None:
    if one.argrepr == "[]":  # 3.14
        _subscript(machine, one)
    elif any(map(matters, machine.pop(2))):
        raise NotUnderstood
    else:
        machine.stack.append(OTHER)


def _is(machine: Machine, one: dis.Instruction) -> None:
    items = machine.pop(2)
    if any(map(matters, items)) and Constant(type(None), None) not in items:
        raise NotUnderstood
    machine.stack.append(OTHER)


def _call(machine: Machine, one: dis.Instruction) -> None:
    count = one.arg or 0
    machine.call(machine.pop(count + 2), count)


def _call_by_name(machine: Machine, one: dis.Instruction) -> None:
    # The names are a tuple on top, the values are among the arguments.
    if any(map(matters, machine.pop((one.arg or 0) + 3))):
        raise NotUnderstood
    machine.stack.append(OTHER)


def _nothing(machine: Machine, one: dis.Instruction) -> None:
    """Pass by ``PRECALL`` of 3.11, which `dis` has take what ``CALL`` takes here."""


MEANINGS: dict[str, Callable[[Machine, dis.Instruction], None]] = {
    "LOAD_FAST": _load,
    "LOAD_FAST_CHECK": _load,
    "LOAD_FAST_BORROW": _load,
    "LOAD_FAST_LOAD_FAST": _load,
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": _load,
    "LOAD_FAST_AND_CLEAR": _load_and_clear,
    "STORE_FAST": _store,
    "STORE_FAST_STORE_FAST": _store,
    "STORE_FAST_LOAD_FAST": _store_and_load,
    "DELETE_FAST": _delete,
    "LOAD_CONST": _constant,
    "MAKE_CELL": _cell,
    "COPY": _copy,
    "SWAP": _swap,
    "LOAD_ATTR": _attribute,
    "LOAD_METHOD": _attribute,
    "BINARY_SUBSCR": _subscript,
    "BINARY_OP": _binary,
    "CONTAINS_OP": _contains,
    "IS_OP": _is,
    "PRECALL": _nothing,
    "CALL": _call,
    "CALL_KW": _call_by_name,
}
