//! Redis' glob patterns, for keys that an index has found and no SCAN.
//!
//! The rules are those of `stringmatchlen` in Redis' `util.c`, on bytes. In `[a-z]` the ends are
//! compared as unsigned; `gearframe.io.glob.is_portable` keeps away the patterns for which that
//! matters.

/// Whether a key matches a pattern.
pub fn matches(pattern: &[u8], key: &[u8]) -> bool {
    if key.is_empty() {
        // The server's loop ends before it looks at any star; a lone one is a case of its own.
        return pattern.is_empty() || pattern == b"*";
    }
    let (mut at, mut from) = (0, 0);
    // Where the last star stands, and how much of the key it has taken so far. An earlier star
    // never needs to take more: what stands behind it fits already.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = key.get(from) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
                continue;
            }
            Some(_) => {
                let (fits, next) = one(pattern, at, byte);
                if fits {
                    (at, from) = (next, from + 1);
                    continue;
                }
            }
            None => {}
        }
        let Some((place, taken)) = star else {
            return false;
        };
        star = Some((place, taken + 1));
        (at, from) = (place + 1, taken + 1);
    }
    pattern
        .get(at..)
        .is_none_or(|rest| rest.iter().all(|&byte| byte == b'*'))
}

/// Whether a byte fits what stands at `at`, and where the pattern goes on.
fn one(pattern: &[u8], at: usize, byte: u8) -> (bool, usize) {
    match (pattern.get(at), pattern.get(at + 1)) {
        (Some(b'?'), _) => (true, at + 1),
        (Some(b'['), _) => bracket(pattern, at + 1, byte),
        (Some(b'\\'), Some(&literal)) => (literal == byte, at + 2),
        (Some(&literal), _) => (literal == byte, at + 1),
        (None, _) => (false, at),
    }
}

/// The same for what stands behind a `[`.
fn bracket(pattern: &[u8], mut at: usize, byte: u8) -> (bool, usize) {
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let mut found = false;
    while let Some(&first) = pattern.get(at) {
        match (first, pattern.get(at + 1), pattern.get(at + 2)) {
            (b']', _, _) => break,
            (b'\\', Some(&literal), _) => {
                found |= literal == byte;
                at += 2;
            }
            (low, Some(b'-'), Some(&high)) => {
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                at += 3;
            }
            (literal, _, _) => {
                found |= literal == byte;
                at += 1;
            }
        }
    }
    (found != negated, at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_the_server_reads_them() {
        for (pattern, key, expected) in [
            ("*", "", true),
            ("", "", true),
            ("**", "", false),
            ("", "a", false),
            ("*", "a", true),
            ("user:*", "user:7", true),
            ("user:*", "use:7", false),
            ("*:7", "user:17:7", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[c-a]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            (r"[\]]", "]", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"a\", "a\\", true),
            ("[abc", "b", true),
            ("[a-", "-", true),
            ("[]x", "x", false),
            ("a**", "a", true),
            ("a*?", "a", false),
        ] {
            let found = matches(pattern.as_bytes(), key.as_bytes());
            assert_eq!(found, expected, "{pattern} {key}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&b"*a".repeat(40), &b"a".repeat(39)));
        assert!(!matches(
            &[b"*a".repeat(40), b"b".to_vec()].concat(),
            &b"a".repeat(4000)
        ));
    }
}
