//! The whole-system tests, in one binary.
//!
//! One module per area. Tests that start real software begin with `real_` or `crash_`: see `magpie_tests::harness`.

mod bench;
mod discord_simulator;
mod echo;
mod example;
mod harness;
mod hop;
