//! A column of any type that grows from text.

use arrow_array::ArrayRef;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::DataType;

use super::array::ArrayRows;
use super::boolean::BooleanRows;
use super::column_type::{ColumnType, StructField, TimeUnit};
use super::date::DateText;
use super::datetime::DatetimeText;
use super::decimal::DecimalText;
use super::duration::DurationText;
use super::float::FloatText;
use super::integer::IntegerText;
use super::json::push_json;
use super::list::ListRows;
use super::mismatch::{Mismatch, Reason};
use super::primitive::{Parse, Primitive};
use super::rows::{Rows, ScalarRows};
use super::structs::StructRows;
use super::text::TextRows;
use super::text_rule::{Bytes, Int128Digits, OneOf, UInt128Digits, Utf8};
use super::time::TimeText;
use crate::Result;

/// A column of one type, to which the text of one value after the other is added.
///
/// Int128 and UInt128 become digits, for Arrow has no such types; Categorical and Enum become text.
/// Whoever makes a frame of the arrays casts them.
pub struct Column {
    pub(super) ty: ColumnType,
    pub(super) rows: Storage,
}

/// The rows by kind: the commonest types by name, so that their parsers are inlined, the others
/// behind a pointer.
pub(super) enum Storage {
    Int64(Primitive<Int64Type, IntegerText>),
    Float64(Primitive<Float64Type, FloatText>),
    Boolean(BooleanRows),
    Text(TextRows<Utf8>),
    Scalar(Box<dyn ScalarRows>),
    List(Box<ListRows>),
    Array(Box<ArrayRows>),
    Struct(Box<StructRows>),
}

macro_rules! each {
    ($storage:expr, $rows:ident => $do:expr) => {
        match $storage {
            Storage::Int64($rows) => $do,
            Storage::Float64($rows) => $do,
            Storage::Boolean($rows) => $do,
            Storage::Text($rows) => $do,
            Storage::Scalar($rows) => $do,
            Storage::List($rows) => $do,
            Storage::Array($rows) => $do,
            Storage::Struct($rows) => $do,
        }
    };
}

impl Column {
    /// An empty column with space for `capacity` rows, which it makes anew after each
    /// [`Column::finish`].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Option`] for a type that cannot be: an unknown time zone, a Decimal of
    /// 50 digits.
    pub fn new(ty: &ColumnType, capacity: usize) -> Result<Self> {
        Ok(Self {
            ty: ty.clone(),
            rows: storage(ty, capacity)?,
        })
    }

    /// The type of the arrays that [`Column::finish`] returns.
    pub fn arrow_type(&self) -> DataType {
        each!(&self.rows, rows => rows.arrow_type())
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        each!(&self.rows, rows => rows.len())
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a null.
    #[inline]
    pub fn push_null(&mut self) {
        each!(&mut self.rows, rows => rows.push_null());
    }

    /// Adds the value that `text` writes.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] if it writes no value of this type. Then nothing has been added.
    #[inline]
    pub fn push_text(&mut self, text: &[u8]) -> std::result::Result<(), Box<Mismatch>> {
        let pushed = match &mut self.rows {
            Storage::List(_) | Storage::Array(_) | Storage::Struct(_) => {
                return push_json(self, text).map_err(|reason| self.mismatch(reason));
            }
            _ => self.push_scalar(text),
        };
        pushed.map_err(|reason| self.mismatch(reason.to_owned()))
    }

    /// Adds the value that a well-formed JSON text writes, without blanks around it. What JSON has
    /// for each type is in `json_leaf`; null is null.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] if it writes no value of this type. Then nothing has been added.
    #[inline]
    pub fn push_json(&mut self, text: &str) -> std::result::Result<(), Box<Mismatch>> {
        let pushed = match &mut self.rows {
            Storage::List(_) | Storage::Array(_) | Storage::Struct(_) => {
                push_json(self, text.as_bytes())
            }
            _ => self.push_json_leaf(text),
        };
        pushed.map_err(|reason| self.mismatch(reason))
    }

    /// Adds a value that is not written in JSON.
    #[inline]
    pub(super) fn push_scalar(&mut self, text: &[u8]) -> std::result::Result<(), Reason> {
        match &mut self.rows {
            Storage::Int64(rows) => rows.push_text(text),
            Storage::Float64(rows) => rows.push_text(text),
            Storage::Boolean(rows) => rows.push_text(text),
            Storage::Text(rows) => rows.push_text(text),
            Storage::Scalar(rows) => rows.push_text(text),
            Storage::List(_) | Storage::Array(_) | Storage::Struct(_) => Err("is not JSON"),
        }
    }

    #[cold]
    fn mismatch(&self, reason: String) -> Box<Mismatch> {
        let dtype = self.ty.to_string();
        Box::new(Mismatch { dtype, reason })
    }

    /// The bytes of the rows; 0 if there are none. Costs little: no row is looked at.
    pub fn memory(&self) -> usize {
        each!(&self.rows, rows => rows.memory())
    }

    /// Takes the rows out as an Arrow array, and leaves the column empty.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Data`] if Arrow refuses the rows, which it has no reason to.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        each!(&mut self.rows, rows => rows.finish())
    }

