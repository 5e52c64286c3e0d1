//! All of Magpie that is not one platform's.
//!
//! Six layers, and imports point downward only (a test reads the `use` lines):
//!
//! | layer | rooms |
//! |---|---|
//! | words | [`ids`], [`message`], [`clock`], [`config`] |

pub mod clock;
pub mod config;
pub mod ids;
pub mod message;
pub mod platform;
#[cfg(feature = "testkit")]
pub mod testkit;
