"""Sets of requirements: which are there, in which folder, and who uses them.

Requirements that belong to one script are resolved by pip together, so each set has a folder of
its own, named by a hash. Nothing is installed under a lock: what takes time is done by the
background thread, which tells the result through the control plane's mailbox.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gearframe.exceptions import GearframeError
from gearframe.shard.control.folders import Folders, Installed, RefusedError, platform_tag
from gearframe.shard.control.hosting import Host, Tree
from gearframe.shard.control.names import without_password
from gearframe.shard.control.replies import flat

FAILED = "Could not satisfy requirements (look at redis log file for more information)"

Background = Callable[[Callable[[], None]], None]
Ready = Callable[["RequirementSet | None", "str | None"], None]


@dataclass(eq=False)
class RequirementSet:
    """Requirements that were asked for together; without a folder they are in the environment."""

    names: tuple[str, ...]
    folder: Path | None = None
    distributions: tuple[str, ...] = ()
    holders: int = 0
    current: bool = True

    def dump(self) -> list[Tree]:
        """Describe each requirement of the set, as RG.PYDUMPREQS does."""
        return [self.describe(name) for name in self.names]

    def describe(self, name: str) -> Tree:
        """Describe one requirement of the set."""
        return flat(
            {
                "GearReqVersion": 1,
                "Name": name,
                "IsDownloaded": "yes",
                "IsInstalled": "yes",
                "CompiledOs": platform_tag(),
                "Wheels": list(self.distributions),
                "Path": str(self.folder or ""),
                "RefCount": self.holders,
                "IsInReqDictionary": "yes" if self.current else "no",
            }
        )


@dataclass(eq=False)
class _Asked:
    """An installation that is under way, and who waits for it."""

    names: tuple[str, ...]
    force: bool
    ready: list[Ready] = field(default_factory=list)


class Requirements:
    """All sets of requirements. Its methods are called with the control plane's lock held."""

    def __init__(self, host: Host, folders: Folders, background: Background) -> None:
        self._host, self._folders, self._background = host, folders, background
        self._sets: dict[str, RequirementSet] = {}
        self._replaced: list[RequirementSet] = []
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._sets)

    def __iter__(self) -> Iterator[RequirementSet]:
        return iter([*self._sets.values(), *self._replaced])

    def ask(self, names: tuple[str, ...], *, force: bool, ready: Ready) -> None:
        """Have requirements installed; `ready` gets the set, held once, or the client's error."""
        found = self._sets.get(name_of(names))
        if found is not None and not force:
            found.holders += 1
            ready(found, None)
            return
        for asked in self._asked.values():
            if not force and name_of(asked.names) == name_of(names):
                asked.ready.append(ready)
                return
        number = next(self._numbers)
        self._asked[number] = _Asked(names, force, [ready])
        self._background(lambda: self._install(number, names, force=force))

    def _install(self, number: int, names: tuple[str, ...], *, force: bool) -> None:
        """Install in the background, without any lock, and tell the control plane."""
        found, problem = None, FAILED
        try:
            found = self._folders.provide(name_of(names), names, force=force)
        except RefusedError as refused:
            problem = str(refused)
        except (GearframeError, OSError, ValueError) as error:
            text = without_password(f"requirements {', '.join(names)}: {error}")
            self._host.log("warning", text)
        finally:
            self._host.post(0, ("installed", number, found and found.tree(), problem))

    def installed(self, number: int, tree: Tree, problem: str) -> None:
        """Take in what the background thread has to tell."""
        asked = self._asked.pop(number, None)
        if asked is None:
            return
        found = None if tree is None else self.take_in(asked.names, Installed.of(tree))
        for ready in asked.ready:
            if found is not None:
                found.holders += 1
            ready(found, None if found else problem)

    def take_in(self, names: tuple[str, ...], installed: Installed) -> RequirementSet:
        """Make a set of what was installed; one it replaces goes when nobody uses it any more."""
        old = self._sets.pop(name_of(names), None)
        found = RequirementSet(names, installed.folder, installed.distributions)
        self._sets[name_of(names)] = found
        if old is not None:
            old.current = False
            if old.folder == found.folder:
                old.folder = None  # the folder has another owner now
            self._replaced.append(old)
            self._clean(old)
        return found

    def release(self, found: RequirementSet) -> None:
        """Note that a session needs a set no longer."""
        found.holders -= 1
        self._clean(found)

    def _clean(self, found: RequirementSet) -> None:
        if found.current or found.holders:
            return
        self._replaced.remove(found)
        if found.folder is not None:
            folder = found.folder
            self._background(lambda: self._folders.remove(folder))

    def with_name(self, name: str) -> RequirementSet | None:
        """Give the smallest set that has a requirement, a folder of its own if there is one."""
        having = [each for each in self._sets.values() if name in each.names]
        return min(having, key=lambda each: (each.folder is None, len(each.names)), default=None)


def name_of(names: tuple[str, ...]) -> str:
    """Name the folder of a set: no part of it is text that a client chose.

    Examples
    --------
    >>> name_of(("b", "a")) == name_of(("a", "b"))
    True
    """
    text = "\n".join([platform_tag(), *sorted(names)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
