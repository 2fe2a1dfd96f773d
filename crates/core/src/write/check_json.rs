//! Whether a text is one JSON value, as the server's parser will see it.
//!
//! It has to be known before the text is sent: what a server finds wrong inside of EXEC it finds
//! after the DEL. RedisJSON parses with serde_json too, so that its limits are the same: 127
//! levels, numbers that a double holds, and pairs of surrogates.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// What serde_json calls the only member of the map that it makes of a number that 64 bits do not
/// hold, so that no digit is lost.
const NUMBER: &str = "$serde_json::private::Number";

/// Says why a text is no JSON value; follows "the document".
pub(super) fn check_json(text: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<Checked>(text) {
        Ok(Checked) => Ok(()),
        Err(error) => Err(format!("is not JSON: {error}")),
    }
}

/// A value that has been looked at and is not kept.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some(name) = members.next_key::<Name>()? {
            match name {
                Name::Number => {
                    members.next_value::<Digits>()?;
                }
                Name::Member => {
                    members.next_value::<Self>()?;
                }
            }
        }
        Ok(self)
    }
}

/// The name of a member: of an object, or of the map that stands for a number.
enum Name {
    Member,
    Number,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl Visitor<'_> for Names {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(if name == NUMBER {
                    Name::Number
                } else {
                    Name::Member
                })
            }
        }
        deserializer.deserialize_str(Names)
    }
}

/// The text of a number.
struct Digits;

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.parse::<f64>().is_ok_and(f64::is_infinite) {
            let reason = format!("the number {text} is out of range");
            return Err(serde::de::Error::custom(reason));
        }
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json() {
        let deepest = format!("{}{}", "[".repeat(127), "]".repeat(127));
        for text in [
            "null",
            " {\"a\": [1, -2.5e3, true, false, null, \"x\\u00e9\\ud83d\\ude00\"]} ",
            "170141183460469231731687303715884105727",
            "1e308",
            "{\"a\":1,\"a\":2}",
            deepest.as_str(),
        ] {
            assert_eq!(check_json(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn no_json() {
        let too_deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        for text in [
            "",
            " ",
            "{bad",
            "[1,]",
            "1 2",
            "nan",
            "NaN",
            "01",
            "1e999",
            "[-1e999]",
            "\"\\ud800\"",
            "\"a",
            "\"\u{1}\"",
            "{1:2}",
            "'a'",
            "+1",
            "\u{feff}1",
            too_deep.as_str(),
        ] {
            let reason = check_json(text.as_bytes());
            assert!(
                reason.is_err_and(|why| why.starts_with("is not JSON: ")),
                "{text}"
            );
        }
        assert!(check_json(b"\"\xff\"").is_err());
    }
}
