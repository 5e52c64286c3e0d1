//! What tests stand on: fakes that behave like the real thing and can be told to fail, and the suites that every store and every platform
//! must pass.
//!
//! Compiled with the feature `testkit` only, never into a shipped binary. Next: [`fake_homeserver`].

pub mod fake_homeserver;
pub mod fake_network;
pub mod fake_watcher;
pub mod platform_suite;
pub mod store_suite;
