//! The whole-system tests, one binary.

mod echo;
mod example;
