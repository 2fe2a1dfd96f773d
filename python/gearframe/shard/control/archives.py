"""Requirements on their way from one server to another: RG.PYEXPORTREQ and RG.PYIMPORTREQ.

RedisGears sends the wheels. Here a set is installed into a folder of its own, which can be put
down elsewhere as it is, so that folder travels as a compressed archive; clients only store the
bytes and send them back.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gearframe.exceptions import OptionError
from gearframe.shard.control.folders import MANIFEST, Folders, Installed, platform_tag
from gearframe.shard.control.names import parse_all
from gearframe.shard.control.requirements import name_of

CHUNK = 10 * 1024 * 1024
LARGEST = 4 * 1024**3
MOST_FILES = 200_000


def pack(folder: Path) -> list[bytes]:
    """Read a folder into an archive, in pieces of 10 MiB."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
    whole = stream.getbuffer()
    return [bytes(whole[at : at + CHUNK]) for at in range(0, len(whole), CHUNK)]


def unpack(chunks: Sequence[bytes], folders: Folders) -> tuple[tuple[str, ...], Installed]:
    """Write an archive into a folder of its own.

    Returns
    -------
    tuple
        The requirements in it, and what was put where.

    Raises
    ------
    OptionError
        It is no archive of requirements, or one for another machine or Python.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks)), mode="r:gz") as archive:
            _check_size(archive)
            names = _names(archive)
            folders.check_enabled(names)
            new = folders.new(name_of(names))
            try:
                _extract(archive, new)
                return names, folders.keep(new, name_of(names), names)
            except BaseException:
                folders.remove(new)
                raise
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(
            f"this is no archive of requirements: {error}; expected what RG.PYEXPORTREQ gave"
        ) from error


def _check_size(archive: tarfile.TarFile) -> None:
    """Go through it once; a small archive can be a very large one that was compressed."""
    size = 0
    for number, member in enumerate(archive):
        size += member.size
        if size > LARGEST or number > MOST_FILES:
            raise ValueError(f"it has more than {LARGEST} bytes or {MOST_FILES} files")


def _names(archive: tarfile.TarFile) -> tuple[str, ...]:
    """Read what the archive says it has."""
    member = archive.getmember(MANIFEST)
    stream = archive.extractfile(member)
    if stream is None or member.size > 1_000_000:
        raise ValueError("its manifest is no file")
    manifest: dict[str, Any] = json.loads(stream.read())
    if manifest["platform"] != platform_tag():
        raise OptionError(
            f"these requirements are for {manifest['platform']!s:.100}, "
            f"this server has {platform_tag()}"
        )
    return parse_all(str(each).encode() for each in manifest["requirements"])


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Write plain files below the folder, and nothing else: no links, no devices, no way out."""
    for member in archive:
        stream = archive.extractfile(member) if member.isfile() else None
        parts = Path(member.name).parts
        if stream is None or not parts or ".." in parts or Path(member.name).is_absolute():
            raise ValueError(f"{member.name[:100]!r} is no plain file below it")
        target = folder.joinpath(*parts)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("xb") as file:
            while piece := stream.read(1 << 20):
                file.write(piece)
        target.chmod(0o700 if member.mode & 0o100 else 0o600)
