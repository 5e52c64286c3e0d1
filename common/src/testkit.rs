//! What tests of every bridge share. Never part of a shipped binary.

pub mod store_suite;
