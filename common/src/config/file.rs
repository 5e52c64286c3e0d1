//! The sections as they stand in the file, before anything is checked.
//!
//! Every key has a default here, so that a missing one is found by `resolve`, which has better words than the parser.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{CreatePortals, Durability, Level, RelayReactions, Secret};
use crate::message::TemplateKind;

/// The keys of the file's top level.
pub(super) const SECTIONS: [&str; 7] =
    ["homeserver", "appservice", "database", "bridge", "provisioning", "logging", "platform"];

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Homeserver {
    pub(super) url: String,
    pub(super) server_name: String,
    pub(super) double_puppets: Option<String>,
    pub(super) double_puppet_servers: BTreeMap<String, String>,
    pub(super) status_endpoint: Option<String>,
    pub(super) message_send_checkpoint_endpoint: Option<String>,
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
    pub(super) ignore: Vec<String>,
    pub(super) logins_per_user_max: Option<usize>,
    pub(super) logins_max: Option<usize>,
    pub(super) create_portals: CreatePortals,
    pub(super) backfill_messages_max: Option<usize>,
    pub(super) media_bytes_max: Option<u64>,
    pub(super) media_folder: Option<String>,
    pub(super) ffmpeg: Option<String>,
    pub(super) silk: Option<String>,
    pub(super) personal_spaces: Option<bool>,
    pub(super) delivery_receipts: Option<bool>,
    pub(super) message_status_events: bool,
    pub(super) command_prefix: Option<String>,
    pub(super) relay_templates: Option<RelayTemplates>,
    pub(super) relay_reactions: RelayReactions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RelayTemplates {
    text: Option<String>,
    notice: Option<String>,
    emote: Option<String>,
    edit: Option<String>,
    file: Option<String>,
    sticker: Option<String>,
    location: Option<String>,
    reaction: Option<String>,
}

impl RelayTemplates {
    pub(super) fn get(&self, kind: TemplateKind) -> Option<&str> {
        let template = match kind {
            TemplateKind::Text => &self.text,
            TemplateKind::Notice => &self.notice,
            TemplateKind::Emote => &self.emote,
            TemplateKind::Edit => &self.edit,
            TemplateKind::File => &self.file,
            TemplateKind::Sticker => &self.sticker,
            TemplateKind::Location => &self.location,
            TemplateKind::Reaction => &self.reaction,
        };
        template.as_deref()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Provisioning {
    pub(super) secret: Option<Secret>,
    pub(super) openid: Option<bool>,
    pub(super) requests_per_second_max: Option<u32>,
}
