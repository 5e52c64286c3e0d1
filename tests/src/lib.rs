//! Simulators of the platforms, the judges that keep them honest, and what the whole-system tests share.
//!
//! A simulator is the platform as seen from the network, never a mock of our own code: nothing in here may import a
//! bridge's insides. Each is judged twice: by the platform's machine-readable description ([`openapi`]) and by an
//! independent client that must work against it.

pub mod discord;
pub mod openapi;
