//! Arrow columns that grow from the text of values.

mod column_type;

pub use column_type::ColumnType;
