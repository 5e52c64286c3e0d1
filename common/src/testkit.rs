//! What tests of bridges stand on. Never in a shipped binary.
//!
//! [`platform_suite`] is what every platform must pass.

pub mod platform_suite;
