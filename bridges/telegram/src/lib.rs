//! The Telegram bridge: what is Telegram's own, and nothing else.

pub mod format;
