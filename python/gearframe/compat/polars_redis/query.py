"""Conditions in the manner of Polars that become RediSearch queries, as polars-redis has them.

The texts are for DIALECT 2. What RediSearch cannot answer is never dropped: `Expr.to_redis`
refuses it, and `Expr.get_client_filter` hands it to Polars.
"""

from __future__ import annotations

from gearframe.compat.polars_redis._query.column import Column, MultiFieldExpr
from gearframe.compat.polars_redis._query.conditions import Raw
from gearframe.compat.polars_redis._query.expr import Everything, Expr, every
from gearframe.exceptions import OptionError

__all__ = ["Column", "Expr", "MultiFieldExpr", "col", "cols", "match_all", "match_none", "raw"]


def col(name: str) -> Column:
    r"""Name a field, to be compared.

    Parameters
    ----------
    name : str
        The field, or the alias that the index has for it.

    Returns
    -------
    Column
        An `Expr` once it is compared, or one of its methods is called.

    Raises
    ------
    OptionError
        If it is no name; from its methods, for what cannot be asked for.

    Notes
    -----
    Sends nothing. A TAG field is compared without case and without spaces around, unless it is
    CASESENSITIVE; a value that has the field's separator in it is never found.

    Examples
    --------
    >>> from gearframe.compat.polars_redis import col
    >>> ((col("age") > 30) & (col("city") == "Port-au-Prince")).to_redis()
    '@age:[(30 +inf] @city:{Port\\-au\\-Prince}'
    """
    return Column(name)


def cols(*names: str) -> MultiFieldExpr:
    """Name several TEXT fields, to be searched together.

    Parameters
    ----------
    *names : str
        The fields.

    Returns
    -------
    MultiFieldExpr
        With ``contains`` and ``starts_with``.

    Raises
    ------
    OptionError
        If there is none, or it is no name.

    Notes
    -----
    Sends nothing.

    Examples
    --------
    >>> from gearframe.compat.polars_redis import cols
    >>> cols("title", "body").contains("hello world").to_redis()
    '@title|body:(hello world)'
    """
    if not names or not all(isinstance(name, str) and name for name in names):
        raise OptionError(f"names is {names!r}; expected at least one name of a field")
    return MultiFieldExpr(names)


def raw(query: str) -> Expr:
    """Take a query as it is, for what the builder has no method for.

    Parameters
    ----------
    query : str
        A query of RediSearch. Nothing in it is escaped.

    Returns
    -------
    Expr
        Combined with others, it stands in parentheses.

    Raises
    ------
    OptionError
        If it is no text, or empty.

    Notes
    -----
    Sends nothing.

    Examples
    --------
    >>> from gearframe.compat.polars_redis import col, raw
    >>> (raw("@name:ann | @name:bob") & (col("age") > 25)).to_redis()
    '(@name:ann | @name:bob) @age:[(25 +inf]'
    """
    if not isinstance(query, str) or not query.strip():
        raise OptionError(f"query is {query!r}; expected a query of RediSearch, such as '*'")
    return Everything() if query.strip() == "*" else Raw(query)


def match_all() -> Expr:
    """Find all documents.

    Returns
    -------
    Expr

    Examples
    --------
    >>> from gearframe.compat.polars_redis import match_all
    >>> match_all().to_redis()
    '*'
    """
    return every()


def match_none() -> Expr:
    """Find no document.

    Returns
    -------
    Expr

    Examples
    --------
    >>> from gearframe.compat.polars_redis import match_none
    >>> match_none().to_redis()
    'nothing -nothing'
    """
    return Raw("nothing -nothing")
