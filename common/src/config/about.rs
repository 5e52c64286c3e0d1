//! What a bridge calls itself: the names from which its settings, its Matrix ids and its help texts follow.
//!
//! Constant words only. Next: [`super::Config`], which takes its defaults from here.

/// The names of one bridge. Every bridge has exactly one, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The short name in lower-case letters: `discord`. Names the binary, the environment variables and the registration.
    pub id: &'static str,
    /// The network as people write it: `Discord`.
    pub name: &'static str,
    /// The port on which the bridge listens when the configuration says nothing.
    pub default_port: u16,
    /// The localpart of the bridge bot when the configuration says nothing: `discordbot`.
    pub bot: &'static str,
    /// What the localpart of every ghost starts with when the configuration says nothing: `discord_`.
    pub ghost_prefix: &'static str,
    /// What a command in a portal starts with when the configuration says nothing: `!discord`.
    pub command_prefix: &'static str,
}

impl About {
    /// The name of the program: `magpie-discord`.
    pub fn program(&self) -> String {
        format!("magpie-{}", self.id)
    }

    /// The environment variable that sets `key` of the platform's own section: `MAGPIE_DISCORD_TOKEN`.
    pub fn variable(&self, key: &str) -> String {
        format!("MAGPIE_{}_{}", self.id, key).to_uppercase()
    }
}

#[cfg(test)]
pub(crate) const DISCORD: About = About {
    id: "discord",
    name: "Discord",
    default_port: 29334,
    bot: "discordbot",
    ghost_prefix: "discord_",
    command_prefix: "!discord",
};
