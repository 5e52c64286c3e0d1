//! Making rooms, in one call, so that a portal is never seen half-furnished.
//!
//! Since room version 12 a creator has unlimited power for ever and must not be named in the power levels; before, it
//! must be named or it loses its power. So only the bot makes rooms, and the version decides how its power is written.

use std::collections::BTreeMap;

use http::Method;
use ruma::{MxcUri, OwnedMxcUri, OwnedRoomId, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Homeserver, HomeserverError, intent::json_body, transport::Body};

/// The first room version whose creators stand above the power levels.
const VERSION_WITH_PRIVILEGED_CREATORS: u32 = 12;
/// What the bot has in rooms of older versions.
const BOT_POWER: i64 = 100;

/// A room to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateRoom {
    /// Its name.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Its picture.
    pub avatar: Option<OwnedMxcUri>,
    /// The alias that leads to it, taken in the same request: a second room under the same alias is refused with `M_ROOM_IN_USE`.
    pub alias_localpart: Option<String>,
    /// Who is invited.
    pub invite: Vec<OwnedUserId>,
    /// Whether the invitations are to a direct chat.
    pub is_direct: bool,
    /// Whether it is a space.
    pub space: bool,
    /// Whether only users of this homeserver can ever be in it.
    pub local_only: bool,
    /// State that is there from the start, such as `m.bridge`.
    pub initial_state: Vec<InitialState>,
    /// Powers that differ from the usual ones.
    pub power_levels: PowerLevels,
    /// The room version; the homeserver's default when absent.
    pub room_version: Option<String>,
}

/// State that is there from the start.
#[derive(Clone, Debug, Serialize)]
pub struct InitialState {
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The state key.
    pub state_key: String,
    /// The content.
    pub content: Value,
}

/// Powers that differ from the usual ones.
#[derive(Clone, Debug, Default)]
pub struct PowerLevels {
    /// Powers of users; never the bot, whose power is seen to here.
    pub users: BTreeMap<OwnedUserId, i64>,
    /// Power needed for events by type.
    pub events: BTreeMap<String, i64>,
    /// Other keys of `m.room.power_levels`, such as `events_default`.
    pub defaults: BTreeMap<String, i64>,
}

impl Homeserver {
    /// Makes a room as the bot. `POST /_matrix/client/v3/createRoom`
    ///
    /// # Errors
    /// As every call.
    pub async fn create_room(&self, room: &CreateRoom) -> Result<OwnedRoomId, HomeserverError> {
        #[derive(Deserialize)]
        struct Answer {
            room_id: OwnedRoomId,
        }
        let creator_is_above = if room.power_levels.users.is_empty() {
            true
        } else {
            creators_are_privileged(match &room.room_version {
                Some(version) => version,
                None => self.default_room_version().await?,
            })
        };
        let body = json_body(&request(room, self.bot_id(), creator_is_above))?;
        let path = self.transport().path("/_matrix/client/v3/createRoom");
        let answer: Answer = self.transport().call(Method::POST, path, body).await?;
        Ok(answer.room_id)
    }

    /// The room version that the homeserver uses by itself; asked once. `GET /_matrix/client/v3/capabilities`
    ///
    /// # Errors
    /// As every call.
    pub async fn default_room_version(&self) -> Result<&str, HomeserverError> {
        let ask = || async {
            let path = self.transport().path("/_matrix/client/v3/capabilities");
            let answer: Value = self.transport().call(Method::GET, path, Body::None).await?;
            let version = answer.pointer("/capabilities/m.room_versions/default").and_then(Value::as_str);
            // The specification says to assume version 1 when the capability is missing.
            Ok(version.unwrap_or("1").to_owned())
        };
        self.0.default_room_version.get_or_try_init(ask).await.map(String::as_str)
    }
}

/// Whether the creators of a room of that version stand above its power levels.
pub(super) fn creators_are_privileged(version: &str) -> bool {
    version.parse::<u32>().is_ok_and(|version| version >= VERSION_WITH_PRIVILEGED_CREATORS)
}

fn request(room: &CreateRoom, bot: &UserId, creator_is_above: bool) -> Value {
    let mut creation = Map::new();
    if room.space {
        creation.insert("type".to_owned(), "m.space".into());
    }
    if room.local_only {
        creation.insert("m.federate".to_owned(), false.into());
    }
    let mut body = json!({
        "preset": "private_chat",
        "visibility": "private",
        "is_direct": room.is_direct,
        "creation_content": creation,
        "invite": room.invite,
        "initial_state": initial_state(room),
        "power_level_content_override": power_levels(&room.power_levels, bot, creator_is_above),
    });
    let words = [
        ("name", &room.name),
        ("topic", &room.topic),
        ("room_version", &room.room_version),
        ("room_alias_name", &room.alias_localpart),
    ];
    for (key, value) in words {
        if let Some(value) = value {
            body[key] = value.as_str().into();
        }
    }
    body
}

fn initial_state(room: &CreateRoom) -> Vec<InitialState> {
    let avatar = room.avatar.as_deref().map(|avatar: &MxcUri| InitialState {
        event_type: "m.room.avatar".to_owned(),
        state_key: String::new(),
        content: json!({ "url": avatar }),
    });
    room.initial_state.iter().cloned().chain(avatar).collect()
}

fn power_levels(levels: &PowerLevels, bot: &UserId, creator_is_above: bool) -> Value {
    let mut body: Map<String, Value> =
        levels.defaults.iter().map(|(key, level)| (key.clone(), (*level).into())).collect();
    if !levels.events.is_empty() {
        body.insert("events".to_owned(), json!(levels.events));
    }
    let mut users = levels.users.clone();
    users.remove(bot);
    if !creator_is_above {
        users.insert(bot.to_owned(), BOT_POWER);
    }
    if !users.is_empty() {
        body.insert("users".to_owned(), json!(users));
    }
    body.into()
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;

    fn room() -> CreateRoom {
        let mut room = CreateRoom { name: Some("General".to_owned()), ..CreateRoom::default() };
        room.power_levels.users.insert(user_id!("@alice:example.org").to_owned(), 50);
        room.power_levels.users.insert(user_id!("@bot:example.org").to_owned(), 100);
        room
    }

    #[test]
    fn a_privileged_creator_is_not_named_in_the_power_levels() {
        let body = request(&room(), user_id!("@bot:example.org"), creators_are_privileged("12"));
        assert_eq!(body["power_level_content_override"]["users"], json!({ "@alice:example.org": 50 }));
        assert_eq!(body["name"], "General");
        assert_eq!(body.get("room_version"), None);
    }

    #[test]
    fn in_older_rooms_the_creator_keeps_its_power() {
        let body = request(&room(), user_id!("@bot:example.org"), creators_are_privileged("11"));
        let users = json!({ "@alice:example.org": 50, "@bot:example.org": 100 });
        assert_eq!(body["power_level_content_override"]["users"], users);
    }

    #[test]
    fn a_space_says_so_and_carries_its_picture() {
        let avatar = Some(OwnedMxcUri::from("mxc://example.org/a"));
        let room = CreateRoom { space: true, local_only: true, avatar, ..CreateRoom::default() };
        let body = request(&room, user_id!("@bot:example.org"), true);
        assert_eq!(body["creation_content"], json!({ "type": "m.space", "m.federate": false }));
        assert_eq!(body["initial_state"][0]["content"]["url"], "mxc://example.org/a");
        assert_eq!(body["power_level_content_override"], json!({}));
    }
}