    /// Forgets the rows after the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        each!(&mut self.rows, rows => rows.truncate(len));
    }
}

fn storage(ty: &ColumnType, capacity: usize) -> Result<Storage> {
    use ColumnType as T;
    Ok(match ty {
        T::Int8 => primitive::<Int8Type, _>(IntegerText, capacity),
        T::Int16 => primitive::<Int16Type, _>(IntegerText, capacity),
        T::Int32 => primitive::<Int32Type, _>(IntegerText, capacity),
        T::Int64 => Storage::Int64(Primitive::new(IntegerText, capacity)),
        T::Int128 => Storage::Scalar(Box::new(TextRows::new(Int128Digits, capacity))),
        T::UInt8 => primitive::<UInt8Type, _>(IntegerText, capacity),
        T::UInt16 => primitive::<UInt16Type, _>(IntegerText, capacity),
        T::UInt32 => primitive::<UInt32Type, _>(IntegerText, capacity),
        T::UInt64 => primitive::<UInt64Type, _>(IntegerText, capacity),
        T::UInt128 => Storage::Scalar(Box::new(TextRows::new(UInt128Digits, capacity))),
        T::Float32 => primitive::<Float32Type, _>(FloatText, capacity),
        T::Float64 => Storage::Float64(Primitive::new(FloatText, capacity)),
        T::Boolean => Storage::Boolean(BooleanRows::new(capacity)),
        T::String | T::Categorical => Storage::Text(TextRows::new(Utf8, capacity)),
        T::Binary => Storage::Scalar(Box::new(TextRows::new(Bytes, capacity))),
        T::Enum { categories } => {
            let rule = OneOf(categories.iter().cloned().collect());
            Storage::Scalar(Box::new(TextRows::new(rule, capacity)))
        }
        T::Date => primitive::<Date32Type, _>(DateText, capacity),
        T::Time => primitive::<Time64NanosecondType, _>(TimeText, capacity),
        T::Datetime { unit, zone } => datetime(*unit, zone.as_deref(), capacity)?,
        T::Duration { unit } => duration(*unit, capacity),
        T::Decimal { precision, scale } => {
            let parser = DecimalText::new(*precision, *scale)?;
            let data_type = DataType::Decimal128(*precision, *scale);
            typed::<Decimal128Type, _>(parser, capacity, data_type)
        }
        T::List { inner } => {
            let inner = Column::new(inner, capacity)?;
            Storage::List(Box::new(ListRows::new(inner, capacity)))
        }
        T::Array { inner, width } => {
            let inner = Column::new(inner, capacity)?;
            Storage::Array(Box::new(ArrayRows::new(inner, *width, capacity)?))
        }
        T::Struct { fields } => {
            let column = |field: &StructField| {
                Ok((field.name.clone(), Column::new(&field.dtype, capacity)?))
            };
            let fields = fields.iter().map(column).collect::<Result<Vec<_>>>()?;
            Storage::Struct(Box::new(StructRows::new(fields, capacity)?))
        }
    })
}

fn primitive<T: ArrowPrimitiveType, P>(parser: P, capacity: usize) -> Storage
where
    P: Parse<T::Native> + Send + 'static,
{
    typed::<T, P>(parser, capacity, T::DATA_TYPE)
}

fn typed<T: ArrowPrimitiveType, P>(parser: P, capacity: usize, data_type: DataType) -> Storage
where
    P: Parse<T::Native> + Send + 'static,
{
    let rows = Primitive::<T, P>::with_type(parser, capacity, data_type);
    Storage::Scalar(Box::new(rows))
}

fn datetime(unit: TimeUnit, zone: Option<&str>, capacity: usize) -> Result<Storage> {
    let parser = DatetimeText::new(unit, zone)?;
    let data_type = |unit| DataType::Timestamp(unit, zone.map(Into::into));
    Ok(match unit {
        TimeUnit::Ms => typed::<TimestampMillisecondType, _>(
            parser,
            capacity,
            data_type(arrow_schema::TimeUnit::Millisecond),
        ),
        TimeUnit::Us => typed::<TimestampMicrosecondType, _>(
            parser,
            capacity,
            data_type(arrow_schema::TimeUnit::Microsecond),
        ),
        TimeUnit::Ns => typed::<TimestampNanosecondType, _>(
            parser,
            capacity,
            data_type(arrow_schema::TimeUnit::Nanosecond),
        ),
    })
}

fn duration(unit: TimeUnit, capacity: usize) -> Storage {
    let parser = DurationText { unit };
    match unit {
        TimeUnit::Ms => primitive::<DurationMillisecondType, _>(parser, capacity),
        TimeUnit::Us => primitive::<DurationMicrosecondType, _>(parser, capacity),
        TimeUnit::Ns => primitive::<DurationNanosecondType, _>(parser, capacity),
    }
}
