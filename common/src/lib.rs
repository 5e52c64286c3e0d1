//! All of Magpie that is not one platform's.
//!
//! Six layers, and imports point downward only (a test reads the `use` lines):
//!
//! | layer | rooms |
//! |---|---|
//! | words | [`ids`], [`message`], [`clock`], [`config`], [`steps`] |
//! | pure | `convert` |
//! | ports | [`platform`], [`homeserver`], [`store`] |

pub mod appservice;
pub mod clock;
pub mod config;
pub mod homeserver;
pub mod ids;
pub mod message;
pub mod platform;
pub mod steps;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
