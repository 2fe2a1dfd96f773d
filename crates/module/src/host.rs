//! The one object of the module: what it holds, how it starts, and what it does on events.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use gearframe_embedded_python::{self as embedded, Python, Value};
use gearframe_server_api::{ClientKey, ConfigValue, Context, Event, LogLevel, ModuleEntry};

use crate::interpreter::{self, Interpreter};
use crate::lock::ServerLock;
use crate::mailboxes::{CONTROL, Mailboxes};
use crate::settings::Settings;
use crate::tokens::Tokens;
use crate::walk::Walks;
use crate::{commands, functions};

type Sections = BTreeMap<String, Vec<(String, String)>>;

/// Everything of the module, for as long as the server lives.
pub(crate) struct Host {
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) lock: ServerLock,
    pub(crate) walks: Walks,
    pub(crate) interpreter: Interpreter,
    /// Whether the server is part of a cluster; it does not change while the server runs.
    pub(crate) cluster: bool,
    pub(crate) python: OnceLock<Python>,
    sections: Mutex<Sections>,
    failure: OnceLock<String>,
    started: AtomicBool,
    ending: AtomicBool,
}

static HOST: OnceLock<Host> = OnceLock::new();

/// The host, for functions that Python calls; there is one before Python starts.
pub(crate) fn host() -> Option<&'static Host> {
    HOST.get()
}

/// Writes to the server's log, from any thread.
pub(crate) fn log(level: LogLevel, text: &str) {
    if let Some(host) = HOST.get() {
        host.lock.context().log(level, text);
    }
}

/// Whether the calling thread has the GIL, for assertions on the order of locks.
pub(crate) fn holds_gil() -> bool {
    HOST.get()
        .and_then(|host| host.python.get())
        .is_some_and(Python::holds_gil)
}

/// Whether the server is shutting down.
pub(crate) fn ending() -> bool {
    HOST.get()
        .is_some_and(|host| host.ending.load(Ordering::Relaxed))
}

/// Whether threads of the module run, so that its code must stay.
pub(crate) fn started() -> bool {
    HOST.get()
        .is_some_and(|host| host.started.load(Ordering::Relaxed))
}

/// Loads the module: settings and commands. Python follows when the server has taken the module:
/// until then it may change its mind, and unload what has no threads yet.
pub(crate) fn load(context: &Context<'_>, arguments: &[Vec<u8>]) -> Result<(), String> {
    let settings = Settings::new();
    read_arguments(&settings, arguments)?;
    let interpreter = interpreter::find(&settings.get("Python").unwrap_or_default())?;
    embedded::check_library(&interpreter.libpython).map_err(|error| error.to_string())?;
    let host = HOST.get_or_init(|| Host {
        settings: Settings::new(),
        tokens: Tokens::default(),
        mailboxes: Mailboxes::default(),
        lock: ServerLock::new(context.thread_context()),
        walks: Walks::default(),
        interpreter,
        cluster: context.flags().cluster(),
        python: OnceLock::new(),
        sections: Mutex::default(),
        failure: OnceLock::new(),
        started: AtomicBool::new(false),
        ending: AtomicBool::new(false),
    });
    context.set_entry(host).map_err(|error| error.to_string())?;
    Settings::register(context)?;
    // The server has just set what its configuration says; the module's arguments count more.
    read_arguments(&host.settings, arguments)?;
    commands::register(context)
}

fn read_arguments(settings: &Settings, arguments: &[Vec<u8>]) -> Result<(), String> {
    for pair in arguments.chunks(2) {
        let [name, value] = pair else {
            let name = String::from_utf8_lossy(&pair[0]);
            return Err(format!(
                "the module argument {name} has no value: arguments are pairs"
            ));
        };
        settings.set_argument(
            &String::from_utf8_lossy(name),
            &String::from_utf8_lossy(value),
        )?;
    }
    Ok(())
}

/// The thread of the control plane.
const CONTROL_THREAD: &str = "gf-control";

/// A thread of Python ended by an exception. Without the control plane's nobody answers clients.
fn thread_failed(text: &str) {
    log(LogLevel::Warning, &format!("gearframe: {text}"));
    let control = text.starts_with(&format!("thread {CONTROL_THREAD} "));
    if let Some(host) = HOST.get().filter(|_| control) {
        host.fail(format!(
            "its control plane has ended; restart the server ({})",
            text.lines().last().unwrap_or_default()
        ));
    }
}

