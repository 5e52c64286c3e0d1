//! The whole-system tests, in one binary.
//!
//! One module per area. Tests that start real software begin with `real_` or `crash_`: see `magpie_tests::harness`.

mod bench;
mod book;
mod conversation;
mod crash;
mod deploy;
mod discord_bridge;
mod discord_simulator;
mod discord_story;
mod doctor;
mod drawn_stickers;
mod echo;
mod example;
mod features;
mod four_networks;
mod harness;
mod hop;
mod hostile;
mod large_files;
mod manual;
mod operations;
mod operator;
mod people;
mod provisioning;
mod synapse;
mod telegram_bridge;
mod telegram_simulator;
mod tidy;
mod tutorial;
mod wechat_ilink_bridge;
mod wechat_ilink_simulator;
mod wechat_official_bridge;
mod wechat_official_simulator;
mod wechat_wecom_bridge;
mod wechat_wecom_simulator;
mod wechaty_bridge;
mod wechaty_gateway;
mod whatsapp_cloud_bridge;
mod whatsapp_cloud_simulator;
mod whatsapp_linked_bridge;
mod whatsapp_linked_simulator;
mod whatsapp_linked_story;
