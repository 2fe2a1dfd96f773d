"""Columns of texts out of documents: a string's text, and the JSON text of every other value.

gearframe's own scan tells a text from a number, and refuses the number. polars-redis did not, so
such columns are taken out of the whole document here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.selectors import by_name

from gearframe.exceptions import SchemaError
from gearframe.io.json import scan_json
from gearframe.io.json_paths import check_path, is_definite, member_path
from gearframe.io.options import reserved_names
from gearframe.schema import normalize_schema

if TYPE_CHECKING:
    from gearframe.client import Client
    from gearframe.io.options import ScanOptions

_DOCUMENT = "__compat_document"


def with_texts(
    client: Client,
    pattern: str,
    members: Mapping[str, Any],
    path: str,
    options: ScanOptions,
) -> pl.LazyFrame:
    """Scan documents, with the columns in the order of ``members``."""
    at = check_path(path, "path")
    if not is_definite(at):
        raise SchemaError(
            f"path is {path!r}, which can match more than one object; give one of members and "
            "places alone, or use gearframe.scan_json(paths=…)"
        )
    schema = normalize_schema(members, reserved=reserved_names(options) | {_DOCUMENT})
    texts = [
        name for name, dtype in schema.items() if dtype == pl.String and _can_be_found(name, at)
    ]
    others = {name: dtype for name, dtype in schema.items() if name not in texts}
    lf = scan_json(
        client,
        pattern,
        others,
        paths={name: at + member_path(name)[1:] for name in others},
        document_column=_DOCUMENT if texts else None,
        **options,
    )
    if not texts:
        return lf
    document = pl.col(_DOCUMENT).str
    found = [document.json_path_match(f"{at}['{name}']").alias(name) for name in texts]
    before = [name for name in lf.collect_schema() if name not in (*others, _DOCUMENT)]
    # A selector takes what looks like a pattern for a name.
    return lf.with_columns(found).select(by_name(*before, *schema))


def _can_be_found(name: str, path: str) -> bool:
    """Whether Polars' JSONPath takes the name as it is: it knows no escapes."""
    is_plain = not any(character in "'\"\\" or character < " " for character in name)
    return is_plain and "\\" not in path
