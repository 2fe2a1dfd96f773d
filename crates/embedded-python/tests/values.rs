//! Values and records to Python and back, on every Python of the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod common;

use common::{TABLE, on_every_python, run};
use gearframe_embedded_python::{Payload, Python, Records, Row, Span, Value};

/// A small xorshift: the same trees in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn bytes(&mut self) -> Vec<u8> {
        let alphabet: &[u8] = if self.below(2) == 0 {
            b"abc0"
        } else {
            b"a\0\x7f\x80\xc3\xbc\xff\xf0"
        };
        (0..self.below(12))
            .map(|_| alphabet[self.below(alphabet.len() as u64) as usize])
            .collect()
    }

    fn text(&mut self) -> String {
        (0..self.below(8))
            .map(|_| ['a', 'ü', '€', '\0', '😀', '\n'][self.below(6) as usize])
            .collect()
    }

    /// A value that has a hash.
    fn plain(&mut self) -> Value {
        match self.below(10) {
            0 => Value::None,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int([0, 1, -1, i64::MAX, i64::MIN, 255, 1 << 40][self.below(7) as usize]),
            3 => Value::BigInt(format!(
                "{}9223372036854775808{:0>1$}",
                "-",
                self.below(30) as usize + 1
            )),
            4 => Value::BigInt("9223372036854775808".into()),
            5 => Value::Float(
                [0.5, -1.0, 1e300, f64::INFINITY, f64::NEG_INFINITY][self.below(5) as usize],
            ),
            6 => Value::Bytes(self.bytes()),
            7 => Value::Text(self.text()),
            8 => Value::Key(self.bytes()),
            _ => Value::Error(self.text()),
        }
    }

    fn tree(&mut self, depth: u64) -> Value {
        let length = self.below(5);
        match self.below(if depth == 0 { 2 } else { 8 }) {
            0 => Value::Bulk(self.bytes()),
            1 | 2 => self.plain(),
            3 => Value::List((0..length).map(|_| self.tree(depth - 1)).collect()),
            4 => Value::Tuple((0..length).map(|_| self.tree(depth - 1)).collect()),
            5 | 6 => Value::Dict(
                (0..length)
                    .map(|i| (Value::Int(i as i64), self.tree(depth - 1)))
                    .collect(),
            ),
            _ => Value::Set(
                (0..length)
                    .map(|i| Value::Tuple(vec![Value::Int(i as i64), self.plain()]))
                    .collect(),
            ),
        }
    }
}

/// What comes back, sets in an order of their own.
fn back(value: &Value) -> Value {
    let all = |values: &[Value]| values.iter().map(back).collect::<Vec<_>>();
    match value {
        Value::Bulk(bytes) | Value::Key(bytes) => match String::from_utf8(bytes.clone()) {
            Ok(text) => Value::Text(text),
            Err(_) => Value::Bytes(bytes.clone()),
        },
        Value::Error(text) => Value::Text(text.clone()),
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Dict(pairs) => Value::Dict(pairs.iter().map(|(k, v)| (back(k), back(v))).collect()),
        Value::Set(items) => {
            let mut items = all(items);
            items.sort_by_key(|item| format!("{item:?}"));
            Value::Set(items)
        }
        other => other.clone(),
    }
}

#[test]
fn every_tree_comes_back() {
    on_every_python("every_tree_comes_back", |python| {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..60 {
            let trees = Value::List((0..50).map(|_| random.tree(4)).collect());
            let got = run(&python, "echo", vec![trees.clone()]);
            assert_eq!(back(&got), back(&trees));
        }
    });
}

#[test]
fn each_value_has_its_type() {
    on_every_python("each_value_has_its_type", |python| {
        let (good, bad) = (b"\xc3\xbc".to_vec(), b"\xff".to_vec());
        let given = vec![
            (Value::Bulk(good.clone()), "str"),
            (Value::Bulk(bad.clone()), "bytearray"),
            (Value::Bulk(vec![]), "str"),
            (Value::Key(good), "str"),
            (Value::Key(bad.clone()), "bytes"),
            (Value::Error("ERR".into()), "str"),
            (Value::BigInt("12".into()), "int"),
            (Value::Set(vec![Value::Int(1)]), "set"),
            (Value::Set(vec![Value::Int(1), Value::Bulk(bad)]), "list"), // a bytearray has no hash
            (Value::Tuple(vec![]), "tuple"),
            (Value::Records(Box::default()), "list"),
        ];
        let (values, names): (Vec<_>, Vec<_>) = given.into_iter().unzip();
        let names = names
            .into_iter()
            .map(|name| Value::Text(name.into()))
            .collect();
        assert_eq!(
            run(&python, "types", vec![Value::List(values)]),
            Value::List(names)
        );
    });
}

