//! A missing or a wrong libpython is an error that says what to do. Python is never started here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod common;

use std::path::Path;
use std::sync::Mutex;

use gearframe_embedded_python::{StartError, start};

/// `start` refuses to be called by two threads at once, as the tests' threads would.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn failure(program: &str, libpython: &str) -> StartError {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    start(
        common::settings(Path::new(program), Path::new(libpython)),
        &[],
    )
    .unwrap_err()
}

fn libpython() -> String {
    common::installed()[0]
        .libpython
        .to_string_lossy()
        .into_owned()
}

#[test]
fn a_missing_path() {
    let text = failure("python3", "/nowhere/libpython3.12.so.1.0").to_string();
    assert!(
        text.starts_with("cannot open /nowhere/libpython3.12.so.1.0 as libpython:"),
        "{text}"
    );
    assert!(text.contains("CPython 3.11 or newer"), "{text}");
    assert!(text.contains("INSTSONAME"), "says how to find one: {text}");
}

#[test]
fn a_text_file() {
    let text = failure(
        "python3",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    )
    .to_string();
    assert!(
        text.contains("Cargo.toml as libpython: ") && text.contains("ELF"),
        "{text}"
    );
}

#[test]
fn another_library() {
    let error = failure("python3", "libc.so.6");
    assert!(
        matches!(&error, StartError::NotPython { symbol, .. } if symbol == "Py_GetVersion"),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("libc.so.6 is not a libpython"),
        "{error}"
    );
}

#[test]
fn a_name_with_a_nul() {
    assert!(matches!(
        failure("python3", "a\0b"),
        StartError::Open { .. }
    ));
}

#[test]
fn a_program_that_is_missing() {
    let error = failure("/nowhere/bin/python", &libpython());
    assert!(matches!(&error, StartError::Program { .. }), "{error:?}");
    assert!(error.to_string().contains("/nowhere/bin/python"), "{error}");
}

#[test]
fn a_program_that_is_no_python() {
    let error = failure("/bin/false", &libpython());
    assert!(
        error.to_string().contains("it ended with exit status: 1"),
        "{error}"
    );
}

#[test]
fn a_program_of_another_version() {
    let pythons = common::installed();
    let first = &pythons[0];
    let minor = |version: &str| version.split('.').nth(1).map(str::to_owned);
    let Some(other) = pythons
        .iter()
        .find(|python| minor(&python.version) != minor(&first.version))
    else {
        println!(
            "there is one minor version of Python only: {}",
            first.version
        );
        return;
    };
    let error = failure(
        &other.program.to_string_lossy(),
        &first.libpython.to_string_lossy(),
    );
    assert!(error.to_string().contains("libpython is 3."), "{error}");
}
