//! Who may do what in a room: its power levels and its creators, read as the specification reads them.
//!
//! Since room version 12 the creators stand above all levels. Pure but for the two questions to the homeserver.

use http::Method;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::{
    HomeserverError,
    intent::{Intent, optional},
    rooms::creators_are_privileged,
    transport::Body,
};

/// What a creator has where no power levels are set (specification, `m.room.power_levels`).
const CREATOR_WITHOUT_LEVELS: i64 = 100;
/// What moderation and state need where power levels are set and do not say otherwise.
const USUAL: i64 = 50;

/// How a room came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Creation {
    /// Who made it; unknown on homeservers that do not tell.
    pub creator: Option<OwnedUserId>,
    /// Who stands beside them.
    pub additional_creators: Vec<OwnedUserId>,
    /// Its version.
    pub version: String,
    /// The room that it replaces.
    pub predecessor: Option<OwnedRoomId>,
    /// Whether it is a space.
    pub is_space: bool,
    /// When, by the homeserver's clock, in milliseconds since 1970; unknown on homeservers that do not tell.
    pub made_ms: Option<i64>,
}

/// How much somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// As far as this level.
    Level(i64),
    /// Everything: a creator since room version 12.
    Unlimited,
}

/// Something that needs power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// Sending an event of this type.
    Send(&'a str),
    /// Setting state of this type.
    SetState(&'a str),
    /// Inviting people.
    Invite,
    /// Taking people out.
    Kick,
    /// Taking away what others said.
    Redact,
}

/// The powers in a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Powers {
    /// The content of `m.room.power_levels`, if it is set.
    levels: Option<Value>,
    creation: Creation,
}

impl Power {
    /// Whether that is enough.
    pub fn reaches(self, needed: i64) -> bool {
        self >= Self::Level(needed)
    }
}

impl Powers {
    /// The powers of a room with these power levels, made in this way.
    pub fn new(levels: Option<Value>, creation: Creation) -> Self {
        Self { levels, creation }
    }

    /// How the room came to be.
    pub fn creation(&self) -> &Creation {
        &self.creation
    }

    /// What somebody has.
    pub fn of(&self, user_id: &UserId) -> Power {
        let Creation { creator, additional_creators, version, .. } = &self.creation;
        let is_creator = creator.as_deref() == Some(user_id);
        if creators_are_privileged(version)
            && (is_creator || additional_creators.iter().any(|other| other == user_id))
        {
            return Power::Unlimited;
        }
        let Some(levels) = &self.levels else {
            return Power::Level(if is_creator { CREATOR_WITHOUT_LEVELS } else { 0 });
        };
        let own = levels.get("users").and_then(|users| number(users.get(user_id.as_str())?));
        Power::Level(own.or_else(|| number(levels.get("users_default")?)).unwrap_or(0))
    }

    /// What a deed needs.
    pub fn needed(&self, deed: Deed<'_>) -> i64 {
        let level = |key: &str| self.levels.as_ref().and_then(|levels| number(levels.get(key)?));
        let of_type = |event_type: &str| {
            let events = self.levels.as_ref()?.get("events")?;
            number(events.get(event_type)?)
        };
        match deed {
            Deed::Send(event_type) => {
                of_type(event_type).or_else(|| level("events_default")).unwrap_or_default()
            }
            Deed::SetState(event_type) => {
                let usual = if self.levels.is_some() { USUAL } else { 0 };
                of_type(event_type).or_else(|| level("state_default")).unwrap_or(usual)
            }
            Deed::Invite => level("invite").unwrap_or_default(),
            Deed::Kick => level("kick").unwrap_or(USUAL),
            Deed::Redact => level("redact").unwrap_or(USUAL),
        }
    }

    /// Whether somebody may do it.
    pub fn allows(&self, user_id: &UserId, deed: Deed<'_>) -> bool {
        self.of(user_id).reaches(self.needed(deed))
    }
}

/// Old rooms hold numbers as text, too.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[derive(Deserialize)]
struct Whole {
    sender: OwnedUserId,
    #[serde(rename = "origin_server_ts")]
    made_ms: Option<i64>,
    content: Value,
}

/// Reads the answer about `m.room.create`: the whole event, or from older homeservers only its content.
fn creation(answer: &str) -> Creation {
    let (creator, made_ms, content) = match serde_json::from_str::<Whole>(answer) {
        Ok(Whole { sender, made_ms, content }) => (Some(sender), made_ms, content),
        Err(_) => {
            let content: Value = serde_json::from_str(answer).unwrap_or_default();
            let creator = content.get("creator").and_then(Value::as_str);
            (creator.and_then(|it| UserId::parse(it).ok()), None, content)
        }
    };
    let additional = content.get("additional_creators").and_then(Value::as_array);
    let additional_creators =
        additional.into_iter().flatten().filter_map(|it| UserId::parse(it.as_str()?).ok()).collect();
    // The specification says to assume version 1 when it is missing.
    let version = content.get("room_version").and_then(Value::as_str).unwrap_or("1").to_owned();
    let predecessor = content.pointer("/predecessor/room_id").and_then(Value::as_str);
    Creation {
        creator,
        additional_creators,
        version,
        predecessor: predecessor.and_then(|it| RoomId::parse(it).ok()),
        is_space: content.get("type").is_some_and(|kind| kind == "m.space"),
        made_ms,
    }
}

