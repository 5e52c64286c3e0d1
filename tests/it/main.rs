//! The whole-system tests, in one binary.
//!
//! One module per area. Tests that start real software begin with `real_` or `crash_`: see `magpie_tests::harness`.

mod crash;
mod discord_bridge;
mod discord_simulator;
mod discord_story;
mod echo;
mod example;
mod harness;
mod hop;
mod synapse;
mod tidy;
mod tutorial;
