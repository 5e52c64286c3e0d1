//! Simulators, harness and the small platforms that Magpie is tested with.

pub mod echo;
pub mod example;
pub mod line_client;
pub mod line_server;
