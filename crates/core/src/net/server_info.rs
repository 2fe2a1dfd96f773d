//! Who answers: Redis or Valkey, which version, which mode.

use crate::resp::Reply;

/// What the server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// `redis` or `valkey`.
    pub name: String,
    /// Such as `8.2.1`; empty where the ACL hides it.
    pub version: String,
    /// `standalone`, `cluster` or `sentinel`; empty where the ACL hides it.
    pub mode: String,
}

impl ServerInfo {
    /// Where nothing is said.
    pub(super) fn unknown() -> Self {
        Self {
            name: "redis".to_owned(),
            version: String::new(),
            mode: String::new(),
        }
    }

    pub(super) fn from_hello(reply: &Reply) -> Self {
        let text = |name: &str| {
            let bytes = reply.get(name.as_bytes()).and_then(Reply::as_bytes);
            String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
        };
        Self {
            name: text("server"),
            version: text("version"),
            mode: text("mode"),
        }
    }

    /// From the text of `INFO server`. Valkey keeps Redis's fields, with the version it stands for.
    pub(super) fn from_info(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let field = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            lines
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.trim().to_owned())
        };
        let name = field("server_name").unwrap_or_else(|| "redis".to_owned());
        Self {
            version: field(&format!("{name}_version"))
                .or_else(|| field("redis_version"))
                .unwrap_or_default(),
            mode: field("redis_mode")
                .or_else(|| field("server_mode"))
                .unwrap_or_default(),
            name,
        }
    }
}
