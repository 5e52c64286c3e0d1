//! The whole-system tests, one binary.

mod discord_simulator;
