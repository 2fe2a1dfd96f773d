"""The folders that requirements are installed into. All of this runs on the background thread."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from gearframe.exceptions import GearsError
from gearframe.shard.control.environment import satisfied
from gearframe.shard.control.hosting import Host, Tree
from gearframe.shard.control.names import parse, without_password
from gearframe.shard.control.settings import Settings

OLD = 24 * 3600
"""Seconds after which a folder that is half done is nobody's: servers may share the place."""

MANIFEST = "gearframe-requirements.json"

Install = Callable[[Sequence[str], Path, int], None]


class RefusedError(GearsError):
    """Installing is not allowed; the client is told why."""


def platform_tag() -> str:
    """Name what a compiled package must fit: the machine and the Python.

    Examples
    --------
    >>> platform_tag().count("-") >= 2
    True
    """
    return f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}"


@dataclass(frozen=True)
class Installed:
    """What a set of requirements consists of; without a folder it is the environment's."""

    folder: Path | None
    distributions: tuple[str, ...]

    def tree(self) -> Tree:
        """Write it as a message."""
        return [str(self.folder) if self.folder else None, list(self.distributions)]

    @classmethod
    def of(cls, tree: Tree) -> Installed:
        """Read it from a message."""
        folder, distributions = tree
        return cls(Path(folder) if folder else None, tuple(distributions))


class Folders:
    """Finds or makes the folder of a set of requirements."""

    def __init__(self, host: Host, settings: Settings, install: Install) -> None:
        self._host, self._settings, self._install = host, settings, install
        self._start = Path.cwd()  # CONFIG SET dir moves the server; the folders stay

    def root(self) -> Path:
        """Give the folder of all of them; it is made, and private.

        Raises
        ------
        GearsError
            It belongs to another user, who could change the code in it.
        """
        named = self._settings.text("RequirementsDir")
        root = self._start / (named or "gearframe-requirements")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.stat().st_uid != os.geteuid():
            raise GearsError(f"{root} belongs to another user; set RequirementsDir to another")
        root.chmod(0o700)
        return root

    def provide(self, key: str, names: tuple[str, ...], *, force: bool) -> Installed:
        """Find requirements in the environment or in a folder, or install what is missing.

        Raises
        ------
        RefusedError
            Something is missing and installing is switched off.
        InstallError
            pip did not install it.
        """
        missing = [name for name in names if force or not satisfied(parse(name))]
        if not missing:
            return Installed(None, ())
        if not force:
            found = self._on_disk(key, names)
            if found is not None:
                return found
        self.check_enabled(missing)
        self._host.log("notice", f"installing {without_password(', '.join(missing))}")
        new = self.new(key)
        try:
            self._install(missing, new, self._settings.number("PythonInstallReqMaxIdleTime"))
            installed = self.keep(new, key, names)
        except BaseException:
            self.remove(new)
            raise
        self._host.log("notice", f"installed {', '.join(installed.distributions)}")
        return installed

    def check_enabled(self, names: Sequence[str]) -> None:
        """Raise where nothing may be installed."""
        if not self._settings.flag("RequirementsEnabled"):
            raise RefusedError(
                f"{', '.join(names)} cannot be installed: RequirementsEnabled is 0; install into "
                "the server's Python environment, or set it to 1"
            )

    def new(self, key: str) -> Path:
        """Make an empty folder to install into; a half-done one is never taken for a whole."""
        root = self.root()
        for left in root.glob("*.part"):  # by a server that went down while it installed
            if time.time() - left.stat().st_mtime > OLD:
                self.remove(left)
        folder = root / f"{key}.{secrets.token_hex(4)}.part"
        folder.mkdir(mode=0o700)
        return folder

    def keep(self, new: Path, key: str, names: tuple[str, ...]) -> Installed:
        """Give a filled folder its name, with a manifest that says it is whole."""
        found = sorted(
            f"{each.metadata['Name']}-{each.version}"
            for each in metadata.distributions(path=[str(new)])
        )
        manifest = {"requirements": names, "platform": platform_tag(), "distributions": found}
        (new / MANIFEST).write_text(json.dumps(manifest))
        # Sessions may still import from a folder that is replaced, so that one keeps its name.
        folder = new.with_name(key)
        if folder.exists():
            folder = new.with_name(new.name.removesuffix(".part"))
        new.rename(folder)
        return Installed(folder, tuple(found))

    def _on_disk(self, key: str, names: tuple[str, ...]) -> Installed | None:
        """Find what was installed before the server started, or by a server before it."""
        folder = self.root() / key
        try:
            manifest = json.loads((folder / MANIFEST).read_text())
        except (FileNotFoundError, ValueError):
            return None
        if set(manifest["requirements"]) != set(names):
            return None
        return Installed(folder, tuple(manifest["distributions"]))

    def remove(self, folder: Path) -> None:
        """Delete a folder of a set; only one that stands where they all stand."""
        if folder.parent == self.root() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
