//! Finding people: by their id, by their user name, or by the beginning of a name, among the members of the bot's servers.
//!
//! Discord has no list of everybody. Must never guess: a name that several have leads to none of them.

use async_trait::async_trait;
use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::UserInfo,
    platform::{Directory, PlatformError, Session},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{DiscordSession, api::ApiError};
use crate::{events, format::is_id, json::text};

/// So many servers are searched; each is a request.
const GUILDS_SEARCHED_MAX: usize = 20;

/// Discord takes no longer words.
const QUERY_CHARS_MAX: usize = 100;

/// So many members of one server are looked at for an exact user name.
const SAME_BEGINNING_MAX: usize = 100;

/// A user name has so many characters.
const USER_NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;

#[async_trait]
impl Directory for DiscordSession {
    async fn search(&self, query: &str, count_max: usize) -> Result<Vec<UserInfo>, PlatformError> {
        let words: String = query.trim().chars().filter(|c| !c.is_control()).take(QUERY_CHARS_MAX).collect();
        let mut found: Vec<UserInfo> = Vec::new();
        if words.is_empty() {
            return Ok(found);
        }
        for guild in self.guilds() {
            for user in self.members(&guild, &words, count_max).await? {
                let is_known = found.iter().any(|known| known.ids == user.ids);
                if !is_known && found.len() < count_max && user.ids.primary.as_str() != self.me {
                    found.push(user);
                }
            }
            if found.len() >= count_max {
                break;
            }
        }
        Ok(found)
    }

    async fn resolve(&self, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
        let identifier = identifier.trim();
        if let Some(id) = written_id(identifier)
            && let Some(user) = self.user(&RemoteUserId::new(id)).await?
        {
            return Ok(Some(user));
        }
        let Some(name) = user_name(identifier) else { return Ok(None) };
        for guild in self.guilds() {
            let members = self.search_guild(&guild, &name, SAME_BEGINNING_MAX).await?;
            let named = members.iter().map(|member| &member["user"]).find(|user| user["username"] == *name);
            if let Some(user) = named {
                return Ok(Some(read(user)));
            }
        }
        Ok(None)
    }

    /// `POST /users/@me/channels`: Discord gives the conversation that there is, or opens one.
    async fn direct_chat(&self, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
        let failed =
            |why: &str| PlatformError(format!("The conversation on Discord could not be opened: {why}."));
        if !is_id(user.as_str()) {
            return Err(failed("nobody there has such an id"));
        }
        match self.api.post("/users/@me/channels", json!({"recipient_id": user})).await {
            Ok(channel) => {
                let id = text(&channel["id"]);
                if !is_id(&id) {
                    return Err(failed("Discord's answer names none"));
                }
                self.world.write().learn_direct(&id, &channel["recipients"][0]);
                Ok(RemoteChatId::new(id))
            }
            Err(error) if error.is_not_found() => Err(failed("Discord knows no such person")),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

impl DiscordSession {
    /// The servers that are searched, always in the same order.
    fn guilds(&self) -> Vec<String> {
        let mut guilds: Vec<String> = self.world.read().guilds.keys().cloned().collect();
        guilds.sort_unstable();
        guilds.truncate(GUILDS_SEARCHED_MAX);
        guilds
    }

    async fn members(
        &self,
        guild: &str,
        words: &str,
        count_max: usize,
    ) -> Result<Vec<UserInfo>, PlatformError> {
        let members = self.search_guild(guild, words, count_max.saturating_add(1)).await?;
        Ok(members.iter().map(|member| read(&member["user"])).collect())
    }

    /// `GET /guilds/{id}/members/search`: the members whose user name or nickname begins so.
    async fn search_guild(
        &self,
        guild: &str,
        words: &str,
        limit: usize,
    ) -> Result<Vec<Value>, PlatformError> {
        let limit = limit.clamp(1, 1_000).to_string();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", words)
            .append_pair("limit", &limit)
            .finish();
        match self.api.get(&format!("/guilds/{guild}/members/search?{query}")).await {
            Ok(Value::Array(members)) => Ok(members),
            Ok(_) => Ok(Vec::new()),
            // A server that we have just left, or may not look into.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(unasked(&error)),
        }
    }
}

/// A user as Discord describes them.
pub(super) fn read(user: &Value) -> UserInfo {
    let id = text(&user["id"]);
    UserInfo {
        name: Some(events::shown_name(user, &Value::Null)).filter(|name| !name.is_empty()),
        avatar: events::avatar(&id, &user["avatar"]),
        bot: user["bot"] == true,
        ids: AliasSet::single(RemoteUserId::new(id)),
    }
}

/// An id, as such or as Discord's app copies a mention.
fn written_id(identifier: &str) -> Option<&str> {
    let mention = identifier.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>'));
    let id = mention.map_or(identifier, |id| id.strip_prefix('!').unwrap_or(id));
    is_id(id).then_some(id)
}

/// A user name as Discord keeps it; `None` for what can be none.
fn user_name(identifier: &str) -> Option<String> {
    let name = identifier.strip_prefix('@').unwrap_or(identifier).to_lowercase();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    (USER_NAME_CHARS.contains(&name.len()) && name.chars().all(is_plain)).then_some(name)
}

fn unasked(error: &ApiError) -> PlatformError {
    PlatformError(format!("Discord could not be asked for people: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_written_in_several_ways() {
        for (identifier, id, name) in [
            ("80351110224678912", Some("80351110224678912"), Some("80351110224678912")),
            ("<@80351110224678912>", Some("80351110224678912"), None),
            ("<@!80351110224678912>", Some("80351110224678912"), None),
            ("@Nelly", None, Some("nelly")),
            ("nelly.b_2", None, Some("nelly.b_2")),
            ("Nelly Bird", None, None),
            ("n", None, None),
            ("<@&80351110224678912>", None, None),
            ("../../users/1", None, None),
            ("", None, None),
        ] {
            assert_eq!(written_id(identifier), id, "{identifier}");
            assert_eq!(user_name(identifier).as_deref(), name, "{identifier}");
        }
    }
}
