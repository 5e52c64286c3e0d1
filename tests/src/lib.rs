//! Simulators and the harness of Magpie's whole-system tests.
//!
//! `harness` starts real software (Synapse, PostgreSQL, our own programs) and plays the people who use it. Nothing in here is
//! shipped. The tests themselves are in `tests/it/`.

pub mod harness;
