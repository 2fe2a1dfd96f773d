"""How sure a sample makes us: a lower bound for the share of all values that parse."""

from __future__ import annotations

import math

_DOUBT = 0.05
_Z = 1.6448536269514722  # the normal distribution leaves 5 % above it


def lower_bound(parsed: int, values: int) -> float:
    """Give the share of values that parse at least, with 95 % certainty.

    Parameters
    ----------
    parsed, values : int
        How many values of a random sample parse, and how many it has.

    Returns
    -------
    float
        From 0 to 1; 0 without values.

    Notes
    -----
    If all of them parse, the exact bound of Clopper and Pearson (Biometrika 26, 1934):
    ``0.05 ** (1 / n)``, which is nearly ``1 - 3 / n``, the rule of three (Hanley and
    Lippman-Hand, JAMA 249, 1983). Otherwise Wilson's (J. Amer. Statist. Assoc. 22, 1927).

    Examples
    --------
    >>> round(lower_bound(1000, 1000), 4), round(lower_bound(3, 3), 4)
    (0.997, 0.3684)
    """
    if values == 0:
        return 0.0
    if parsed == values:
        return math.pow(_DOUBT, 1 / values)
    share, square = parsed / values, _Z * _Z / values
    spread = _Z * math.sqrt(share * (1 - share) / values + square / (4 * values))
    return max(0.0, (share + square / 2 - spread) / (1 + square))
