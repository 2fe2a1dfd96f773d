"""What stands under the key of a cached frame: where its chunks are, and what they must be.

The chunks of a frame stand under other keys, whose names hold a number made for this one
write. The entry under the key itself is small, and is replaced in one step: whoever reads it
gets the chunks of the old frame or those of the new one, never some of each.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import polars as pl

from gearframe.exceptions import DataError, OptionError

Format: TypeAlias = Literal["ipc", "parquet"]

MAGIC = b"gearframe:cache:1\n"
"""What every header begins with; the number is that of the layout."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a frame, as one value."""

    rows: int
    size: int
    checksum: int

    @classmethod
    def of(cls, rows: int, data: bytes) -> Chunk:
        """Describe the bytes of some rows."""
        return cls(rows, len(data), zlib.crc32(data))

    def fits(self, data: bytes) -> bool:
        """Tell whether these are the bytes that were written."""
        return len(data) == self.size and zlib.crc32(data) == self.checksum


@dataclass(frozen=True)
class Header:
    """All about a cached frame but its values."""

    format: Format
    compression: str
    generation: str
    created: float
    schema: pl.Schema
    chunks: tuple[Chunk, ...]

    @property
    def rows(self) -> int:
        """Rows of the frame."""
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def size(self) -> int:
        """Bytes of all chunks."""
        return sum(chunk.size for chunk in self.chunks)

    def chunk_key(self, key: bytes, number: int) -> bytes:
        """Name the key of one chunk."""
        return b"%s:chunk:%s:%d" % (key, self.generation.encode(), number)

    def chunk_keys(self, key: bytes) -> list[bytes]:
        """Name the keys of all chunks."""
        return [self.chunk_key(key, number) for number in range(len(self.chunks))]

    def to_bytes(self) -> bytes:
        """Write the header down."""
        facts = asdict(self)
        facts["schema"] = base64.b64encode(_schema_to_bytes(self.schema)).decode()
        facts["chunks"] = [[each.rows, each.size, each.checksum] for each in self.chunks]
        text = json.dumps(facts, separators=(",", ":")).encode()
        return MAGIC + b"%08x" % zlib.crc32(text) + text

    @classmethod
    def from_bytes(cls, key: bytes, data: bytes) -> Header:
        """Read a header.

        Raises
        ------
        DataError
            If it is none, or is damaged.
        """
        if not data.startswith(MAGIC):
            raise foreign(key)
        checksum, text = data[len(MAGIC) :][:8], data[len(MAGIC) + 8 :]
        if checksum != b"%08x" % zlib.crc32(text):
            raise damaged(key, "its header is not what was written")
        facts: dict[str, Any] = json.loads(text)
        facts["schema"] = _schema_from_bytes(base64.b64decode(facts["schema"]))
        facts["chunks"] = tuple(Chunk(*each) for each in facts["chunks"])
        return cls(**facts)


def foreign(key: bytes) -> DataError:
    """Say that a key holds something that is not of this cache."""
    error = DataError(
        f"key {shown(key)} holds something that cache_dataframe has not written; "
        "choose another key, or delete it first"
    )
    error.key = key
    return error


def damaged(key: bytes, why: str) -> DataError:
    """Say that a cached frame cannot be what was written."""
    error = DataError(f"the cached frame under {shown(key)} is damaged: {why}; cache it again")
    error.key = key
    return error


def shown(key: bytes) -> str:
    """Show a key in a message."""
    return repr(key.decode("utf-8", "backslashreplace"))


def key_of(key: str | bytes) -> bytes:
    """Check a key."""
    if not isinstance(key, str | bytes) or not key:
        raise OptionError(f"key is {key!r}; expected a text or bytes, such as 'report:today'")
    return key.encode() if isinstance(key, str) else key


def _schema_to_bytes(schema: pl.Schema) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(schema=schema).write_ipc(buffer)
    return buffer.getvalue()


def _schema_from_bytes(data: bytes) -> pl.Schema:
    return pl.read_ipc(data).schema
