"""What a function looks at in the records that it is given, found by following its bytecode.

An abstract run over all paths: the interpreter's stack and the local variables hold only what
matters here, which of them is the record, its value, a method of these, or a constant. What is
not understood for certain ends the run with :class:`NotUnderstood`, and the record is then read
whole. Knows CPython 3.11 to 3.14; an instruction that it does not know is one of those things.

Only functions belong here; what a plan does with records is ``narrowing``.
"""

from __future__ import annotations

import builtins
import dis
import sys
from dataclasses import dataclass, field
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gearframe.gears.opcodes import HARMLESS, JUMPS, NO_WAY_ON, items_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class NotUnderstood(Exception):  # noqa: N818  not an error: the answer "it may look at everything"
    """A function may look at more than can be told."""


class Seen:
    """What stands for the record or a part of it on the stack."""

    def __init__(self, name: str) -> None:
        self.name = name


RECORD = Seen("record")
VALUE = Seen("value")
_GET_OF = {RECORD: Seen("record.get"), VALUE: Seen("value.get")}
_OWNER = {method: owner for owner, method in _GET_OF.items()}
_OTHER = Seen("other")


class _Constant(NamedTuple):
    kind: type
    value: Any


_Item: TypeAlias = Seen | _Constant


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


# Who has a frame in hand sees every local variable.
_FRAMES = {
    "locals", "vars", "eval", "exec", "dir", "globals", "breakpoint", "_getframe",
    "_current_frames", "currentframe", "stack", "trace", "getinnerframes", "getouterframes",
    "f_locals", "f_back", "f_code", "tb_frame", "gi_frame", "cr_frame", "ag_frame",
    "__traceback__", "settrace", "setprofile", "get_objects", "get_referrers", "monitoring",
}  # fmt: skip
_FRAME_FUNCTIONS = (locals, vars, eval, exec, dir, breakpoint, sys._getframe)
_GENERATORS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_VARIADIC = CO_VARARGS | CO_VARKEYWORDS
_LONGEST = 5_000


def follow(function: object, place: int, reads: Reads) -> None:
    """Note what a function reads of a record.

    Parameters
    ----------
    function : object
        Whatever is called.
    place : int
        Which of its arguments the record is, from 0.
    reads : Reads
        What is read is noted here.

    Raises
    ------
    NotUnderstood
        If it may look at more than can be told.
    """
    if type(function) is not FunctionType:
        raise NotUnderstood
    code = function.__code__
    if code.co_flags & (_GENERATORS | _VARIADIC) or place >= code.co_argcount:
        raise NotUnderstood
    _refuse_frames(function)
    _Walk(code, reads).run(code.co_varnames[place])


def _refuse_frames(function: FunctionType) -> None:
    """Refuse a function that may ask for frames, or whose script has helpers which do."""
    waiting, seen = [function], {function}
    while waiting:
        variables = (one := waiting.pop()).__globals__
        for name in (name for code in _codes(one.__code__) for name in code.co_names):
            found = variables.get(name, getattr(builtins, name, None))
            if name in _FRAMES or any(found is one for one in _FRAME_FUNCTIONS):
                raise NotUnderstood
            if type(found) is FunctionType and found not in seen:
                seen.add(found)
                # Libraries are not followed: they do not look at the variables of who calls them.
                if found.__globals__ is variables:
                    waiting.append(found)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class _State(NamedTuple):
    """The stack and the local variables at one place of a function."""

    stack: tuple[_Item, ...]
    variables: tuple[tuple[str, _Item], ...]


