"""JSONPaths: the path of a member, and whether a path can match more than one value."""

from __future__ import annotations

import re

from gearframe.exceptions import OptionError, SchemaError

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED = re.compile(r"\.[\w$#%^/+`:-]+")
_INDEX = re.compile(r"\[(?:0|-?[1-9][0-9]*)\]")
_QUOTED = re.compile(r"""\[(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]""", re.DOTALL)
_TEXT = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""", re.DOTALL)


def member_path(name: str) -> str:
    r"""Give the path of a member of the document.

    Parameters
    ----------
    name : str
        The member's name, of any characters.

    Returns
    -------
    str
        ``$.name``, or in brackets and quotes where the name needs them.

    Raises
    ------
    SchemaError
        If the name begins with a blank, which no path can say to RedisJSON.

    Examples
    --------
    >>> from gearframe.io.json_paths import member_path
    >>> member_path("name"), member_path("first name"), member_path('a"b')
    ('$.name', '$["first name"]', '$["a\\"b"]')
    """
    if _IDENTIFIER.fullmatch(name):
        return f"$.{name}"
    check_blank(name)
    # RedisJSON takes a control character as it is and no escape of it; valkey-json takes it so in
    # single quotes, and in double quotes only escaped.
    quote = "'" if any(character < " " for character in name) else '"'
    escaped = name.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"$[{quote}{escaped}{quote}]"


def member_of(path: str) -> str | None:
    """Give the name of the document's member that a path stands for, if it is written plainly.

    Parameters
    ----------
    path : str
        A path that begins with ``$``.

    Returns
    -------
    str or None
        None for all paths but those such as ``$.name``.

    Examples
    --------
    >>> from gearframe.io.json_paths import member_of
    >>> member_of("$.name"), member_of("$.name.first")
    ('name', None)
    """
    name = path.removeprefix("$.")
    return name if name != path and _IDENTIFIER.fullmatch(name) else None


def check_path(path: object, column: str) -> str:
    """Refuse what is no JSONPath.

    Parameters
    ----------
    path : object
        What a caller gave as a path.
    column : str
        The column's name, for the message.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OptionError
        For a path that does not begin with ``$``; the message says what to write.
    SchemaError
        For the name of a member, or a text in a filter, that begins with a blank.

    Examples
    --------
    >>> from gearframe.io.json_paths import check_path
    >>> check_path(".address.city", "city")
    Traceback (most recent call last):
    ...
    gearframe.exceptions.OptionError: paths: '.address.city' for column 'city' is a legacy path; \
write '$.address.city'
    """
    if not isinstance(path, str) or not path.strip():
        raise OptionError(
            f"paths: {path!r} for column {column!r} is no path; expected one such as '$.{column}'"
        )
    if not path.startswith("$"):
        raise OptionError(
            f"paths: {path!r} for column {column!r} is a legacy path; write {_modern(path)!r}"
        )
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in path):
        raise OptionError(f"paths: {path!r} for column {column!r} has a character that no path has")
    for text in _TEXT.finditer(path):
        check_blank(text[1] or text[2] or "")
    return path


def is_definite(path: str) -> bool:
    """Tell whether a path can match one value at most.

    Parameters
    ----------
    path : str
        A path that begins with ``$``.

    Returns
    -------
    bool
        True for members and places of arrays alone. False for all else, also for what is not
        understood here.

    Examples
    --------
    >>> from gearframe.io.json_paths import is_definite
    >>> is_definite("$.tags[0]"), is_definite("$.tags[*]"), is_definite("$..name")
    (True, False, False)
    """
    at = 1
    while at < len(path):
        step = _DOTTED.match(path, at) or _INDEX.match(path, at) or _QUOTED.match(path, at)
        if step is None:
            return False
        at = step.end()
    return True


def check_blank(name: str) -> None:
    """Refuse the name of a member that begins with a blank.

    RedisJSON skips blanks behind the quote of a path, and answers with the member whose name
    lacks them: a wrong value without a word.
    """
    if name.startswith(" "):
        raise SchemaError(
            f"{name!r} begins with a blank, which RedisJSON leaves out of a path, to answer with "
            f"another member; read its parent as pl.Struct({{{name!r}: ...}}), for instance with "
            "paths={'parent': '$'}"
        )


def _modern(path: str) -> str:
    """Write a legacy path as a JSONPath."""
    if path == ".":
        return "$"
    return f"${path}" if path.startswith((".", "[")) else f"$.{path}"
