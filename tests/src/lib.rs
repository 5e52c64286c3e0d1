//! Simulators of the platforms, the harness that starts real software, and the platforms that exist for tests and teaching.
//!
//! A simulator is the platform as seen from the network, never a mock of our own code. Each is judged twice: by the platform's
//! machine-readable description ([`openapi`]) and by an independent client that must work against it. [`harness`] starts real software
//! (Synapse, PostgreSQL, our own programs) and plays the people who use it. Nothing in here is shipped. The tests are in `tests/it/`.

pub mod bench;
pub mod checker;
pub mod conversation;
pub mod demo;
pub mod discord;
pub mod echo;
pub mod example;
pub mod features;
pub mod harness;
pub mod line_client;
pub mod line_server;
pub mod openapi;
pub mod quartet;
pub mod stage;
pub mod telegram;
pub mod wechat_envelope;
pub mod wechat_ilink;
pub mod wechat_official;
pub mod wechat_wecom;
pub mod wechaty;
pub mod whatsapp_cloud;
pub mod whatsapp_linked;