#[test]
fn other_shapes_from_python() {
    on_every_python("other_shapes_from_python", |python| {
        let want = vec![
            Value::Bytes(b"ac".to_vec()),
            Value::Bytes(b"x".to_vec()),
            Value::Set(vec![Value::Int(1)]),
            Value::Text("t".into()),
            Value::Bool(true),
            Value::BigInt("9223372036854775808".into()),
            Value::Int(i64::MIN),
            Value::Int(-1),
            Value::Float(-1.0),
        ];
        assert_eq!(run(&python, "shapes", vec![]), Value::List(want));
    });
}

#[test]
fn what_is_no_value_is_refused() {
    on_every_python("what_is_no_value_is_refused", |python| {
        let Value::List(errors) = run(&python, "refused", vec![]) else {
            panic!()
        };
        let wants = [
            ("TypeError", "cannot hand object <object object at "),
            (
                "TypeError",
                "cannot hand str 'a\\ud800b' to the host: it has lone surrogates",
            ),
            ("ValueError", "nested deeper than 1000 levels"),
            ("ValueError", "or holds itself"),
            (
                "TypeError",
                "cannot hand complex 3j to the host: expected None, bool",
            ),
            ("ValueError", "4300"),
            ("TypeError", "cannot hand range range(0, 3)"),
            ("TypeError", "cannot hand type <class 'int'>"),
        ];
        assert_eq!(errors.len(), wants.len());
        for (error, (class, text)) in errors.iter().zip(wants) {
            let Value::List(error) = error else { panic!() };
            let [Value::Text(got), Value::Text(said)] = &error[..] else {
                panic!()
            };
            assert!(
                got == class && said.contains(text),
                "{got}: {said}; expected {class}: {text}"
            );
        }
    });
}

