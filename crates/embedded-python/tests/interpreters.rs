//! Threads and sub-interpreters, on every Python of the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod common;

use common::{on_every_python, outcome, reported, run};
use gearframe_embedded_python::{Python, Value, start};

#[test]
fn it_is_what_it_says() {
    on_every_python("it_is_what_it_says", |python| {
        let minor: u32 = python.version().split('.').nth(1).unwrap().parse().unwrap();
        assert_eq!(python.has_own_gil(), minor >= 12);
        assert!(
            start(common::settings("a".as_ref(), "b".as_ref()), &[]).is_err(),
            "twice"
        );
        assert_eq!(python.check_import("json"), Ok(()));
        let text = python.check_import("no_such_module").unwrap_err();
        assert!(
            text.contains("ModuleNotFoundError: No module named 'no_such_module'"),
            "{text}"
        );
        let Value::List(paths) = run(&python, "paths", vec![]) else {
            panic!()
        };
        let Value::Text(first) = &paths[0] else {
            panic!()
        };
        assert!(first.ends_with("tests/python"), "{first}");
    });
}

#[test]
fn an_exception_that_ends_a_thread_is_told() {
    on_every_python("an_exception_that_ends_a_thread_is_told", |python| {
        python
            .spawn(
                "some thread",
                "scenarios",
                "raises",
                vec![Value::Text("ü".into())],
            )
            .unwrap();
        let text = outcome().unwrap_err();
        assert!(
            text.starts_with("thread some thread (scenarios.raises): Traceback"),
            "{text}"
        );
        assert!(text.ends_with("LookupError: ü\n"), "{text}");
        python.spawn("nul\0", "scenarios", "exits", vec![]).unwrap();
        assert!(outcome().unwrap_err().contains("SystemExit: 3"));
        python.spawn("x", "scenarios", "nothing", vec![]).unwrap();
        assert!(outcome().unwrap_err().contains("AttributeError"));
        assert!(python.spawn("x", "a\0b", "nothing", vec![]).is_err());
    });
}

#[test]
fn the_gil_is_released_in_functions() {
    on_every_python("the_gil_is_released_in_functions", |python| {
        for _ in 0..2 {
            python
                .spawn("meeting", "scenarios", "meets", vec![Value::Int(2)])
                .unwrap();
        }
        assert_eq!(
            [reported(), reported()],
            [Value::Bool(true), Value::Bool(true)]
        );
    });
}

#[test]
fn interpreters_are_apart() {
    on_every_python("interpreters_are_apart", |python| {
        let mut seen = vec![run(&python, "imports", vec![])];
        for isolated in kinds(&python) {
            python
                .spawn_interpreter("apart", isolated, "scenarios", "imports", vec![])
                .unwrap();
            seen.push(reported());
        }
        for (i, one) in seen.iter().enumerate() {
            assert!(!seen[..i].contains(one), "sys.modules is shared: {seen:?}");
        }
        for isolated in kinds(&python) {
            python
                .spawn_interpreter(
                    "apart",
                    isolated,
                    "scenarios",
                    "raises",
                    vec![Value::Int(1)],
                )
                .unwrap();
            assert!(outcome().unwrap_err().contains("LookupError: 1"));
        }
        assert_eq!(
            run(&python, "echo", vec![Value::Int(1)]),
            Value::Int(1),
            "the GIL is free"
        );
    });
}

fn kinds(python: &Python) -> Vec<bool> {
    if python.has_own_gil() {
        vec![false, true]
    } else {
        vec![false]
    }
}

#[test]
fn isolated_ones_compute_in_parallel() {
    on_every_python("isolated_ones_compute_in_parallel", |python| {
        let path = std::env::temp_dir().join(format!("gearframe-turns-{}", std::process::id()));
        std::fs::write(&path, [0, 0]).unwrap();
        let spawn = |me: i64| {
            let arguments = vec![Value::Text(path.to_string_lossy().into()), Value::Int(me)];
            python.spawn_interpreter("parallel", true, "scenarios", "spins_in_turns", arguments)
        };
        if python.has_own_gil() {
            spawn(0).unwrap();
            spawn(1).unwrap();
            assert_eq!(
                [reported(), reported()],
                ["both ran"; 2].map(|text| Value::Text(text.into()))
            );
        } else {
            let text = spawn(0).unwrap_err();
            assert!(text.contains("use 3.12 or newer"), "{text}");
        }
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn many_interpreters_come_and_go() {
    on_every_python("many_interpreters_come_and_go", |python| {
        for round in 0..40 {
            for isolated in kinds(&python) {
                python
                    .spawn_interpreter(
                        "many",
                        isolated,
                        "scenarios",
                        "echo",
                        vec![Value::Int(round)],
                    )
                    .unwrap();
            }
            for _ in kinds(&python) {
                assert_eq!(reported(), Value::Int(round));
            }
        }
        assert_eq!(run(&python, "echo", vec![Value::Int(1)]), Value::Int(1));
    });
}

#[test]
fn the_end_waits_for_threads() {
    on_every_python("the_end_waits_for_threads", |python| {
        for isolated in kinds(&python) {
            for _ in 0..10 {
                python
                    .spawn_interpreter("late", isolated, "scenarios", "starts_threads", vec![])
                    .unwrap();
                assert_eq!(reported(), Value::Text("late".into()));
            }
            python
                .spawn_interpreter("pool", isolated, "scenarios", "pool", vec![])
                .unwrap();
            assert_eq!(
                reported(),
                Value::List([1, 2, 3, 4].map(Value::Int).to_vec())
            );
        }
        assert_eq!(
            run(&python, "echo", vec![Value::Int(1)]),
            Value::Int(1),
            "the GIL is free"
        );
    });
}

#[test]
fn an_interpreter_with_a_thread_left_is_kept() {
    on_every_python("an_interpreter_with_a_thread_left_is_kept", |python| {
        for isolated in kinds(&python) {
            python
                .spawn_interpreter("kept", isolated, "scenarios", "leaves_a_thread", vec![])
                .unwrap();
            assert_eq!(reported(), Value::Text("left".into()));
            let text = outcome().unwrap_err();
            assert!(text.contains("it still has threads"), "{text}");
            assert_eq!(
                run(&python, "meets", vec![Value::Int(2)]),
                Value::Bool(true),
                "the thread that was left"
            );
        }
    });
}
