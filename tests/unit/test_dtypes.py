from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gearframe.dtypes import dtype_text, parse_dtype, parse_schema
from gearframe.exceptions import SchemaError


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("Int8", pl.Int8()),
        ("Int128", pl.Int128()),
        ("UInt64", pl.UInt64()),
        ("Float32", pl.Float32()),
        ("Boolean", pl.Boolean()),
        (" String ", pl.String()),
        ("Binary", pl.Binary()),
        ("Categorical", pl.Categorical()),
        ("Date", pl.Date()),
        ("Time", pl.Time()),
        ("Datetime", pl.Datetime("us")),
        ("Datetime[ms]", pl.Datetime("ms")),
        ("Datetime[us, UTC]", pl.Datetime("us", "UTC")),
        ("Datetime[ns,Europe/Berlin]", pl.Datetime("ns", "Europe/Berlin")),
        ("Duration", pl.Duration("us")),
        ("Duration[ms]", pl.Duration("ms")),
        ("Decimal", pl.Decimal(38, 0)),
        ("Decimal[10,2]", pl.Decimal(10, 2)),
        ("List[Int64]", pl.List(pl.Int64())),
        ("List[List[Decimal[10,2]]]", pl.List(pl.List(pl.Decimal(10, 2)))),
        ("Array[Float32,3]", pl.Array(pl.Float32(), 3)),
        (
            "Struct[x=Float64,y=List[Int8]]",
            pl.Struct({"x": pl.Float64(), "y": pl.List(pl.Int8())}),
        ),
        ("Enum[red,green]", pl.Enum(["red", "green"])),
    ],
)
def test_dtypes(text: str, dtype: pl.DataType) -> None:
    assert parse_dtype(text) == dtype
    assert parse_dtype(dtype_text(dtype)) == dtype


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int64", "there is no dtype 'int64'; did you mean Int64?"),
        ("str", "did you mean String?"),
        ("Foo", "there is no dtype 'Foo'; expected one of Int8, Int16"),
        ("", "'' is not a dtype; expected one of Int8"),
        ("Int64[3]", "Int64 takes nothing in brackets"),
        ("List", "write List[Int64]"),
        ("List[]", "'' is not a dtype"),
        ("List[Int64", "'List[Int64' is not a dtype"),
        ("List[Int64]]", "has a ] without its ["),
        ("Datetime[s]", "write Datetime, Datetime[ms] or Datetime[us,UTC]"),
        ("Datetime[us,]", "write Datetime, Datetime[ms] or Datetime[us,UTC]"),
        ("Datetime[us,*]", "write Datetime, Datetime[ms] or Datetime[us,UTC]"),
        ("Decimal[10]", "write Decimal or Decimal[10,2]"),
        ("Decimal[39,2]", "write Decimal or Decimal[10,2]"),
        ("Decimal[2,3]", "write Decimal or Decimal[10,2]"),
        ("Array[Float32,0]", "write Array[Float32,3]"),
        ("Enum[a,a]", "write Enum[red,green]"),
        ("Struct[x]", "'x' in the schema is not name=dtype"),
    ],
)
def test_no_dtypes(text: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_dtype(text)
    assert message in str(caught.value)


def test_schema() -> None:
    assert list(parse_schema("b=Decimal[10,2], a=List[Int64],_x=String").items()) == [
        ("b", pl.Decimal(10, 2)),
        ("a", pl.List(pl.Int64())),
        ("_x", pl.String()),
    ]


def test_schema_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"a,b": "Int64", "c=d": "Datetime[us,UTC]"}')
    assert parse_schema(f"@{path}") == {"a,b": pl.Int64(), "c=d": pl.Datetime("us", "UTC")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' in the schema is not name=dtype"),
        ("age", "'age' in the schema is not name=dtype; write, for instance, name=String"),
        ("age=Int64,", "'' in the schema is not name=dtype"),
        ("=Int64", "is not name=dtype"),
        ("age=Int64,age=Int8", "the schema names 'age' twice"),
        ("age=int", "field 'age': there is no dtype 'int'; did you mean Int64?"),
        ("age=List[Int64", "has a [ without its ]"),
        ("@/nowhere/schema.json", "cannot read the schema in /nowhere/schema.json: No such file"),
    ],
)
def test_no_schemas(text: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_schema(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: String", "is not JSON"),
        ('["name"]', "holds no schema; expected a JSON object"),
        ('{"name": 5}', "the dtype of 'name' is not a text"),
        ('{"name": {"a": "Int64"}}', "the dtype of 'name' is not a text"),
        ('{"name": "Int64", "name": "Int8"}', "the schema names 'name' twice"),
    ],
)
def test_no_schemas_in_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(SchemaError) as caught:
        parse_schema(f"@{path}")
    assert message in str(caught.value)