/// What Python prints of the value, or the exception that making it was.
fn printed(python: &Python, value: Value) -> String {
    *TABLE.lock().unwrap() = value;
    match run(python, "taken", vec![]) {
        Value::Text(text) => text,
        other => format!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_made_is_an_exception() {
    on_every_python("what_cannot_be_made_is_an_exception", |python| {
        let mut deep = Value::None;
        for _ in 0..1100 {
            deep = Value::List(vec![deep]);
        }
        let digits = |text: &str| Value::BigInt(text.into());
        let unhashable = Value::Dict(vec![(Value::List(vec![]), Value::None)]);
        for (value, class) in [
            (deep, "ValueError"),
            (digits("1\0"), "ValueError"),
            (digits("one"), "ValueError"),
            (unhashable, "TypeError"),
        ] {
            let text = printed(&python, value);
            assert!(text.contains(class), "{text}; expected {class}");
        }
    });
}

#[derive(Default)]
struct Batch(Records);

impl Batch {
    fn span(&mut self, bytes: &[u8]) -> Span {
        let start = self.0.bytes.len() as u32;
        self.0.bytes.extend_from_slice(bytes);
        Span {
            start,
            len: bytes.len() as u32,
        }
    }

    /// The index of the first span, and their number.
    fn spans(&mut self, all: &[&[u8]]) -> (u32, u32) {
        let first = self.0.spans.len() as u32;
        for bytes in all {
            let span = self.span(bytes);
            self.0.spans.push(span);
        }
        (first, all.len() as u32)
    }

    fn row(&mut self, key: &[u8], kind: &'static str, payload: Payload) {
        let key = self.span(key);
        self.0.rows.push(Row { key, kind, payload });
    }

    fn hash(&mut self, key: &[u8], pairs: &[&[u8]]) {
        let (first, count) = self.spans(pairs);
        self.row(key, "hash", Payload::Pairs { first, count });
    }

    fn value(self, with_value: bool) -> Value {
        Value::Records(Box::new(Records {
            with_value,
            ..self.0
        }))
    }
}

#[test]
fn records_of_every_type() {
    on_every_python("records_of_every_type", |python| {
        let mut batch = Batch::default();
        let text = batch.span(b"\xc3\xbc");
        batch.row(b"s", "string", Payload::Text(text));
        let binary = batch.span(b"\xff");
        batch.row(b"\xfe", "string", Payload::Text(binary));
        let (first, count) = batch.spans(&[b"1", b"\xff", b"1"]);
        batch.row(b"l", "list", Payload::Items { first, count });
        let (first, count) = batch.spans(&[b"m", b"m"]);
        batch.row(b"m", "set", Payload::Members { first, count });
        batch.0.scores.extend([0.5, 1.0, f64::INFINITY]);
        let (first, count) = batch.spans(&[b"b", b"\xff"]);
        batch.row(
            b"z",
            "zset",
            Payload::Scored {
                first,
                count,
                first_score: 1,
            },
        );
        batch.row(b"e", "empty", Payload::Nothing);
        batch.row(
            b"x",
            "stream",
            Payload::Tree(Value::List(vec![Value::Int(7)])),
        );
        batch.hash(b"h", &[b"f", b"\xff", b"\xff", b"v"]);
        let want = "[{'key': 's', 'value': '\\xfc', 'type': 'string', 'event': None}, \
            {'key': b'\\xfe', 'value': bytearray(b'\\xff'), 'type': 'string', 'event': None}, \
            {'key': 'l', 'value': ['1', bytearray(b'\\xff'), '1'], 'type': 'list', 'event': None}, \
            {'key': 'm', 'value': {'m'}, 'type': 'set', 'event': None}, \
            {'key': 'z', 'value': {'b': 1.0, b'\\xff': inf}, 'type': 'zset', 'event': None}, \
            {'key': 'e', 'value': None, 'type': 'empty', 'event': None}, \
            {'key': 'x', 'value': [7], 'type': 'stream', 'event': None}, \
            {'key': 'h', 'value': {'f': bytearray(b'\\xff'), b'\\xff': 'v'}, 'type': 'hash', 'event': None}]";
        let keys = "[{'key': 's', 'event': None}, {'key': b'\\xfe', 'event': None}, {'key': 'l', 'event': None}, ";
        let rows = batch.0.clone();
        assert_eq!(printed(&python, batch.value(true)), want);
        let text = printed(&python, Batch(rows).value(false));
        assert!(text.starts_with(keys), "{text}");
    });
}

#[test]
fn hashes_of_changing_fields() {
    on_every_python("hashes_of_changing_fields", |python| {
        let mut random = Random(42);
        for _ in 0..20 {
            let (mut batch, mut want) = (Batch::default(), Vec::new());
            for i in 0..200 {
                // Few names in any order, so that the same shape comes often, and the same name twice too.
                let shape = random.below(6);
                let names: Vec<u64> = (0..1 + shape).map(|_| random.below(2) * shape).collect();
                let pairs: Vec<(String, String)> = names
                    .iter()
                    .map(|n| (format!("f{n}"), format!("v{i}")))
                    .collect();
                let flat: Vec<&[u8]> = pairs
                    .iter()
                    .flat_map(|(n, v)| [n.as_bytes(), v.as_bytes()])
                    .collect();
                batch.hash(format!("k{i}").as_bytes(), &flat);
                want.push(expected(i, &pairs));
            }
            want[0] = "{'key': 'k0', 'value': {}, 'type': 'hash', 'event': None}".into(); // `records` empties it
            *TABLE.lock().unwrap() = batch.value(true);
            assert_eq!(
                run(&python, "records", vec![]),
                Value::Text(format!("[{}]", want.join(", ")))
            );
        }
    });
}

/// A record as Python prints it: a field's place is its first one, its value the last one.
fn expected(i: usize, pairs: &[(String, String)]) -> String {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in pairs {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => old.clone_from(value),
            None => fields.push((name.clone(), value.clone())),
        }
    }
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("'{name}': '{value}'"))
        .collect();
    format!(
        "{{'key': 'k{i}', 'value': {{{}}}, 'type': 'hash', 'event': None}}",
        fields.join(", ")
    )
}

#[test]
fn the_last_of_equal_fields_wins() {
    on_every_python("the_last_of_equal_fields_wins", |python| {
        let mut batch = Batch::default();
        for key in [b"a", b"b"] {
            batch.hash(key, &[b"f", b"1", b"g", b"2", b"f", b"3"]);
        }
        let text = printed(&python, batch.value(true));
        assert_eq!(
            text.matches("'value': {'f': '3', 'g': '2'}").count(),
            2,
            "{text}"
        );
    });
}

#[test]
fn spans_outside_are_an_error() {
    on_every_python("spans_outside_are_an_error", |python| {
        for (start, len, first, count) in [
            (1, 5, 0, 0),
            (u32::MAX, u32::MAX, 0, 0),
            (0, 1, 0, 2),
            (0, 1, u32::MAX, 2),
        ] {
            let key = Span { start, len };
            let rows = vec![Row {
                key,
                kind: "hash",
                payload: Payload::Pairs { first, count },
            }];
            let records = Records {
                bytes: b"abc".to_vec(),
                rows,
                with_value: true,
                ..Records::default()
            };
            let text = printed(&python, Value::Records(Box::new(records)));
            assert!(
                text.contains("RuntimeError") && text.contains("a record of the host points at"),
                "{text}"
            );
        }
    });
}
