//! How long a record takes to build: `cargo run --release -p gearframe-embedded-python --example records [million] [python]`.
//!
//! A million records by default, in batches of 1,000, each dropped before the next one; the best of fifty rounds. Printed
//! for each Python that is found (or for the one that is named): nanoseconds a record to build, and to drop; and for
//! comparison the same records made key by key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::env;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use common::Installed;
use gearframe_embedded_python::{
    Failure, Function, Payload, Records, Row, Settings, Span, Value, start,
};

const BATCH: usize = 1000;
/// Different batches, so that not all of them are in the processor's cache.
const BATCHES: usize = 50;

static PREPARED: Mutex<Vec<Records>> = Mutex::new(Vec::new());
static TURN: AtomicU64 = AtomicU64::new(0);
static IN_RUST: AtomicU64 = AtomicU64::new(0);
static ENDED: Mutex<Option<std::sync::mpsc::Sender<()>>> = Mutex::new(None);

const FUNCTIONS: &[Function] = &[
    Function {
        name: c"tree",
        doc: c"The next batch, as a tree of values.",
        run: tree,
    },
    Function {
        name: c"batch",
        doc: c"The next batch.",
        run: batch,
    },
    Function {
        name: c"prepare",
        doc: c"Chooses what batches hold.",
        run: prepare,
    },
    Function {
        name: c"in_rust",
        doc: c"Nanoseconds spent on handing batches out, until now.",
        run: in_rust,
    },
    Function {
        name: c"done",
        doc: c"Ends the program.",
        run: done,
    },
];

fn batch(_: Vec<Value>) -> Result<Value, Failure> {
    let start = Instant::now();
    let all = PREPARED.lock().unwrap();
    let records = all[TURN.fetch_add(1, Relaxed) as usize % BATCHES].clone();
    IN_RUST.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
    Ok(Value::Records(Box::new(records)))
}

/// The same records without what records.rs does for speed: each dict is made key by key.
fn tree(_: Vec<Value>) -> Result<Value, Failure> {
    let start = Instant::now();
    let all = PREPARED.lock().unwrap();
    let records = &all[TURN.fetch_add(1, Relaxed) as usize % BATCHES];
    let text =
        |span: Span| records.bytes[span.start as usize..(span.start + span.len) as usize].to_vec();
    let name = |name: &str| Value::Text(name.to_owned());
    let value = |row: &Row| match row.payload {
        Payload::Pairs { first, count } => {
            let spans = &records.spans[first as usize..(first + count) as usize];
            let pair = |pair: &[Span]| (Value::Key(text(pair[0])), Value::Bulk(text(pair[1])));
            Value::Dict(spans.chunks_exact(2).map(pair).collect())
        }
        _ => Value::None,
    };
    let record = |row: &Row| {
        Value::Dict(vec![
            (name("key"), Value::Key(text(row.key))),
            (name("value"), value(row)),
            (name("type"), name(row.kind)),
            (name("event"), Value::None),
        ])
    };
    let tree = Value::List(records.rows.iter().map(record).collect());
    IN_RUST.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
    Ok(tree)
}

fn in_rust(_: Vec<Value>) -> Result<Value, Failure> {
    Ok(Value::Int(IN_RUST.load(Relaxed) as i64))
}

fn done(_: Vec<Value>) -> Result<Value, Failure> {
    if let Some(ended) = ENDED.lock().unwrap().as_ref() {
        ended.send(()).unwrap();
    }
    Ok(Value::None)
}

/// prepare(fields, shapes): `fields` -1: keys only; `shapes`: how many sets of names the hashes have, at random.
fn prepare(arguments: Vec<Value>) -> Result<Value, Failure> {
    let [Value::Int(fields), Value::Int(shapes)] = arguments[..] else {
        return Err(Failure::Value("prepare(fields, shapes)".into()));
    };
    *PREPARED.lock().unwrap() = (0..BATCHES)
        .map(|i| made(i, fields, shapes as usize))
        .collect();
    Ok(Value::None)
}

fn made(batch: usize, fields: i64, shapes: usize) -> Records {
    let names = ["name", "email", "country", "age", "balance", "created"];
    let countries = [
        "Germany", "France", "Japan", "Brazil", "Kenya", "Norway", "Canada", "India",
    ];
    let mut records = Records {
        with_value: fields >= 0,
        ..Records::default()
    };
    for i in batch * BATCH..(batch + 1) * BATCH {
        let key = span(&mut records, &format!("user:{i}"));
        let first = records.spans.len() as u32;
        let shape = (i.wrapping_mul(0x9E37_79B9) >> 7) % shapes;
        for (at, name) in names.iter().enumerate().take(fields.max(0) as usize) {
            let name = if shape == 0 {
                (*name).to_owned()
            } else {
                format!("{name}{shape}")
            };
            let value = match at {
                0 => format!("User number {i}"),
                1 => format!("user{i}@example.com"),
                2 => countries[i * 7 % 8].to_owned(),
                3 => (18 + i % 60).to_string(),
                4 => format!("{}.{:02}", i * 31 % 10_000, i % 100),
                _ => (1_700_000_000 + i).to_string(),
            };
            for text in [name, value] {
                let part = span(&mut records, &text);
                records.spans.push(part);
            }
        }
        let count = records.spans.len() as u32 - first;
        records.rows.push(Row {
            key,
            kind: "hash",
            payload: Payload::Pairs { first, count },
        });
    }
    records
}

fn span(records: &mut Records, text: &str) -> Span {
    let start = records.bytes.len() as u32;
    records.bytes.extend_from_slice(text.as_bytes());
    Span {
        start,
        len: text.len() as u32,
    }
}

fn measure(python: &Installed, rows: &str) {
    let settings = Settings {
        import_paths: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/examples").into()],
        count_memory: true,
        on_failure: |text| {
            eprintln!("{text}");
            std::process::exit(1);
        },
        ..common::settings(&python.program, &python.libpython)
    };
    let (send, wait) = std::sync::mpsc::channel();
    *ENDED.lock().unwrap() = Some(send);
    let running = start(settings, FUNCTIONS).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "CPython {} ({})",
        running.version(),
        python.libpython.display()
    );
    let rows = Value::Int(rows.parse().unwrap());
    running
        .spawn("measure", "records", "measure", vec![rows])
        .unwrap();
    wait.recv().unwrap();
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let rows = arguments.get(1).map_or("1000000", String::as_str);
    let installed = common::installed();
    match arguments.get(2) {
        Some(version) => {
            let chosen = installed.iter().find(|python| python.version == *version);
            measure(
                chosen.unwrap_or_else(|| panic!("no Python {version} among {installed:?}")),
                rows,
            );
        }
        None => {
            // CPython starts once in a process.
            for python in installed {
                let status = Command::new(&arguments[0])
                    .args([rows, &python.version])
                    .status()
                    .unwrap();
                assert!(status.success());
            }
        }
    }
}
