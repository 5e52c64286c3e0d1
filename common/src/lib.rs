//! All of Magpie that is not one platform's.
//!
//! Six layers, and imports point downward only (a test reads the `use` lines):
//!
//! | layer | rooms |
//! |---|---|
//! | words | [`ids`], [`message`], [`clock`], [`config`], [`steps`] |
//! | pure | [`convert`] |
//! | ports | [`platform`], [`homeserver`], [`store`], [`report`] |
//! | domain | [`media`], [`puppet`], [`login`], [`portal`] |
//! | edge | [`appservice`], [`commands`], [`api`], [`health`] |
//! | wiring | [`runtime`] |

pub mod api;
pub mod appservice;
pub mod clock;
pub mod commands;
pub mod config;
pub mod convert;
pub mod health;
pub mod homeserver;
pub mod ids;
pub mod login;
pub mod media;
pub mod message;
pub mod platform;
pub mod portal;
pub mod puppet;
pub mod report;
pub mod runtime;
pub mod steps;
pub mod store;
#[cfg(feature = "testkit")]
pub mod testkit;
