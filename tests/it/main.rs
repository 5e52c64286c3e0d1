//! The whole-system tests, one binary.

mod echo;
mod example;
mod tidy;
mod tutorial;