class _Walk:
    """One function, followed along all its paths until nothing new comes up."""

    def __init__(self, code: CodeType, reads: Reads) -> None:
        self._reads = reads
        self._instructions = list(dis.get_instructions(code))
        if len(self._instructions) > _LONGEST:
            raise NotUnderstood
        self._places = {one.offset: place for place, one in enumerate(self._instructions)}
        self._states: dict[int, _State] = {}
        self._waiting: list[int] = []
        # There since 3.11, and in no stub.
        self._handlers = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
        self.stack: list[_Item] = []
        self.variables: dict[str, _Item] = {}

    def run(self, record: str) -> None:
        self._arrive(0, [], {record: RECORD})
        while self._waiting:
            place = self._waiting.pop()
            state = self._states[place]
            self.stack, self.variables = list(state.stack), dict(state.variables)
            instruction = self._instructions[place]
            self._enter_handlers(instruction)
            for target in self._step(instruction, place):
                self._arrive(target, self.stack, self.variables)
            # An exception may come after a variable has been stored, as well as before.
            self._enter_handlers(instruction)

    def _arrive(self, place: int, stack: list[_Item], variables: dict[str, _Item]) -> None:
        if place >= len(self._instructions):
            raise NotUnderstood
        known = self._states.get(place)
        if known is not None:
            stack, variables = _joined(known, stack, variables)
        state = _State(tuple(stack), tuple(sorted(variables.items(), key=lambda item: item[0])))
        if state != known:
            self._states[place] = state
            self._waiting.append(place)

    def _enter_handlers(self, instruction: dis.Instruction) -> None:
        for entry in self._handlers:
            if entry.start <= instruction.offset < entry.end:
                if len(self.stack) < entry.depth:
                    return  # after the instruction, when it has taken from below: it went well
                pushed: list[_Item] = [_OTHER] * (1 + entry.lasti)
                kept = self.stack[: entry.depth]
                self._arrive(self._places[entry.target], kept + pushed, self.variables)
                return

    def _step(self, instruction: dis.Instruction, place: int) -> list[int]:
        """Do one instruction; return where it may go on."""
        name = instruction.opname
        own = _OWN.get(name)
        if own is not None:
            own(self, instruction)
            return [place + 1]
        is_jump = instruction.opcode in JUMPS
        before = list(self.stack)
        targets = []
        if is_jump:
            self._plain(instruction, jump=True)
            self._arrive(self._places[instruction.argval], self.stack, self.variables)
            self.stack = before
        if name not in NO_WAY_ON:
            self._plain(instruction, jump=False)
            targets.append(place + 1)
        elif not is_jump:
            self._plain(instruction, jump=False)
        return targets

    def _plain(self, instruction: dis.Instruction, *, jump: bool) -> None:
        """Do what takes from the stack and puts something new on it."""
        taken = items_taken(instruction)
        if taken is None:
            raise NotUnderstood
        effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=jump)
        if taken + effect < 0 or taken > len(self.stack):
            raise NotUnderstood
        items = self.pop(taken)
        if instruction.opname not in HARMLESS and any(map(_matters, items)):
            raise NotUnderstood
        self.stack += [_OTHER] * (taken + effect)

    # -- what single instructions do ----------------------------------------------------------

    def pop(self, count: int) -> list[_Item]:
        if count > len(self.stack):
            raise NotUnderstood
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items

    def load(self, name: str) -> None:
        self.stack.append(self.variables.get(name, _OTHER))

    def store(self, name: str) -> None:
        (self.variables[name],) = self.pop(1)

    def look_up(self, container: _Item, key: _Item) -> _Item:
        """Note ``container[key]``, ``container.get(key)`` or ``key in container``."""
        if not isinstance(key, _Constant) or key.kind not in (str, int):
            raise NotUnderstood
        if container is RECORD:
            if key.value == "type":
                self._reads.type = True
            if key.value == "value":
                self._reads.value = True
                return VALUE
        elif key.kind is str:
            if not key.value.isprintable():
                # It may be no text that a field can be called, such as half a surrogate pair.
                raise NotUnderstood
            self._reads.fields.add(key.value)
        return _OTHER

    def call(self, items: list[_Item], count: int) -> None:
        """Do ``CALL``: two places for the function and what it is bound to, then arguments."""
        head, arguments = items[:2], items[2:]
        owners = [_OWNER[item] for item in head if item in _OWNER]
        if owners and 1 <= count <= 2:
            if any(map(_matters, arguments[1:])):
                raise NotUnderstood
            self.stack.append(self.look_up(owners[0], arguments[0]))
            return
        if any(map(_matters, items)):
            raise NotUnderstood
        self.stack.append(_OTHER)


def _matters(item: _Item) -> bool:
    return isinstance(item, Seen) and item is not _OTHER


def _joined(
    known: _State, stack: list[_Item], variables: dict[str, _Item]
) -> tuple[list[_Item], dict[str, _Item]]:
    """Join what two paths bring to one place."""
    if len(known.stack) != len(stack):
        raise NotUnderstood
    before = dict(known.variables)
    names = before.keys() | variables.keys()
    return (
        [_join(a, b) for a, b in zip(known.stack, stack, strict=True)],
        {name: _join(before.get(name, _OTHER), variables.get(name, _OTHER)) for name in names},
    )


