//! Keys: pages of them, those that wait, which have been seen, and patterns.

pub mod glob;
mod page;
mod queue;
mod seen;

pub use page::KeyPage;
pub use queue::KeyQueue;
pub use seen::SeenKeys;
