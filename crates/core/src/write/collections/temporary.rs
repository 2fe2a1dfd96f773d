//! The names of keys that are built aside.

use std::hash::{BuildHasher, Hasher, RandomState};

/// What they all begin with.
pub(super) const PREFIX: &str = "gearframe:tmp:";

/// Makes names that no other write makes.
#[derive(Debug)]
pub(super) struct Names {
    secret: u64,
}

impl Default for Names {
    fn default() -> Self {
        // RandomState draws from the system.
        let secret = RandomState::new().build_hasher().finish();
        Self { secret }
    }
}

impl Names {
    /// A name in the same slot of a cluster as `key`.
    ///
    /// A key with a closing brace and without a tag has no such name that is easy to find; in a
    /// cluster its RENAME is refused, and reported.
    pub(super) fn name(&self, number: u64, key: &[u8]) -> Vec<u8> {
        let start = format!("{PREFIX}{:016x}:{number}:{{", self.secret);
        [start.as_bytes(), tag(key), b"}"].concat()
    }
}

/// What of a key decides its slot: what is in the first braces, or all of it.
fn tag(key: &[u8]) -> &[u8] {
    let found = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close)
    });
    match found {
        Some(tag) if !tag.is_empty() => tag,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_the_servers() {
        assert_eq!(tag(b"user:1"), b"user:1");
        assert_eq!(tag(b"user:{1}:x{2}"), b"1");
        assert_eq!(tag(b"user:{}:x"), b"user:{}:x");
        assert_eq!(tag(b"user:{1"), b"user:{1");
    }

    #[test]
    fn names_differ() {
        let names = Names::default();
        let name = String::from_utf8_lossy(&names.name(7, b"k")).into_owned();
        assert!(
            name.starts_with(PREFIX) && name.ends_with(":7:{k}"),
            "{name}"
        );
        assert_ne!(names.name(7, b"k"), Names::default().name(7, b"k"));
    }
}
