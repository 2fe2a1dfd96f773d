"""What CPython's instructions take from the stack, for those that may stand in a gear's function.

Names of 3.11 to 3.14 stand side by side. What an instruction puts on the stack follows from what
it takes and `dis.stack_effect`. Only tables belong here; ``bytecode`` follows the instructions.
"""

from __future__ import annotations

import dis
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

JUMPS = frozenset([*dis.hasjrel, *dis.hasjabs])
"""Opcodes with a target."""
NO_WAY_ON = {
    "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD",
    "JUMP_BACKWARD_NO_INTERRUPT",
}  # fmt: skip
"""Instructions after which the next one is not reached."""
# They drop what they take, or compare it with None; a part of a value is as little None as the
# whole, so neither shows what is missing.
HARMLESS = {
    "POP_TOP", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE",
    "POP_JUMP_FORWARD_IF_NONE", "POP_JUMP_FORWARD_IF_NOT_NONE",
    "POP_JUMP_BACKWARD_IF_NONE", "POP_JUMP_BACKWARD_IF_NOT_NONE",
}  # fmt: skip
"""Instructions that may take a record without looking into it."""
# How many items each takes from the stack; what it puts there follows from `dis.stack_effect`.
_TAKEN: dict[str, int] = {
    name: count
    for count, names in {
        0: "RESUME NOP NOT_TAKEN CACHE EXTENDED_ARG COPY_FREE_VARS KW_NAMES PUSH_NULL "
        "LOAD_GLOBAL LOAD_NAME LOAD_CLOSURE LOAD_ASSERTION_ERROR LOAD_COMMON_CONSTANT "
        "LOAD_SMALL_INT RETURN_CONST JUMP_FORWARD JUMP_BACKWARD JUMP_BACKWARD_NO_INTERRUPT",
        1: "POP_TOP TO_BOOL UNARY_NOT UNARY_NEGATIVE UNARY_INVERT UNARY_POSITIVE GET_ITER "
        "IMPORT_FROM FORMAT_SIMPLE CONVERT_VALUE LIST_APPEND SET_ADD LIST_EXTEND SET_UPDATE "
        "DICT_UPDATE DICT_MERGE STORE_GLOBAL STORE_NAME STORE_DEREF UNPACK_SEQUENCE UNPACK_EX "
        "PUSH_EXC_INFO CHECK_EXC_MATCH POP_EXCEPT CALL_INTRINSIC_1 RETURN_VALUE FOR_ITER "
        "POP_JUMP_IF_TRUE POP_JUMP_IF_FALSE POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE "
        "POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_NONE "
        "POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_BACKWARD_IF_FALSE "
        "POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE JUMP_IF_TRUE_OR_POP "
        "JUMP_IF_FALSE_OR_POP DELETE_ATTR",
        2: "COMPARE_OP BINARY_OP FORMAT_WITH_SPEC MAP_ADD DELETE_SUBSCR STORE_ATTR IMPORT_NAME "
        "SET_FUNCTION_ATTRIBUTE CALL_INTRINSIC_2",
        3: "BINARY_SLICE STORE_SUBSCR",
        4: "STORE_SLICE",
    }.items()
    for name in names.split()
}
_COUNTED: dict[str, Callable[[int], int]] = {
    "BUILD_LIST": lambda n: n,
    "BUILD_TUPLE": lambda n: n,
    "BUILD_SET": lambda n: n,
    "BUILD_STRING": lambda n: n,
    "BUILD_SLICE": lambda n: n,
    "BUILD_MAP": lambda n: 2 * n,
    "BUILD_CONST_KEY_MAP": lambda n: n + 1,
    "RAISE_VARARGS": lambda n: n,
    "RERAISE": lambda n: 1 + n,
    "FORMAT_VALUE": lambda n: 2 if n & 4 else 1,
    # Flags in its argument up to 3.12, none after that.
    "MAKE_FUNCTION": lambda n: 1 + (n & 15).bit_count(),
}


def items_taken(instruction: dis.Instruction) -> int | None:
    """How many items an instruction takes from the stack; None for one that is not known."""
    name = instruction.opname
    if name in _TAKEN:
        return _TAKEN[name]
    if name in _COUNTED:
        return _COUNTED[name](instruction.arg or 0)
    if name in ("END_FOR", "POP_ITER"):  # how many differs by version; they put nothing back
        return -dis.stack_effect(instruction.opcode, instruction.arg)
    return None
