"""Which libraries a sub-interpreter may load.

From Python 3.13 on an interpreter with a lock of its own refuses libraries that do not say that
they support it, before any of their code runs. Python 3.11 refuses none, and Python 3.12 runs their
code first. A library that keeps objects for the whole process, as numpy and polars do, then belongs
to the interpreter that loaded it first: all others get errors, or free its memory with the wrong
allocator, which ends the server. So what is not Python's own is refused here, in the words of 3.13.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

# Parts of the standard library that keep objects for the process. Python 3.11 has "the running
# loop" of asyncio's fast part there, so that coroutines are told that they belong to the loop of
# another interpreter. Python 3.12 refuses those of the list, but only after they
# have taken memory from the sub-interpreter's allocator for objects that the main interpreter then
# frees; the first one it does not even refuse. Of what matters there is a twin in Python, which is
# used instead.
UNFIT = {"_asyncio"}
if sys.version_info >= (3, 12):
    UNFIT |= {"_ctypes", "_curses", "_curses_panel", "_datetime", "_decimal", "_elementtree"}
    UNFIT |= {"_lsprof", "_tkinter", "_zoneinfo", "nis", "ossaudiodev", "pyexpat", "readline"}


HIDING = {"polars"}
"""Libraries that go on when their native part is refused, and fail with a riddle later."""


class _Refusal(MetaPathFinder):
    """Refuses libraries by their names."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name in HIDING:
            raise _refused(name)


def refuse_unfit() -> None:
    """Make this sub-interpreter refuse the libraries that would harm the others, or itself."""
    sys.meta_path.insert(0, _Refusal())
    if sys.version_info < (3, 13):
        _refuse_foreign_extensions()


def refuse_frames_of_others() -> None:
    """Make `sys` refuse to show what other threads do.

    It would make objects for the threads of all interpreters; from Python 3.12 on each of these has
    memory of its own, and frees such an object as if it were its own, which ends the server.
    """
    if sys.version_info >= (3, 12):
        for name in ("_current_frames", "_current_exceptions"):
            setattr(sys, name, _unsafe)


def _unsafe() -> NoReturn:
    raise RuntimeError(
        "the frames of other threads cannot be had inside of a server: other interpreters have"
        " some of them; sys._getframe() gives those of this thread"
    )


def _refuse_foreign_extensions() -> None:
    standard = Path(sysconfig.get_config_var("DESTSHARED"))
    loader_class: Any = ExtensionFileLoader
    create: Callable[[ExtensionFileLoader, ModuleSpec], ModuleType] = loader_class.create_module

    def create_module(loader: ExtensionFileLoader, spec: ModuleSpec) -> ModuleType:
        if Path(str(spec.origin)).parent != standard or spec.name in UNFIT:
            raise _refused(spec.name)
        return create(loader, spec)

    loader_class.create_module = create_module


def _refused(name: str) -> ImportError:
    return ImportError(f"module {name} does not support loading in subinterpreters")
