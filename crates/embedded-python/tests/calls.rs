//! Functions of the host, called from Python, on every Python of the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod common;

use common::{on_every_python, reported, run};
use gearframe_embedded_python::{Value, memory};

fn texts(values: &Value) -> Vec<[String; 2]> {
    let Value::List(pairs) = values else {
        panic!("{values:?}")
    };
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let pair = |value: &Value| match value {
        Value::List(pair) => [text(&pair[0]), text(&pair[1])],
        other => panic!("{other:?}"),
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn failures_are_exceptions() {
    on_every_python("failures_are_exceptions", |python| {
        let got = texts(&run(&python, "exceptions", vec![]));
        assert_eq!(got[0], ["ValueError", "a bad value ü"]);
        assert_eq!(got[1], ["RuntimeError", "broken"]);
        assert_eq!(
            got[2],
            [
                "RuntimeError",
                "the host's function panic failed: it was me"
            ]
        );
        assert_eq!(got[3][0], "TypeError");
    });
}

#[test]
fn the_module_has_names_and_docs() {
    on_every_python("the_module_has_names_and_docs", |python| {
        let Value::List(got) = run(&python, "docs", vec![]) else {
            panic!()
        };
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(got[0], text("_gearframe_host"));
        assert_eq!(
            got[2..],
            [
                text("echo"),
                text("Its arguments, as a list."),
                text("interrupt")
            ]
        );
    });
}

#[test]
fn an_endless_loop_is_interrupted() {
    on_every_python("an_endless_loop_is_interrupted", |python| {
        let errors = [
            "TypeError",
            "TypeError",
            "TypeError",
            "OverflowError",
            "TypeError",
        ];
        let errors = Value::List(errors.map(|text| Value::Text(text.into())).to_vec());
        let [yes, no] = [Value::Bool(true), Value::Bool(false)];
        let want = Value::List(vec![
            yes.clone(),
            Value::List(vec![yes.clone()]),
            no,
            errors,
        ]);
        assert_eq!(run(&python, "interrupts", vec![]), want);
        let both = Value::List(vec![yes.clone(), yes]);
        assert_eq!(run(&python, "interrupted_before_it_runs", vec![]), both);
    });
}

#[test]
fn memory_grows_and_comes_back() {
    on_every_python("memory_grows_and_comes_back", |python| {
        let Value::List(got) = run(&python, "memory_grows", vec![]) else {
            panic!()
        };
        let numbers = |value: &Value| match value {
            Value::Tuple(numbers) => numbers
                .iter()
                .map(|n| if let Value::Int(n) = n { *n } else { panic!() })
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let [before, during, after] = [0, 1, 2].map(|i| numbers(&got[i]));
        let grown = 50_000 * 1000 + 500_000 * 24; // bytes objects over 512 bytes are raw, floats are in arenas
        assert!(during[2] > before[2] + grown, "{before:?} {during:?}");
        assert!(after[2] < before[2] + grown / 10, "{before:?} {after:?}");
        assert!(
            after[0] >= during[0] && after[1] >= during[2],
            "{during:?} {after:?}"
        );
        assert!(memory().current > 0);
    });
}

#[test]
fn four_threads_call_for_thousands_of_rounds() {
    on_every_python("four_threads_call_for_thousands_of_rounds", |python| {
        for _ in 0..4 {
            python
                .spawn("stress", "scenarios", "calls", vec![Value::Int(3000)])
                .unwrap();
        }
        for isolated in if python.has_own_gil() {
            &[true, false][..]
        } else {
            &[false]
        } {
            python
                .spawn_interpreter(
                    "stress",
                    *isolated,
                    "scenarios",
                    "calls",
                    vec![Value::Int(3000)],
                )
                .unwrap();
        }
        for _ in 0..if python.has_own_gil() { 6 } else { 5 } {
            assert_eq!(reported(), Value::Int(3000));
        }
    });
}
