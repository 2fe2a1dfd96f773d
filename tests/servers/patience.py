"""Connecting with short time-outs on a machine that may be busy."""

from __future__ import annotations

from typing import Any

import gearframe as gf
from gearframe.exceptions import ServerTimeoutError

ATTEMPTS = 40


def connect_impatiently(url: str, **options: Any) -> gf.Client:
    """Connect with a ``read_timeout`` that is short for the test's sake.

    The time-out holds for the greeting as well, which a busy machine may take longer for, so a
    greeting that timed out is tried again; what is tested comes after it.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return gf.connect(url, retries=0, **options)
        except ServerTimeoutError:
            continue
    return gf.connect(url, retries=0, **options)
