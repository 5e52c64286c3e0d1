//! The sections as they stand in the file, before anything is checked.
//!
//! Every key has a default here, so that a missing one is found by `resolve`, which has better words than the parser.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{CreatePortals, Durability, Level, Secret};

/// The keys of the file's top level.
pub(super) const SECTIONS: [&str; 7] =
    ["homeserver", "appservice", "database", "bridge", "provisioning", "logging", "platform"];

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Homeserver {
    pub(super) url: String,
    pub(super) server_name: String,
    pub(super) double_puppet_token: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Appservice {
    pub(super) id: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) url: Option<String>,
    pub(super) registration: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) bot: Option<String>,
    pub(super) ghost_prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Database {
    pub(super) url: Option<Secret>,
    pub(super) durability: Durability,
    pub(super) encryption_key: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Bridge {
    pub(super) invite: Option<Vec<String>>,
    pub(super) permissions: BTreeMap<String, Level>,
    pub(super) logins_per_user_max: Option<usize>,
    pub(super) logins_max: Option<usize>,
    pub(super) create_portals: CreatePortals,
    pub(super) backfill_messages_max: Option<usize>,
    pub(super) media_bytes_max: Option<u64>,
    pub(super) media_folder: Option<String>,
    pub(super) ffmpeg: Option<String>,
    pub(super) delivery_receipts: Option<bool>,
    pub(super) command_prefix: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Provisioning {
    pub(super) secret: Option<Secret>,
    pub(super) openid: Option<bool>,
    pub(super) requests_per_second_max: Option<u32>,
}
