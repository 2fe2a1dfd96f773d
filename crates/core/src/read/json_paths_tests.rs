use super::*;
use crate::column::ColumnType;
use crate::read::request::OnError;
use crate::read::stats::ReadStats;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

fn column(name: &str, source: Source, dtype: ColumnType) -> OutputColumn {
    OutputColumn {
        name: name.to_owned(),
        source,
        dtype,
    }
}

fn number(path: &str) -> OutputColumn {
    let source = Source::Path {
        path: path.to_owned(),
        all: false,
        member: None,
    };
    column(path, source, ColumnType::Int64)
}

fn numbers(path: &str) -> OutputColumn {
    let source = Source::Path {
        path: path.to_owned(),
        all: true,
        member: None,
    };
    let inner = Box::new(ColumnType::Int64);
    column(path, source, ColumnType::List { inner })
}

fn member(name: &str) -> OutputColumn {
    let source = Source::Path {
        path: format!("$.{name}"),
        all: false,
        member: Some(name.to_owned()),
    };
    column(name, source, ColumnType::Int64)
}

fn document() -> OutputColumn {
    column("document", Source::Document, ColumnType::String)
}

/// The row that a reply makes: numbers, and texts of all else.
fn row(columns: &[OutputColumn], reply: &str) -> Result<Vec<String>> {
    let mut batch = BatchBuilder::new(columns, OnError::Raise, 1)?;
    let paths = JsonPaths::new(columns);
    match paths.wants_whole() {
        true => {
            paths.fill_from_document(&mut batch, b"k", reply.as_bytes())?;
        }
        false => paths.fill(&mut batch, b"k", reply.as_bytes())?,
    }
    batch.end_row();
    let batch = batch.finish(&ReadStats::default())?;
    let value = |(column, array): (&OutputColumn, &arrow_array::ArrayRef)| match column.dtype {
        _ if array.is_null(0) => "null".to_owned(),
        ColumnType::Int64 => array.as_primitive::<Int64Type>().value(0).to_string(),
        ColumnType::String => array.as_string_view().value(0).to_owned(),
        _ => {
            let list = array.as_list::<i64>().value(0);
            format!("{:?}", list.as_primitive::<Int64Type>().values().to_vec())
        }
    };
    Ok(columns.iter().zip(batch.columns()).map(value).collect())
}

fn texts(columns: &[OutputColumn]) -> Vec<String> {
    let paths = JsonPaths::new(columns);
    paths.texts().map(str::to_owned).collect()
}

#[test]
fn paths_are_asked_once() {
    let columns = [number("$.a"), number("$.b"), number("$.a")];
    assert_eq!(texts(&columns), ["$.a", "$.b"]);
    assert_eq!(texts(&[document()]), [""; 0]);
    assert_eq!(texts(&[document(), number("$.a")]), ["$.a", "$"]);
    assert!(JsonPaths::new(&[document(), member("a")]).wants_whole());
}

#[test]
fn replies_of_every_shape() -> Result<()> {
    let (a, b) = (number("$.a"), number("$.b"));
    assert_eq!(row(&[document()], "{\"a\":1}")?, ["{\"a\":1}"]);
    assert_eq!(row(std::slice::from_ref(&a), "[1]")?, ["1"]);
    assert_eq!(row(std::slice::from_ref(&a), "[]")?, ["null"]);
    assert_eq!(row(std::slice::from_ref(&a), "[null]")?, ["null"]);
    assert_eq!(row(&[numbers("$..a")], "[1,2]")?, ["[1, 2]"]);
    assert_eq!(row(&[numbers("$..a")], "[]")?, ["[]"]);
    let both = [a.clone(), b.clone()];
    assert_eq!(row(&both, r#"{"$.b":[2],"$.a":[]}"#)?, ["null", "2"]);
    let twice = [a.clone(), b, a.clone()];
    assert_eq!(row(&twice, r#"{"$.b":[2],"$.a":[1]}"#)?, ["1", "2", "1"]);
    let whole = [a, document()];
    let reply = r#"{"$.a":[1],"$":[{"a":1, "b":[ ]}]}"#;
    assert_eq!(row(&whole, reply)?, ["1", "{\"a\":1, \"b\":[ ]}"]);
    let quotes = [number(r#"$["a\"b"]"#), number("$.b")];
    assert_eq!(
        row(&quotes, r#"{"$[\"a\\\"b\"]":[1],"$.b":[2]}"#)?,
        ["1", "2"]
    );
    Ok(())
}

#[test]
fn what_is_no_reply_is_an_error() {
    let one = [number("$.a")];
    let two = [number("$.a"), number("$.b")];
    let cases: [(&[OutputColumn], &str); 9] = [
        (&one, ""),
        (&one, "1"),
        (&one, "[1"),
        (&one, "[1,2]"),
        (&one, "[1]]"),
        (&two, "[1]"),
        (&two, r#"{"$.a":[1],"$.b":[1,2]}"#),
        (&two, r#"{"$.a":[1],"$.a":[1],"$.b":[2]}"#),
        (&two, r#"{"$.a":[1],"$.b":[2],"$.c":[3]}"#),
    ];
    for (columns, reply) in cases {
        let kind = row(columns, reply).map_err(|error| error.kind);
        assert_eq!(kind, Err(ErrorKind::Protocol), "{reply}");
    }
    let missing = row(&two, r#"{"$.a":[1]}"#).map_err(|error| error.kind);
    assert_eq!(missing, Err(ErrorKind::Reply));
    let misfit = row(&one, "[1.5]").map_err(|error| error.kind);
    assert_eq!(misfit, Err(ErrorKind::Data));
}

#[test]
fn members_of_a_whole_document() -> Result<()> {
    let columns = [member("a"), document(), member("b"), member("a")];
    let reply = "{\"b\":2,\"x\":[{\"a\":0}],\"a\":1}";
    assert_eq!(row(&columns, reply)?, ["1", reply, "2", "1"]);
    for reply in ["{}", "{\"a\":null}", "[1]", "5", "null", "\"a\""] {
        assert_eq!(row(&columns, reply)?, ["null", reply, "null", "null"]);
    }
    for reply in ["", "{", "{\"a\":1,\"a\":2}", "{}{}", "[1", "{\"a\":}"] {
        let kind = row(&columns, reply).map_err(|error| error.kind);
        assert_eq!(kind, Err(ErrorKind::Protocol), "{reply}");
    }
    Ok(())
}

#[test]
fn other_members_are_seen() -> Result<()> {
    let columns = [member("a"), member("b")];
    let paths = JsonPaths::new(&columns);
    for (reply, others) in [("{\"a\":1}", false), ("{\"c\":1}", true), ("[1]", false)] {
        let mut batch = BatchBuilder::new(&columns, OnError::Raise, 1)?;
        assert_eq!(
            paths.fill_from_document(&mut batch, b"k", reply.as_bytes())?,
            others
        );
    }
    Ok(())
}
