//! The Discord bridge on a stage with the simulator.

use super::DiscordSim;
use crate::stage::Cast;

/// The lines of the `platform:` section with which `magpie-discord` talks to `discord` instead of the real one.
pub fn platform_section(discord: &DiscordSim) -> String {
    format!(
        "token: {}\napi_url: {}\ncdn_url: {}\ngateway_hosts: [127.0.0.1]\n",
        discord.token(),
        discord.origin(),
        discord.cdn_url()
    )
}

/// A Discord bridge on SQLite for the homeserver of that name, where alice may do everything.
pub fn cast(server_name: &str, platform: String) -> Cast {
    Cast {
        id: "discord",
        server_name: server_name.to_owned(),
        homeserver: String::new(),
        database: None,
        durability: "full",
        admin: format!("@alice:{server_name}"),
        platform,
        environment: Vec::new(),
    }
}
