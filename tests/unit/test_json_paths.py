"""Which JSONPaths match one value at most, and how a member's name becomes a path."""

from __future__ import annotations

import pytest

from gearframe.exceptions import OptionError, SchemaError
from gearframe.io.json_paths import check_path, is_definite, member_path

DEFINITE = [
    "$", "$.a", "$.a.b", "$.a[0]", "$.a[-1]", "$[10]", '$["a b"]', "$['a b']", '$["a.*"]',
    '$["[*]"].x', "$['..']", '$["a\\"b"]', '$[""]', "$.a-b", "$.1", "$.$", "$['it\\'s']['x']",
]  # fmt: skip
INDEFINITE = [
    "$..a", "$.*", "$[*]", "$.a[0:1]", "$.a[:]", "$.a[0,1]", "$['a','b']", "$.a[?(@>1)]", "$..*",
    '$["a"][*]', "$.a.", "$[", "$.a b", "$.a[01]", '$["a]', "$.length()", "$.a~", "$a",
]  # fmt: skip


@pytest.mark.parametrize("path", DEFINITE)
def test_paths_of_one_value(path: str) -> None:
    assert is_definite(path)


@pytest.mark.parametrize("path", INDEFINITE)
def test_paths_of_many_values_or_unknown(path: str) -> None:
    assert not is_definite(path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("name", "$.name"),
        ("_1", "$._1"),
        ("1", '$["1"]'),
        ("", '$[""]'),
        ("a.b", '$["a.b"]'),
        ("ż", '$["ż"]'),
        ('a"b', '$["a\\"b"]'),
        ("a'b", '$["a\'b"]'),
        ("a\\", '$["a\\\\"]'),
        ("a\n'", "$['a\n\\'']"),
    ],
)
def test_the_path_of_a_name(name: str, path: str) -> None:
    assert member_path(name) == path
    assert is_definite(path)


def test_a_name_that_begins_with_a_blank() -> None:
    for path in ('$[" a"]', "$.x[' a']", "$['x',' a']", '$[?(@.x==" a")]'):
        with pytest.raises(SchemaError, match="begins with a blank"):
            check_path(path, "c")
    with pytest.raises(SchemaError, match="begins with a blank"):
        member_path(" a")
    assert check_path('$["a "]', "c") == '$["a "]'


@pytest.mark.parametrize(
    ("path", "modern"),
    [(".", "$"), (".a", "$.a"), ("a.b", "$.a.b"), ("['a']", "$['a']"), ("..a", "$..a")],
)
def test_a_legacy_path_says_what_to_write(path: str, modern: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_path(path, "c")
    assert str(caught.value).endswith(f"write {modern!r}")


@pytest.mark.parametrize("path", ["$.\0", "$.\ud800", "", " ", None, b"$.a"])
def test_what_no_path_is(path: object) -> None:
    with pytest.raises(OptionError):
        check_path(path, "c")
