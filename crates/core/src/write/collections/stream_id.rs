//! Whether ids of a stream are sure to be taken by a server that has none before them.

/// The server takes no longer ones, whatever they say.
const LONGEST: usize = 127;

/// The last id, as the server will have it.
pub(super) type Last = (u64, u64);

/// Whether an id is in order and comes after the last one, which it then replaces.
///
/// False says only that the server must be asked: its clock may have a part in it.
pub(super) fn follows(id: &[u8], last: &mut Last) -> bool {
    let Some(next) = parse(id, *last) else {
        return false;
    };
    let is_later = next > *last;
    *last = next;
    is_later
}

fn parse(id: &[u8], last: Last) -> Option<Last> {
    let id = std::str::from_utf8(id).ok()?;
    if id.len() > LONGEST {
        return None;
    }
    let (milliseconds, sequence) = id.split_once('-').unwrap_or((id, "0"));
    let milliseconds = number(milliseconds)?;
    let sequence = match sequence {
        "*" if milliseconds == last.0 => last.1.checked_add(1)?,
        "*" => 0,
        digits => number(digits)?,
    };
    Some((milliseconds, sequence))
}

/// Digits and nothing else: `parse` would take a sign too.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_follow(ids: &[&str]) -> bool {
        let mut last = (0, 0);
        ids.iter().all(|id| follows(id.as_bytes(), &mut last))
    }

    #[test]
    fn ids_in_order() {
        assert!(all_follow(&["0-1", "0-2", "1", "1-*", "1-*", "2-0", "9-*"]));
        assert!(all_follow(&[
            "0-*",
            "18446744073709551615-18446744073709551615"
        ]));
    }

    #[test]
    fn the_server_judges_the_others() {
        for ids in [
            &["0-0"][..],
            &["0"],
            &["5-1", "5-1"],
            &["5-1", "4-*"],
            &["*"],
            &["+5-1"],
        ] {
            assert!(!all_follow(ids), "{ids:?}");
        }
        let end = ["5-18446744073709551615", "5-*"];
        assert!(!all_follow(&end));
        assert!(!all_follow(&["a-1"]) && !all_follow(&["5-"]) && !all_follow(&["5-1-1"]));
    }
}
