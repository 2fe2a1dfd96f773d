//! The module's settings: their names, defaults and values.
//!
//! `RG.CONFIGGET` and `RG.CONFIGSET` know them by the names of RedisGears, `CONFIG` as `rg.` and
//! the name in small letters. What nobody knows is kept for scripts, as RedisGears keeps it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gearframe_server_api::{ConfigValue, Context};

/// One setting.
struct Setting {
    name: &'static str,
    default: Default,
    /// Whether it can be changed while the server runs.
    live: bool,
}

enum Default {
    Number(i64),
    Text(&'static str),
}

const fn number(name: &'static str, default: i64, live: bool) -> Setting {
    Setting {
        name,
        default: Default::Number(default),
        live,
    }
}

const fn text(name: &'static str, default: &'static str, live: bool) -> Setting {
    Setting {
        name,
        default: Default::Text(default),
        live,
    }
}

const SETTINGS: &[Setting] = &[
    number("MaxExecutions", 1000, true),
    number("MaxExecutionsPerRegistration", 100, true),
    number("ProfileExecutions", 0, true),
    number("ExecutionThreads", 3, false),
    number("ExecutionMaxIdleTime", 5000, true),
    number("SendMsgRetries", 3, true),
    number("CreateVenv", 0, false),
    number("DownloadDeps", 0, false),
    number("PythonAttemptTraceback", 1, true),
    number("OverridePythonAllocators", 1, false),
    number("PythonInstallReqMaxIdleTime", 30000, true),
    text("Isolation", "shared", true),
    number("ExecutionEnabled", 1, true),
    number("RequirementsEnabled", 1, true),
    number("ExecutionTimeLimit", 0, true),
    number("MaxResultBytes", 512 * 1024 * 1024, true),
    number("AtomicTimeLimit", 5000, true),
    text("Python", "", false),
    text("RequirementsDir", "", false),
];

/// The values of all settings, and of what only scripts know.
pub(crate) struct Settings {
    values: Mutex<Vec<ConfigValue>>,
    extra: Mutex<BTreeMap<String, String>>,
}

impl Settings {
    pub(crate) fn new() -> Self {
        let values = SETTINGS
            .iter()
            .map(|setting| setting.default.value())
            .collect();
        Self {
            values: Mutex::new(values),
            extra: Mutex::default(),
        }
    }

    fn values(&self) -> MutexGuard<'_, Vec<ConfigValue>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extra(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.extra.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the settings to `CONFIG`, and takes the values of the configuration file.
    pub(crate) fn register(context: &Context<'_>) -> Result<(), String> {
        for (index, setting) in SETTINGS.iter().enumerate() {
            let name = CString::new(setting.name.to_lowercase()).unwrap_or_default();
            context
                .register_config(
                    index,
                    &name,
                    &setting.default.value(),
                    (0, i64::MAX),
                    !setting.live,
                )
                .map_err(|error| error.to_string())?;
        }
        context.load_configs().map_err(|error| error.to_string())
    }

    /// Takes an argument of the module.
    pub(crate) fn set_argument(&self, name: &str, value: &str) -> Result<(), String> {
        match find(name) {
            Some((index, _)) => self.set_text(index, value),
            None => {
                self.extra().insert(name.to_owned(), value.to_owned());
                Ok(())
            }
        }
    }

    /// A value as text, by its exact name.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        match SETTINGS.iter().position(|setting| setting.name == name) {
            Some(index) => Some(shown(&self.value(index))),
            None => self.extra().get(name).cloned(),
        }
    }

    /// Changes a value while the server runs; what is not known is kept. The text of the answer.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<&'static str, String> {
        match find(name) {
            None => {
                self.extra().insert(name.to_owned(), value.to_owned());
                Ok("OK - value was saved in extra config dictionary")
            }
            Some((_, setting)) if !setting.live => Err(format!(
                "{} can only be set when the module is loaded",
                setting.name
            )),
            Some((index, _)) => self.set_text(index, value).map(|()| "OK"),
        }
    }

    /// The value of a setting.
    pub(crate) fn value(&self, index: usize) -> ConfigValue {
        self.values()
            .get(index)
            .cloned()
            .unwrap_or(ConfigValue::Number(0))
    }

    /// Changes a setting, if it can have the value.
    pub(crate) fn set_value(&self, index: usize, value: ConfigValue) -> Result<(), String> {
        let Some(setting) = SETTINGS.get(index) else {
            return Err("no such setting".into());
        };
        check(setting, &value)?;
        if let Some(place) = self.values().get_mut(index) {
            *place = value;
        }
        Ok(())
    }

    fn set_text(&self, index: usize, text: &str) -> Result<(), String> {
        let value = match SETTINGS.get(index).map(|setting| &setting.default) {
            Some(Default::Number(_)) => ConfigValue::Number(text.parse().map_err(|_| {
                format!(
                    "{} takes a whole number, not {text:?}",
                    SETTINGS[index].name
                )
            })?),
            _ => ConfigValue::Text(text.to_owned()),
        };
        self.set_value(index, value)
    }
}

impl Default {
    fn value(&self) -> ConfigValue {
        match self {
            Self::Number(number) => ConfigValue::Number(*number),
            Self::Text(text) => ConfigValue::Text((*text).to_owned()),
        }
    }
}

fn find(name: &str) -> Option<(usize, &'static Setting)> {
    SETTINGS
        .iter()
        .enumerate()
        .find(|(_, setting)| setting.name.eq_ignore_ascii_case(name))
}

fn shown(value: &ConfigValue) -> String {
    match value {
        ConfigValue::Number(number) => number.to_string(),
        ConfigValue::Text(text) => text.clone(),
    }
}

fn check(setting: &Setting, value: &ConfigValue) -> Result<(), String> {
    let name = setting.name;
    match value {
        ConfigValue::Number(number) if *number < 0 => {
            Err(format!("{name} takes 0 or more, not {number}"))
        }
        ConfigValue::Number(0 | 1025..) if name == "ExecutionThreads" => {
            Err("ExecutionThreads takes 1 to 1024".into())
        }
        ConfigValue::Text(text)
            if name == "Isolation" && text != "shared" && text != "subinterpreter" =>
        {
            Err(format!(
                "Isolation takes shared or subinterpreter, not {text:?}"
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_to_read_and_free_to_write() {
        let settings = Settings::new();
        assert_eq!(settings.set("maxexecutions", "5"), Ok("OK"));
        assert_eq!(settings.get("MaxExecutions"), Some("5".into()));
        assert_eq!(settings.get("maxexecutions"), None);
    }

    #[test]
    fn what_a_setting_cannot_be_is_refused() {
        let settings = Settings::new();
        for (name, value) in [
            ("MaxExecutions", "-1"),
            ("MaxExecutions", "many"),
            ("Isolation", "none"),
            ("ExecutionThreads", "4"),
        ] {
            assert!(settings.set(name, value).is_err(), "{name} {value}");
        }
        assert!(settings.set_argument("ExecutionThreads", "0").is_err());
        assert_eq!(settings.set_argument("ExecutionThreads", "4"), Ok(()));
        assert_eq!(settings.get("ExecutionThreads"), Some("4".into()));
    }

    #[test]
    fn what_nobody_knows_is_kept_for_scripts() {
        let settings = Settings::new();
        assert_eq!(
            settings.set("mine", "x"),
            Ok("OK - value was saved in extra config dictionary")
        );
        assert_eq!(settings.get("mine"), Some("x".into()));
    }
}
