//! `magpie-discord doctor` as a process: a healthy set-up, and one broken set-up after the other.
//!
//! Each fault is named together with what to do about it. What needs no real homeserver is in `fast`, the rest in `real`.

mod fast;
mod real;
