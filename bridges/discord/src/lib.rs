//! The Discord bridge: what is Discord's own, and nothing else.
//!
//! - `format`: Discord's markup to the rich-text tree and back. Pure.

pub mod format;
