"""What may be asked for as a requirement.

That is what pip takes as one argument, and nothing that it could take for an option, a file of
options or a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gearframe.exceptions import OptionError

LONGEST = 1024
MOST = 256

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_EXTRAS = rf"\[\s*(?P<extras>{_NAME}(?:\s*,\s*{_NAME})*)?\s*\]"
_CLAUSE = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
_VERSIONS = rf"{_CLAUSE}(?:\s*,\s*{_CLAUSE})*"
_SCHEME = r"(?:https?|file|(?:git|hg|svn|bzr)\+(?:https?|ssh|file)|git\+git)"
_URL = rf"{_SCHEME}://[!-~]+"

_BY_NAME = re.compile(
    rf"(?P<name>{_NAME})\s*(?:{_EXTRAS})?\s*"
    rf"(?:@\s*(?P<url>{_URL})|\(?\s*(?P<versions>{_VERSIONS})?\s*\)?)"
    r"\s*(?P<marker>;[ -~]+)?"
)

# Clients that ask for their own package by an address. The package has a name too, under which it
# may be there.
_KNOWN = {"github.com/redisgears/redisgears-py": "gearsclient"}


@dataclass(frozen=True)
class Requirement:
    """A requirement in its parts; `name` is None for an address that does not tell it."""

    text: str
    name: str | None
    extras: tuple[str, ...] = ()
    versions: str = ""
    marker: str = ""
    url: str | None = None


def parse(text: str) -> Requirement:
    """Take a requirement apart.

    Parameters
    ----------
    text : str
        A name with extras, versions and a marker, ``name @ address``, or an address that pip
        knows (``https://``, ``file://``, ``git+https://`` ...).

    Raises
    ------
    OptionError
        It is none of these.

    Examples
    --------
    >>> parse("redgrease[runtime]>=0.3").extras
    ('runtime',)
    >>> parse("git+https://github.com/RedisGears/redisgears-py.git").name
    'gearsclient'
    >>> parse("--index-url=http://evil")
    Traceback (most recent call last):
    gearframe.exceptions.OptionError: ...
    """
    if len(text) > LONGEST:
        raise OptionError(f"a requirement has {len(text)} characters, {LONGEST} at most are taken")
    if re.fullmatch(_URL, text):
        return Requirement(text, _known(text), url=text)
    found = _BY_NAME.fullmatch(text)
    if found is None:
        raise OptionError(
            f"{text[:100]!r} is no requirement; expected a package such as numpy>=2, "
            "or an address such as git+https://host/project.git"
        )
    extras = tuple(each.strip() for each in (found["extras"] or "").split(",") if each.strip())
    marker = (found["marker"] or "").removeprefix(";").strip()
    return Requirement(text, found["name"], extras, found["versions"] or "", marker, found["url"])


def without_password(text: str) -> str:
    """Give a text for the log: addresses in it do not show who asks, nor with which password.

    Examples
    --------
    >>> without_password("git+https://me:secret@host/project.git")
    'git+https://****@host/project.git'
    """
    return re.sub(r"(://)[^/\s]*@", r"\1****@", text)


def parse_all(arguments: Iterable[bytes]) -> tuple[str, ...]:
    """Check the requirements of a command; each is kept once.

    Raises
    ------
    OptionError
        One of them is none, or there are too many.
    """
    names: dict[str, None] = {}
    for argument in dict.fromkeys(arguments):
        text = argument[: 4 * LONGEST + 1].decode("utf-8", "backslashreplace").strip()
        if text and not text.startswith("#"):  # lines of a file of requirements
            names[parse(text).text] = None
    if len(names) > MOST:
        raise OptionError(f"{len(names)} requirements were given, {MOST} at most are taken")
    return tuple(names)


def canonical(name: str) -> str:
    """Write a package's name in its one form.

    Examples
    --------
    >>> canonical("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _known(url: str) -> str | None:
    place = re.sub(r"^[^:]*://(?:[^@/]*@)?", "", url).split("#")[0].split("@")[0]
    return _KNOWN.get(place.removesuffix(".git").lower())