impl Intent<'_> {
    /// How a room came to be. `GET /_matrix/client/v3/rooms/{roomId}/state/m.room.create/?format=event`
    ///
    /// # Errors
    /// As every call; [`HomeserverError::Forbidden`] where the acting user is not in the room.
    pub async fn creation(&self, room: &RoomId) -> Result<Creation, HomeserverError> {
        let path = self.state_path(room, "m.room.create", "").query("format", "event");
        let answer = optional(self.transport().call_raw(Method::GET, path, Body::None).await)?;
        Ok(answer.map(|bytes| creation(&String::from_utf8_lossy(&bytes))).unwrap_or_default())
    }

    /// The powers in a room.
    ///
    /// # Errors
    /// As every call; [`HomeserverError::Forbidden`] where the acting user is not in the room.
    pub async fn powers(&self, room: &RoomId) -> Result<Powers, HomeserverError> {
        let creation = self.creation(room).await?;
        let levels = self.state_event(room, "m.room.power_levels", "").await?;
        Ok(Powers::new(levels.and_then(|levels| serde_json::from_str(levels.get()).ok()), creation))
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::json;

    use super::*;

    fn made(version: &str, creator: &str) -> Creation {
        let creator = Some(UserId::parse(creator).unwrap());
        Creation { creator, version: version.to_owned(), ..Creation::default() }
    }

    #[test]
    fn levels_are_read_as_the_specification_says() {
        let (alice, bob, carol) =
            (user_id!("@alice:e.org"), user_id!("@bob:e.org"), user_id!("@carol:e.org"));
        let powers = |levels: Option<Value>, version| Powers::new(levels, made(version, alice.as_str()));
        let levels = json!({
            "users": { "@bob:e.org": "40" }, "users_default": 5, "state_default": 60,
            "events": { "m.bridge": 40, "m.room.message": 10 }, "kick": 70,
        });
        let some = powers(Some(levels.clone()), "11");
        assert_eq!(some.of(alice), Power::Level(5), "creators must be named before version 12");
        assert_eq!((some.of(bob), some.of(carol)), (Power::Level(40), Power::Level(5)));
        assert!(some.allows(bob, Deed::SetState("m.bridge")) && !some.allows(bob, Deed::SetState("m.other")));
        assert!(!some.allows(carol, Deed::Send("m.room.message")) && some.allows(carol, Deed::Send("m.x")));
        assert!(some.allows(carol, Deed::Invite) && !some.allows(bob, Deed::Redact));
        assert_eq!((some.needed(Deed::Kick), some.needed(Deed::Redact)), (70, 50));
        let newer = powers(Some(levels), "12");
        assert_eq!(newer.of(alice), Power::Unlimited);
        assert!(newer.allows(alice, Deed::Kick));
        let none = powers(None, "6");
        assert_eq!((none.of(alice), none.of(bob)), (Power::Level(100), Power::Level(0)));
        assert!(none.allows(bob, Deed::SetState("m.room.name")), "without levels anybody may");
        let empty = powers(Some(json!({})), "6");
        assert!(!empty.allows(bob, Deed::SetState("m.room.name")));
    }

    #[test]
    fn a_creation_is_read_from_an_event_and_from_a_content() {
        let content = json!({
            "room_version": "12", "additional_creators": ["@bob:e.org", "nobody"], "type": "m.space",
            "predecessor": { "room_id": "!old" }, "creator": "@liar:e.org",
        });
        let event = json!({ "sender": "@alice:e.org", "origin_server_ts": 7, "content": content });
        let read = creation(&event.to_string());
        assert_eq!(read.creator.as_deref(), Some(user_id!("@alice:e.org")));
        assert_eq!(read.additional_creators, [user_id!("@bob:e.org")]);
        assert_eq!(read.predecessor.as_deref().map(RoomId::as_str), Some("!old"));
        assert_eq!((read.version.as_str(), read.is_space, read.made_ms), ("12", true, Some(7)));
        let old = creation(&json!({ "creator": "@alice:e.org" }).to_string());
        assert_eq!(
            (old.creator.as_deref(), old.version.as_str(), old.made_ms),
            (Some(user_id!("@alice:e.org")), "1", None)
        );
    }
}
