//! Which commands a read needs, from its columns alone.

use super::json::values_of;
use super::request::{Kind, ReadRequest, Selection, Source};

/// How the values of a key are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// Not at all.
    None,
    /// HMGET with the fields asked for.
    SomeFields,
    /// HGETALL.
    AllFields,
    /// MGET.
    Strings,
    /// JSON.GET with paths.
    DocumentPaths,
    /// JSON.GET without paths.
    WholeDocuments,
    /// The commands of a type whose elements are rows.
    Elements,
    /// OBJECT and MEMORY, as far as columns want them.
    Facts,
}

/// The commands that are sent for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FetchPlan {
    /// How values are fetched.
    pub(super) values: Values,
    /// Whether PTTL is asked.
    pub(super) ttl: bool,
    /// Whether the times to live of single fields are asked for along with the values.
    pub(super) field_ttl: bool,
    /// Whether SCAN filters by TYPE. Without values nothing else would tell the types apart.
    pub(super) scan_type: bool,
    /// Whether TYPE is asked for each key.
    pub(super) key_type: bool,
}

impl FetchPlan {
    /// The plan to begin with; a sample may turn `SomeFields` into `AllFields`, and
    /// `DocumentPaths` into `WholeDocuments`.
    pub(super) fn new(request: &ReadRequest, selection: &Selection) -> Self {
        let values = match request.kind {
            Kind::Hashes if request.fields().is_empty() => Values::None,
            Kind::Hashes => Values::SomeFields,
            Kind::Strings if request.wants(&Source::Value) => Values::Strings,
            Kind::Strings => Values::None,
            Kind::Json => values_of(request),
            Kind::Keys { .. } if request.wants_facts() => Values::Facts,
            Kind::Keys { .. } => Values::None,
            // How many rows there are, only the elements tell.
            Kind::Fields
            | Kind::Sets
            | Kind::Lists { .. }
            | Kind::Zsets(_)
            | Kind::Streams(_)
            | Kind::Timeseries(_)
            | Kind::Vectors => Values::Elements,
        };
        let scans = matches!(selection, Selection::Pattern(_));
        Self {
            values,
            ttl: request.wants(&Source::Ttl),
            field_ttl: !request.ttl_fields().is_empty(),
            scan_type: scans
                && match &request.kind {
                    Kind::Keys { type_name } => type_name.is_some(),
                    _ => values == Values::None,
                },
            key_type: !scans && values == Values::None
                || request.wants(&Source::Type)
                || request.wants(&Source::Length)
                || !scans && values == Values::Facts,
        }
    }

    /// Whether a key costs no command beyond SCAN.
    pub(super) fn fetches_nothing(&self) -> bool {
        self.values == Values::None && !self.ttl && !self.field_ttl && !self.key_type
    }
}