impl Host {
    /// Why there is no Python, if it did not start.
    pub(crate) fn python_failure(&self) -> Option<String> {
        self.failure
            .get()
            .map(|text| format!("ERR gearframe has no Python: {text}"))
    }

    /// Starts Python on a thread of its own, once.
    fn start_python(&'static self) {
        if self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let thread = std::thread::Builder::new().name("gf-python".into());
        let spawned = self.lock.waker.start().and_then(|()| {
            thread.spawn(move || {
                if let Err(text) = self.run_python() {
                    self.fail(text);
                }
            })
        });
        if let Err(error) = spawned {
            self.fail(format!("no thread for it: {error}"));
        }
    }

    /// There is no Python, from now on: nobody waits for it any more.
    fn fail(&self, text: String) {
        log(
            LogLevel::Warning,
            &format!("gearframe has no Python: {text}"),
        );
        let _: Result<(), _> = self.failure.set(text);
        self.refuse_if_failed();
    }

    /// Answers the clients that wait if there is no Python to do it.
    pub(crate) fn refuse_if_failed(&self) {
        if let Some(text) = self.python_failure() {
            self.tokens.refuse_all(&text);
        }
    }

    fn run_python(&'static self) -> Result<(), String> {
        let settings = embedded::Settings {
            libpython: self.interpreter.libpython.clone(),
            program: self.interpreter.program.clone(),
            import_paths: vec![self.interpreter.packages.clone()],
            count_memory: self.settings.get("OverridePythonAllocators").as_deref() != Some("0"),
            host_module: c"_gearframe_host",
            on_failure: thread_failed,
        };
        let python =
            embedded::start(settings, functions::FUNCTIONS).map_err(|error| error.to_string())?;
        python.check_import("gearframe.shard.main")?;
        let version = python.version().to_owned();
        let python = self.python.get_or_init(|| python);
        python
            .spawn(CONTROL_THREAD, "gearframe.shard.main", "run", Vec::new())
            .map_err(|error| error.to_string())?;
        log(
            LogLevel::Notice,
            &format!(
                "gearframe runs Python {version} of {}",
                self.interpreter.program.display()
            ),
        );
        Ok(())
    }

    /// Sets a section of INFO.
    pub(crate) fn set_section(&self, name: String, fields: Vec<(String, String)>) {
        self.sections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, fields);
    }

    /// The server puts `rg_` in front of all names.
    fn own_section(&self) -> (String, Vec<(String, String)>) {
        let memory = embedded::memory();
        let fields = [
            ("python_version", self.interpreter.version.clone()),
            ("TotalAllocated", memory.total.to_string()),
            ("PeakAllocated", memory.peak.to_string()),
            ("CurrAllocated", memory.current.to_string()),
            ("longest_lock_hold_us", self.lock.longest_us().to_string()),
        ];
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        ("python_stats".to_owned(), fields)
    }
}

impl ModuleEntry for Host {
    fn command(&self, context: &Context<'_>, arguments: Vec<Vec<u8>>) {
        if let Some(host) = HOST.get() {
            commands::handle(host, context, arguments);
        }
    }

    fn disconnected(&self, client: ClientKey) {
        if let Some(token) = self.tokens.disconnected(client) {
            let token = i64::try_from(token).unwrap_or(i64::MAX);
            let message = vec![Value::Text("disconnected".into()), Value::Int(token)];
            self.mailboxes.post(CONTROL, Value::Tuple(message));
        }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Cron => {
                if let Some(host) = HOST.get() {
                    host.start_python();
                }
            }
            Event::Shutdown => {
                self.ending.store(true, Ordering::Relaxed);
                self.walks.stop_all();
                self.lock.shut();
                self.tokens.close();
                let message = vec![Value::Text("shutdown".into())];
                self.mailboxes.post(CONTROL, Value::Tuple(message));
            }
        }
    }

    fn info(&self) -> Vec<(String, Vec<(String, String)>)> {
        let sections = self.sections.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(self.own_section())
            .chain(sections.clone())
            .collect()
    }

    fn config(&self, index: usize) -> ConfigValue {
        self.settings.value(index)
    }

    fn set_config(&self, index: usize, value: ConfigValue) -> Result<(), String> {
        self.settings.set_value(index, value)
    }
}
