//! A key that gets its elements in several steps.

/// Where chunks go, and what has become of them.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) key: Vec<u8>,
    /// The name it has until it is complete; none where elements are added to the key itself.
    pub(super) temporary: Option<Vec<u8>>,
    pub(super) ttl: Option<i64>,
    pub(super) labels: Vec<u8>,
    pub(super) label_words: usize,
    /// Where its first command starts in all that is sent.
    pub(super) start: Option<u64>,
    /// Where the commands start that give it its name.
    pub(super) moved: Option<u64>,
    /// Chunks without a reply.
    pub(super) outstanding: usize,
    /// Elements that the server has taken.
    pub(super) taken: usize,
    /// Why it cannot be written, or not in full.
    pub(super) refusal: Option<String>,
    /// Whether no chunk will come.
    pub(super) is_closed: bool,
}

impl Target {
    /// The key that chunks are added to.
    pub(super) fn address(&self) -> &[u8] {
        self.temporary.as_deref().unwrap_or(&self.key)
    }

    /// Whether its temporary key should be there, and have that name still.
    pub(super) fn is_building(&self) -> bool {
        self.start.is_some() && self.moved.is_none() && self.refusal.is_none()
    }

    pub(super) fn refuse(&mut self, reason: impl Into<String>) {
        self.refusal.get_or_insert_with(|| reason.into());
    }

    /// A reason, and how much was added before it.
    pub(super) fn with_count(&self, reason: &str) -> String {
        match (&self.temporary, self.taken) {
            (Some(_), _) | (None, 0) => reason.to_owned(),
            (None, 1) => format!("{reason}; 1 element was added"),
            (None, taken) => format!("{reason}; {taken} elements were added"),
        }
    }
}
