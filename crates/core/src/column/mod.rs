//! Arrow columns that grow from the text of values.
//!
//! Text comes in as the bytes that a server holds; rows go out as Arrow arrays. Nothing here knows
//! of keys, of RESP or of frames. A value that does not fit its column is a [`Mismatch`], never a
//! guess.

mod array;
mod boolean;
#[expect(clippy::module_inception, reason = "the noun of this folder")]
mod column;
mod column_type;
mod date;
mod datetime;
mod decimal;
mod dtype_name;
mod duration;
mod float;
mod integer;
mod json;
mod json_leaf;
mod list;
mod mismatch;
mod primitive;
mod rows;
mod structs;
mod text;
mod text_rule;
mod texts;
mod time;

#[cfg(test)]
mod nested_tests;
#[cfg(test)]
mod properties;

pub use column::Column;
pub use column_type::{ColumnType, StructField, TimeUnit};
pub use mismatch::Mismatch;
pub use texts::parse_texts;
