//! Which JSON tokens a column of single values takes. The text of the token goes to the column's
//! own parser.

use std::borrow::Cow;

use super::column::Column;
use super::column_type::ColumnType;

/// A JSON value without members, as it is written.
enum Token<'a> {
    Null,
    Boolean,
    Number,
    String(Cow<'a, str>),
    Array,
    Object,
}

impl<'a> Token<'a> {
    /// Reads what a parser has found to be one JSON value.
    fn read(raw: &'a str) -> Result<Self, String> {
        match raw.as_bytes().first() {
            Some(b'n') => Ok(Self::Null),
            Some(b't' | b'f') => Ok(Self::Boolean),
            Some(b'"') => unquote(raw).map(Self::String),
            Some(b'[') => Ok(Self::Array),
            Some(b'{') => Ok(Self::Object),
            _ => Ok(Self::Number),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a JSON boolean",
            Self::Number => "a JSON number",
            Self::String(_) => "a JSON string",
            Self::Array => "a JSON array",
            Self::Object => "a JSON object",
        }
    }
}

fn unquote(raw: &str) -> Result<Cow<'_, str>, String> {
    if !raw.contains('\\')
        && let Some(inner) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'))
    {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw)
        .map(Cow::Owned)
        .map_err(|_| "is not a valid JSON string".to_owned())
}

/// What a column takes, in words.
fn wanted(ty: &ColumnType) -> &'static str {
    use ColumnType as T;
    match ty {
        T::Float32 | T::Float64 => r#"a JSON number, "NaN", "Infinity" or "-Infinity""#,
        T::Decimal { .. } => "a JSON number or string",
        T::Boolean => "true or false",
        ty if takes_numbers(ty) => "a JSON number",
        _ => "a JSON string",
    }
}

fn takes_numbers(ty: &ColumnType) -> bool {
    use ColumnType as T;
    matches!(
        ty,
        T::Int8
            | T::Int16
            | T::Int32
            | T::Int64
            | T::Int128
            | T::UInt8
            | T::UInt16
            | T::UInt32
            | T::UInt64
            | T::UInt128
            | T::Float32
            | T::Float64
            | T::Decimal { .. }
    )
}

fn takes_string(ty: &ColumnType, text: &str) -> bool {
    use ColumnType as T;
    match ty {
        T::Float32 | T::Float64 => matches!(text, "NaN" | "Infinity" | "-Infinity"),
        T::Decimal { .. } => true,
        T::Boolean => false,
        ty => !takes_numbers(ty),
    }
}

impl Column {
    /// Adds the value of a JSON token to a column of single values, or nothing.
    pub(super) fn push_json_leaf(&mut self, raw: &str) -> Result<(), String> {
        let token = Token::read(raw)?;
        let text = match &token {
            Token::Null => {
                self.push_null();
                return Ok(());
            }
            Token::Boolean if self.ty == ColumnType::Boolean => raw,
            Token::Number if takes_numbers(&self.ty) => raw,
            Token::String(text) if takes_string(&self.ty, text) => text,
            other => {
                let (given, wanted, ty) = (other.name(), wanted(&self.ty), &self.ty);
                return Err(format!("is {given}, where {ty} takes {wanted}"));
            }
        };
        self.push_scalar(text.as_bytes())
            .map_err(|reason| format!("{reason} (for {})", self.ty))
    }
}
