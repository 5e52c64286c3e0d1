//! Real software for the tests, and the people who use it.
//!
//! A test reads as a story: ask [`tools::need`] for what it takes, start a [`synapse::Synapse`] (and a
//! [`postgres::Postgres`]), let [`person::Person`]s talk, start our own programs as a [`bridge::Bridge`], and `stop` everything
//! at the end. What is dropped without `stop`, because the story failed, is killed and leaves its log in `.magpie/logs/`.
//!
//! Names matter: a test that starts real software begins with `real_` or `crash_`, which is how `.config/nextest.toml` knows
//! the heavy ones. Starting costs seconds, so a test should tell a whole story. Everything stays on loopback.

pub mod bridge;
pub mod node;
pub mod person;
pub mod ports;
pub mod postgres;
pub mod service;
pub mod synapse;
pub mod tools;
