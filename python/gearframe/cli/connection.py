"""The options of commands that reach a person's own server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import Group, Parameter

from gearframe.client import connect
from gearframe.exceptions import OptionError

if TYPE_CHECKING:
    from gearframe.client import Client

_GROUP = Group("Connection", sort_key=4)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, kw_only=True)
class ConnectionOptions:
    """How to reach the server, where the URL does not say it.

    A password comes from the environment, because every user of a machine can read the
    arguments of its processes.
    """

    username: str | None = None
    """ACL user."""
    password_env: str | None = None
    """Environment variable that holds the password."""
    ca_file: Path | None = None
    """TLS: authorities to trust, in PEM; without it, the system's."""
    cert_file: Path | None = None
    """TLS: the client's certificate, in PEM."""
    key_file: Path | None = None
    """TLS: the client's private key, in PEM."""
    connect_timeout: float | None = None
    """Seconds for each attempt to connect."""
    read_timeout: float | None = None
    """Seconds of silence after which the server is given up."""

    def connect(self, url: str) -> Client:
        """Connect; what is given here wins over the URL."""
        given: dict[str, Any] = {
            "username": self.username,
            "password": self._password(),
            "ca_file": self.ca_file,
            "cert_file": self.cert_file,
            "key_file": self.key_file,
            "connect_timeout": self.connect_timeout,
            "read_timeout": self.read_timeout,
        }
        return connect(url, **{name: value for name, value in given.items() if value is not None})

    def _password(self) -> str | None:
        if self.password_env is None:
            return None
        password = os.environ.get(self.password_env)
        if password is None:
            raise OptionError(
                f"--password-env names {self.password_env}, which is not set in the environment"
            )
        return password
