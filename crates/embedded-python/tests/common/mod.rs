//! Which Pythons there are, and a scenario run in each of them, in a process of its own: CPython starts once in one.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::VecDeque;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use gearframe_embedded_python::{Failure, Function, Python, Settings, Value, start};

/// Set for the process of a scenario: the executable and the libpython.
const CHOSEN: &str = "GEARFRAME_TEST_PYTHON";

/// A generous limit: what is waited for takes milliseconds.
pub const LIMIT: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub struct Installed {
    pub program: PathBuf,
    pub libpython: PathBuf,
    pub version: String,
}

const QUESTION: &str = "import sys, os, sysconfig
print(sys.executable)
print(os.path.join(sysconfig.get_config_var('LIBDIR'), sysconfig.get_config_var('INSTSONAME') or '-'))
print('%d.%d.%d' % sys.version_info[:3])";

/// Asks a Python where its libpython is; None if it cannot run, is too old, or has none.
fn ask(program: &Path) -> Option<Installed> {
    let output = Command::new(program).args(["-c", QUESTION]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    let (program, libpython, version) = (
        lines.next()?.into(),
        PathBuf::from(lines.next()?),
        lines.next()?.to_owned(),
    );
    let minor: u32 = version
        .strip_prefix("3.")?
        .split('.')
        .next()?
        .parse()
        .ok()?;
    let shared = libpython.to_string_lossy().contains(".so");
    (minor >= 11 && shared && libpython.exists()).then_some(Installed {
        program,
        libpython,
        version,
    })
}

/// `python3` of PATH first, then all of pyenv.
pub fn installed() -> Vec<Installed> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let versions = root.map(|root| root.join("versions"));
    let mut others: Vec<PathBuf> = versions
        .and_then(|versions| versions.read_dir().ok())
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path().join("bin/python3"))
                .collect()
        })
        .unwrap_or_default();
    others.sort();
    let mut found: Vec<Installed> = Vec::new();
    for program in [PathBuf::from("python3")].into_iter().chain(others) {
        if let Some(python) =
            ask(&program).filter(|python| found.iter().all(|old| old.version != python.version))
        {
            found.push(python);
        }
    }
    found
}

/// Runs the test once for each Python, each time in a new process.
pub fn on_every_python(test: &str, scenario: fn(Python)) {
    if let Some(chosen) = env::var_os(CHOSEN) {
        let chosen = chosen.into_string().expect("UTF-8");
        let (program, libpython) = chosen.split_once('\n').expect("two lines");
        return scenario(begin(Path::new(program), Path::new(libpython)));
    }
    let pythons = installed();
    assert!(
        !pythons.is_empty(),
        "no python3 >= 3.11 with a shared libpython was found: install one"
    );
    for python in pythons {
        let chosen = format!(
            "{}\n{}",
            python.program.display(),
            python.libpython.display()
        );
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads", "1"])
            .env(CHOSEN, chosen)
            .output()
            .unwrap();
        let said = [
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        ]
        .concat();
        assert!(
            output.status.success(),
            "{test} on CPython {}: {}\n{said}",
            python.version,
            output.status
        );
        assert!(
            said.contains("1 passed"),
            "{test} did not run on CPython {}:\n{said}",
            python.version
        );
        println!(
            "{test}: passed on CPython {} ({})",
            python.version,
            python.libpython.display()
        );
    }
}

pub fn settings(program: &Path, libpython: &Path) -> Settings {
    Settings {
        libpython: libpython.to_owned(),
        program: program.to_owned(),
        import_paths: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")],
        count_memory: true,
        host_module: c"_gearframe_host",
        on_failure: |text| push(Err(text.to_owned())),
    }
}

fn begin(program: &Path, libpython: &Path) -> Python {
    start(settings(program, libpython), FUNCTIONS).unwrap()
}

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: c"report",
        doc: c"Gives a value to the test.",
        run: report,
    },
    Function {
        name: c"echo",
        doc: c"Its arguments, as a list.",
        run: |arguments| Ok(Value::List(arguments)),
    },
    Function {
        name: c"meet",
        doc: c"Waits until `parties` threads are here.",
        run: meet,
    },
    Function {
        name: c"fail",
        doc: c"Fails as a value error.",
        run: |_| Err(Failure::Value("a bad value ü".into())),
    },
    Function {
        name: c"break_",
        doc: c"Fails as a runtime error.",
        run: |_| Err(Failure::Runtime("broken".into())),
    },
    Function {
        name: c"panic",
        doc: c"Panics.",
        run: |_| panic!("it was {}", "me"),
    },
    Function {
        name: c"take",
        doc: c"What the test has laid down.",
        run: |_| Ok(TABLE.lock().unwrap().clone()),
    },
    Function {
        name: c"memory",
        doc: c"(total, peak, current)",
        run: |_| Ok(memory()),
    },
];

/// What `take` gives.
pub static TABLE: Mutex<Value> = Mutex::new(Value::None);

fn memory() -> Value {
    let memory = gearframe_embedded_python::memory();
    Value::Tuple(
        [memory.total, memory.peak, memory.current]
            .map(|bytes| Value::Int(bytes as i64))
            .to_vec(),
    )
}

static REPORTS: Mutex<VecDeque<Result<Value, String>>> = Mutex::new(VecDeque::new());
static REPORTED: Condvar = Condvar::new();

fn push(report: Result<Value, String>) {
    REPORTS.lock().unwrap().push_back(report);
    REPORTED.notify_all();
}

fn report(mut arguments: Vec<Value>) -> Result<Value, Failure> {
    push(Ok(arguments.pop().unwrap_or(Value::None)));
    Ok(Value::None)
}

/// The next report, or the traceback of a thread that failed.
pub fn outcome() -> Result<Value, String> {
    let reports = REPORTS.lock().unwrap();
    let (mut reports, waited) = REPORTED
        .wait_timeout_while(reports, LIMIT, |reports| reports.is_empty())
        .unwrap();
    assert!(!waited.timed_out(), "nothing was reported within {LIMIT:?}");
    reports.pop_front().unwrap()
}

/// The next report; a thread that failed fails the test.
pub fn reported() -> Value {
    outcome().unwrap_or_else(|traceback| panic!("{traceback}"))
}

static PRESENT: Mutex<usize> = Mutex::new(0);
static ARRIVED: Condvar = Condvar::new();

/// Two threads can be here at once only if neither holds the GIL, or each has its own.
fn meet(arguments: Vec<Value>) -> Result<Value, Failure> {
    let [Value::Int(parties)] = arguments[..] else {
        return Err(Failure::Value("meet(parties)".into()));
    };
    let parties = usize::try_from(parties).map_err(|error| Failure::Value(error.to_string()))?;
    let mut present = PRESENT.lock().unwrap();
    let all = (*present / parties + 1) * parties;
    *present += 1;
    ARRIVED.notify_all();
    let (_present, waited) = ARRIVED
        .wait_timeout_while(present, LIMIT, |present| *present < all)
        .unwrap();
    Ok(Value::Bool(!waited.timed_out()))
}

/// Runs a function of tests/python/scenarios.py in the main interpreter and waits for its report.
pub fn run(python: &Python, function: &str, arguments: Vec<Value>) -> Value {
    python
        .spawn("scenario", "scenarios", function, arguments)
        .unwrap();
    reported()
}