def _join(a: _Item, b: _Item) -> _Item:
    if a == b:
        return a
    if _matters(a) or _matters(b):
        raise NotUnderstood
    return _OTHER


# -- instructions with a meaning of their own ------------------------------------------------------


def _load(walk: _Walk, one: dis.Instruction) -> None:
    for name in one.argval if isinstance(one.argval, tuple) else (one.argval,):
        walk.load(name)


def _load_and_clear(walk: _Walk, one: dis.Instruction) -> None:
    walk.load(one.argval)
    walk.variables.pop(one.argval, None)


def _store(walk: _Walk, one: dis.Instruction) -> None:
    for name in one.argval if isinstance(one.argval, tuple) else (one.argval,):
        walk.store(name)


def _store_and_load(walk: _Walk, one: dis.Instruction) -> None:
    stored, loaded = one.argval
    walk.store(stored)
    walk.load(loaded)


def _delete(walk: _Walk, one: dis.Instruction) -> None:
    walk.variables.pop(one.argval, None)


def _constant(walk: _Walk, one: dis.Instruction) -> None:
    value = one.argval
    is_plain = value is None or type(value) in (str, int)
    walk.stack.append(_Constant(type(value), value) if is_plain else _OTHER)


def _cell(walk: _Walk, one: dis.Instruction) -> None:
    # An inner function holds the variable, and may read it at any time.
    if _matters(walk.variables.get(one.argval, _OTHER)):
        raise NotUnderstood


def _copy(walk: _Walk, one: dis.Instruction) -> None:
    walk.stack.append(walk.stack[-(one.arg or 1)])


def _swap(walk: _Walk, one: dis.Instruction) -> None:
    place = -(one.arg or 1)
    walk.stack[place], walk.stack[-1] = walk.stack[-1], walk.stack[place]


def _attribute(walk: _Walk, one: dis.Instruction) -> None:
    (owner,) = walk.pop(1)
    # A method leaves two items behind, in an order that differs by version.
    pushed = 1 + dis.stack_effect(one.opcode, one.arg)
    items: list[_Item] = [_OTHER] * pushed
    if isinstance(owner, Seen) and owner in _GET_OF and one.argval == "get" and pushed == 2:
        items[0] = _GET_OF[owner]
    elif _matters(owner):
        raise NotUnderstood
    walk.stack += items


def _subscript(walk: _Walk, one: dis.Instruction) -> None:
    container, key = walk.pop(2)
    if container in (RECORD, VALUE):
        walk.stack.append(walk.look_up(container, key))
    elif _matters(container) or _matters(key):
        raise NotUnderstood
    else:
        walk.stack.append(_OTHER)


def _contains(walk: _Walk, one: dis.Instruction) -> None:
    key, container = walk.pop(2)
    if container in (RECORD, VALUE):
        walk.look_up(container, key)
    elif _matters(container) or _matters(key):
        raise NotUnderstood
    walk.stack.append(_OTHER)


def _binary(walk: _Walk, one: dis.Instruction) -> None:
    if one.argrepr == "[]":  # 3.14
        _subscript(walk, one)
    elif any(map(_matters, walk.pop(2))):
        raise NotUnderstood
    else:
        walk.stack.append(_OTHER)


def _is(walk: _Walk, one: dis.Instruction) -> None:
    items = walk.pop(2)
    if any(map(_matters, items)) and _Constant(type(None), None) not in items:
        raise NotUnderstood
    walk.stack.append(_OTHER)


def _call(walk: _Walk, one: dis.Instruction) -> None:
    count = one.arg or 0
    walk.call(walk.pop(count + 2), count)


def _call_by_name(walk: _Walk, one: dis.Instruction) -> None:
    # The names are a tuple on top, the values are among the arguments.
    if any(map(_matters, walk.pop((one.arg or 0) + 3))):
        raise NotUnderstood
    walk.stack.append(_OTHER)


def _nothing(walk: _Walk, one: dis.Instruction) -> None:
    """Pass by ``PRECALL`` of 3.11, which `dis` has take what ``CALL`` takes here."""


_OWN: dict[str, Callable[[_Walk, dis.Instruction], None]] = {
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
