//! The WhatsApp bridge.
#![allow(dead_code)]
mod linked;
