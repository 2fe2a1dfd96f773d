"""The ``with_`` methods that several classes of options share. Each changes the object itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class WithPages:
    """Which keys, in which steps, and how many rows."""

    pattern: str
    batch_size: int
    count_hint: int
    n_rows: int | None

    def with_pattern(self, pattern: str) -> Self:
        """Set the pattern of the keys."""
        self.pattern = pattern
        return self

    def with_batch_size(self, size: int) -> Self:
        """Set the most rows in a batch."""
        self.batch_size = size
        return self

    def with_count_hint(self, count: int) -> Self:
        """Set COUNT of SCAN."""
        self.count_hint = count
        return self

    def with_n_rows(self, n: int) -> Self:
        """Set the most rows of all."""
        self.n_rows = n
        return self


class WithKey:
    """The column with the key."""

    include_key: bool
    key_column_name: str

    def with_key(self, include: bool = True, name: str | None = None) -> Self:
        """Set whether there is a column with the key, and its name."""
        self.include_key = include
        if name is not None:
            self.key_column_name = name
        return self


class WithTtl:
    """The column with the time to live."""

    include_ttl: bool
    ttl_column_name: str

    def with_ttl(self, include: bool = True, name: str | None = None) -> Self:
        """Set whether there is a column with the time to live, and its name."""
        self.include_ttl = include
        if name is not None:
            self.ttl_column_name = name
        return self


class WithRowIndex:
    """The column that numbers the rows from 0."""

    include_row_index: bool
    row_index_column_name: str

    def with_row_index(self, include: bool = True, name: str | None = None) -> Self:
        """Set whether there is a column that numbers the rows, and its name."""
        self.include_row_index = include
        if name is not None:
            self.row_index_column_name = name
        return self


class WithRowIndexFrom:
    """The column that numbers the rows from any number."""

    include_row_index: bool
    row_index_column_name: str
    row_index_offset: int

    def with_row_index(
        self, include: bool = True, name: str | None = None, offset: int | None = None
    ) -> Self:
        """Set whether there is a column that numbers the rows, its name and its first number."""
        self.include_row_index = include
        if name is not None:
            self.row_index_column_name = name
        if offset is not None:
            self.row_index_offset = offset
        return self


class WithProjection:
    """The fields to read."""

    projection: list[str] | None

    def with_projection(self, fields: list[str]) -> Self:
        """Set the fields to read."""
        self.projection = fields
        return self


class WithMember:
    """The column with the member."""

    member_column_name: str

    def with_member_column_name(self, name: str) -> Self:
        """Set the name of the column with the member."""
        self.member_column_name = name
        return self


class WithValue:
    """The column with the value."""

    value_column_name: str

    def with_value_column_name(self, name: str) -> Self:
        """Set the name of the column with the value."""
        self.value_column_name = name
        return self
