//! The reversible spelling of a remote user id as a Matrix localpart.
//!
//! Follows the mapping that the specification recommends (Matrix appendix "Mapping from other character sets"): an upper-case
//! letter becomes `_` and its lower-case form, `_` becomes `__`, and any byte outside `a-z 0-9 . - /` becomes `=` and two hex
//! digits. So every id has exactly one localpart, and the other way round.

use ruma::{OwnedUserId, ServerName, UserId};
use sha2::{Digest, Sha256};

use super::{RemoteChatId, RemoteUserId};

/// A Matrix user id has at most 255 bytes, sigil and server name included (specification, appendix "User identifiers").
pub const LOCALPART_BYTES_MAX: usize = 200;

/// Spells ghosts' Matrix ids, and reads them back.
#[derive(Clone, Debug)]
pub struct GhostNames {
    prefix: String,
    server_name: ruma::OwnedServerName,
    bot: OwnedUserId,
}

impl GhostNames {
    /// `prefix` starts the localpart of every ghost (`discord_`), `bot_localpart` is the bridge bot's whole localpart.
    ///
    /// # Errors
    /// When the bot's name would not be a valid Matrix id, or could be read as a ghost.
    pub fn new(prefix: &str, bot_localpart: &str, server_name: &ServerName) -> Result<Self, String> {
        let bot = UserId::parse(format!("@{bot_localpart}:{server_name}")).map_err(|error| {
            format!("`{bot_localpart}` with `{server_name}` is not a valid Matrix user id: {error}")
        })?;
        let names = Self { prefix: prefix.to_owned(), server_name: server_name.to_owned(), bot };
        if names.remote(&names.bot).is_some() {
            return Err(format!(
                "the bot's name `{bot_localpart}` would also be read as a ghost, because it starts with `{prefix}`"
            ));
        }
        Ok(names)
    }

    /// The ghost of a remote user; `None` when its name would be too long for Matrix.
    pub fn ghost(&self, user: &RemoteUserId) -> Option<OwnedUserId> {
        let localpart = format!("{}{}", self.prefix, encode(user.as_str()));
        if localpart.len() > LOCALPART_BYTES_MAX {
            return None;
        }
        UserId::parse(format!("@{localpart}:{}", self.server_name)).ok()
    }

    /// The remote user that a ghost stands for; `None` for anybody who is not a ghost of this bridge.
    pub fn remote(&self, user_id: &UserId) -> Option<RemoteUserId> {
        if user_id.server_name() != self.server_name {
            return None;
        }
        let encoded = user_id.localpart().strip_prefix(&self.prefix)?;
        let decoded = decode(encoded)?;
        (!decoded.is_empty()).then(|| RemoteUserId::new(decoded))
    }

    /// The localpart of the alias that leads to a chat's room, spelled as ghosts are. An id too long for an alias is cut and closed with its
    /// hash, since nothing reads aliases back.
    pub fn alias_localpart(&self, chat: &RemoteChatId) -> String {
        let localpart = format!("{}{}", self.prefix, encode(chat.as_str()));
        if localpart.len() <= LOCALPART_BYTES_MAX {
            return localpart;
        }
        let hash: String = Sha256::digest(chat.as_str()).iter().map(|byte| format!("{byte:02x}")).collect();
        // The encoded form is ASCII, so any cut is at a character.
        format!("{}={hash}", &localpart[..LOCALPART_BYTES_MAX - hash.len() - 1])
    }

    /// Whether an alias leads to a chat's room.
    pub fn is_our_alias(&self, alias: &str) -> bool {
        let localpart =
            alias.strip_prefix('#').and_then(|alias| alias.strip_suffix(self.server_name.as_str()));
        localpart.is_some_and(|localpart| localpart.ends_with(':') && localpart.starts_with(&self.prefix))
    }

    /// Whether this is the bridge bot or one of its ghosts, whose events are our own coming back.
    pub fn is_ours(&self, user_id: &UserId) -> bool {
        user_id == self.bot || self.remote(user_id).is_some()
    }

    /// The bridge bot.
    pub fn bot(&self) -> &UserId {
        &self.bot
    }

    /// The homeserver's name.
    pub fn server_name(&self) -> &ServerName {
        &self.server_name
    }

    /// What every ghost's localpart starts with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

fn encode(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'/' => out.push(char::from(byte)),
            b'_' => out.push_str("__"),
            b'A'..=b'Z' => {
                out.push('_');
                out.push(char::from(byte.to_ascii_lowercase()));
            }
            other => out.push_str(&format!("={other:02x}")),
        }
    }
    out
}

fn decode(localpart: &str) -> Option<String> {
    let mut bytes = localpart.bytes();
    let mut out = Vec::with_capacity(localpart.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'/' => byte,
            b'_' => match bytes.next()? {
                b'_' => b'_',
                letter @ b'a'..=b'z' => letter.to_ascii_uppercase(),
                _ => return None,
            },
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    let decoded = String::from_utf8(out).ok()?;
    // Only the one spelling that `encode` makes counts: `=61` is not the ghost `a`.
    (encode(&decoded) == localpart).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruma::server_name;

    use super::*;

    fn names() -> GhostNames {
        GhostNames::new("discord_", "discordbot", server_name!("example.org")).unwrap()
    }

    fn check(remote: &str, localpart: &str) {
        let ghost = names().ghost(&RemoteUserId::new(remote)).unwrap();
        assert_eq!(ghost.localpart(), localpart);
        assert_eq!(names().remote(&ghost), Some(RemoteUserId::new(remote)));
    }

    #[test]
    fn localparts_follow_the_recommended_mapping() {
        check("1234567890", "discord_1234567890");
        check("Alice_B", "discord__alice___b");
        check("+49 170", "discord_=2b49=20170");
        check("a@b:c", "discord_a=40b=3ac");
        check("喜鹊", "discord_=e5=96=9c=e9=b9=8a");
    }

    #[test]
    fn other_spellings_and_strangers_are_not_ghosts() {
        for stranger in
            ["@discord_=61:example.org", "@discord_:example.org", "@alice:example.org", "@discord_1:evil.org"]
        {
            assert_eq!(names().remote(&UserId::parse(stranger).unwrap()), None, "{stranger}");
        }
        assert!(names().is_ours(&UserId::parse("@discordbot:example.org").unwrap()));
    }

    #[test]
    fn aliases_of_chats_are_told_from_others() {
        let alias = names().alias_localpart(&RemoteChatId::new("a chat"));
        assert!(names().is_our_alias(&format!("#{alias}:example.org")));
        for other in
            ["#discord_1:evil.org", "#lobby:example.org", "discord_1:example.org", "#discord_1example.org"]
        {
            assert!(!names().is_our_alias(other), "{other}");
        }
    }

    #[test]
    fn a_bot_that_looks_like_a_ghost_is_refused() {
        assert!(GhostNames::new("discord_", "discord_bot", server_name!("example.org")).is_err());
    }

    #[test]
    fn an_id_too_long_for_matrix_has_no_ghost() {
        assert_eq!(names().ghost(&RemoteUserId::new("x".repeat(LOCALPART_BYTES_MAX))), None);
    }

    proptest! {
        #[test]
        fn every_remote_id_comes_back(id in "\\PC{1,30}") {
            if let Some(ghost) = names().ghost(&RemoteUserId::new(id.clone())) {
                prop_assert_eq!(names().remote(&ghost), Some(RemoteUserId::new(id)));
            }
        }
    }
}
