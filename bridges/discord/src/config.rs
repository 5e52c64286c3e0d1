//! The `platform:` section of the configuration.

use std::collections::HashMap;

use magpie_common::{
    config::{PlatformConfig, Problems, Question, Secret},
    message::CreateWhen,
};
use serde::Deserialize;
use url::Url;

use crate::format;

const TOKEN_HELP: &str =
    "open https://discord.com/developers/applications, choose your application, then Bot, then Reset Token";

/// Settings of the Discord bridge.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscordConfig {
    /// The bot's token; without it, nothing connects.
    pub token: Option<Secret>,
    /// The servers to bridge, by id; all that the bot is in when empty.
    pub guilds: Vec<String>,
    /// What is different in single servers, by id.
    pub guild_settings: HashMap<String, GuildSettings>,
    /// The name of the webhook through which Matrix people speak.
    pub webhook_name: String,
    /// How many missed messages of one channel are fetched after an interruption.
    pub recover_messages_max: usize,
    /// The largest file that is sent, in bytes; each server's boosts decide when absent.
    pub file_bytes_max: Option<u64>,
    /// Where the API is, without a path.
    pub api_url: String,
    /// Where pictures and emoji are.
    pub cdn_url: String,
    /// The hosts at which the gateway may be; a leading `*.` stands for any one name.
    pub gateway_hosts: Vec<String>,
}

/// What is different in one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuildSettings {
    /// When its channels get rooms; `bridge.create_portals` decides when absent.
    pub mode: Option<GuildMode>,
    /// Where its threads are shown.
    pub threads: Threads,
}

/// When the channels of a server get rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuildMode {
    /// All at once.
    Everything,
    /// Each with its first message.
    OnMessage,
    /// Each when somebody asks for it by the command `bridge`.
    OnCommand,
}

/// Where threads are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threads {
    /// As threads in their channel's room; private ones have rooms of their own all the same.
    #[default]
    MatrixThread,
    /// In rooms of their own.
    OwnRoom,
}

impl GuildMode {
    /// The same in the words of rooms.
    pub fn create(self) -> CreateWhen {
        match self {
            Self::Everything => CreateWhen::AtOnce,
            Self::OnMessage => CreateWhen::FirstMessage,
            Self::OnCommand => CreateWhen::OnCommand,
        }
    }
}

impl Default for DiscordConfig {
    fn default() -> Self {
        Self {
            token: None,
            guilds: Vec::new(),
            guild_settings: HashMap::new(),
            webhook_name: "Magpie".to_owned(),
            recover_messages_max: 1000,
            file_bytes_max: None,
            api_url: "https://discord.com".to_owned(),
            cdn_url: "https://cdn.discordapp.com".to_owned(),
            gateway_hosts: vec!["gateway.discord.gg".to_owned(), "*.discord.gg".to_owned()],
        }
    }
}

impl DiscordConfig {
    /// Whether a server is to be bridged.
    pub fn wants_guild(&self, id: &str) -> bool {
        self.guilds.is_empty() || self.guilds.iter().any(|wanted| wanted == id)
    }

    /// Whether the gateway may be at this address.
    pub fn allows_gateway(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let Some(host) = url.host_str() else { return false };
        let fits = |allowed: &str| match allowed.strip_prefix("*.") {
            Some(parent) => {
                host.strip_suffix(parent).is_some_and(|name| name.ends_with('.') && name.len() > 1)
            }
            None => host == allowed,
        };
        matches!(url.scheme(), "wss" | "ws") && self.gateway_hosts.iter().any(|allowed| fits(allowed))
    }
}

impl PlatformConfig for DiscordConfig {
    const TEMPLATE: &'static str = "\
# The bot's token, from https://discord.com/developers/applications (your application, Bot, Reset Token).
# Switch on \"Message Content Intent\" on the same page. Better kept in MAGPIE_DISCORD_TOKEN_FILE.
token: your-token
# The servers to bridge, by id; all that the bot is in when empty.
# guilds: [\"123456789012345678\"]
# What is different in single servers. mode: everything, on_message or on_command (`bridge <channel id>`) makes rooms;
# threads: matrix_thread shows them in their channel's room, own_room apart.
# guild_settings: { \"123456789012345678\": { mode: on_command, threads: own_room } }
# The name of the webhook through which Matrix people speak in Discord.
# webhook_name: Magpie
# How many missed messages of one channel are fetched after an interruption.
# recover_messages_max: 1000
# The largest file that is sent to Discord, in bytes; larger ones become links. Each server's boosts decide when absent.
# file_bytes_max: 10485760
# For another server that speaks Discord's protocol.
# api_url: https://discord.com
# cdn_url: https://cdn.discordapp.com
# gateway_hosts: [gateway.discord.gg, \"*.discord.gg\"]
";

    const QUESTIONS: &'static [Question] = &[Question {
        key: "token",
        words: "What is the token of your Discord bot? (developer portal, Bot, Reset Token)",
    }];

    fn check(&self, problems: &mut Problems) {
        if let Some(token) = &self.token {
            problems.check_secret("token", token, TOKEN_HELP);
        }
        for (nth, id) in self.guilds.iter().enumerate() {
            if !format::is_id(id) {
                let what = format!("`{id}` is no server id");
                problems.add(
                    &format!("guilds.{nth}"),
                    what,
                    "switch on Developer Mode in Discord, then copy the server's id",
                );
            }
        }
        for id in self.guild_settings.keys().filter(|id| !format::is_id(id)) {
            let what = format!("`{id}` is no server id");
            problems.add(
                "guild_settings",
                what,
                "switch on Developer Mode in Discord, then copy the server's id",
            );
        }
        let name = self.webhook_name.to_lowercase();
        if name.trim().is_empty()
            || name.chars().count() > 80
            || name.contains("discord")
            || name.contains("clyde")
        {
            let help = "use 1 to 80 letters; Discord refuses `discord` and `clyde` in it";
            problems.add("webhook_name", "`webhook_name` cannot be used", help);
        }
        for (key, url) in [("api_url", &self.api_url), ("cdn_url", &self.cdn_url)] {
            let is_web =
                Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !is_web {
                problems.add(key, format!("`{key}` is no web address"), "leave it out to use Discord itself");
            }
        }
        if self.gateway_hosts.is_empty() {
            problems.add("gateway_hosts", "no gateway is allowed", "leave it out to use Discord itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_are_gateways() {
        let config = DiscordConfig::default();
        for good in ["wss://gateway.discord.gg", "wss://gateway-us-east1-b.discord.gg/?v=10"] {
            assert!(config.allows_gateway(good), "{good}");
        }
        for bad in [
            "wss://discord.gg.evil.org",
            "wss://evildiscord.gg",
            "https://gateway.discord.gg",
            "wss://.discord.gg",
            "x",
        ] {
            assert!(!config.allows_gateway(bad), "{bad}");
        }
    }
}
