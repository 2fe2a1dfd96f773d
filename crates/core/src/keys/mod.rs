//! Keys: pages of them, those that wait, and which have been seen.

mod page;
mod queue;
mod seen;

pub use page::KeyPage;
pub use queue::KeyQueue;
pub use seen::SeenKeys;
