//! The Discord bridge on a stage with the simulator: the `platform:` section that leads it there.

use super::DiscordSim;

/// The lines of the `platform:` section with which `magpie-discord` talks to `discord` instead of the real one.
pub fn platform_section(discord: &DiscordSim) -> String {
    format!(
        "token: {}\napi_url: {}\ncdn_url: {}\ngateway_hosts: [127.0.0.1]\n",
        discord.token(),
        discord.origin(),
        discord.cdn_url()
    )
}
