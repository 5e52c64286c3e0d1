//! Messages that are pinned on the network, or unpinned.

use ruma::{EventId, RoomId};
use serde_json::{Value, json};

use super::Stopped;
use crate::portal::Portals;

const PINNED: &str = "m.room.pinned_events";

/// Pins an event in its room, or unpins it. Doing so twice changes nothing.
pub(super) async fn set(
    portals: &Portals,
    room_id: &RoomId,
    event_id: &EventId,
    pinned: bool,
) -> Result<(), Stopped> {
    let bot = portals.parts.homeserver.bot();
    let content = bot.state_event(room_id, PINNED, "").await?;
    let content = content.and_then(|content| serde_json::from_str::<Value>(content.get()).ok());
    let known = content.as_ref().and_then(|content| content.get("pinned")).and_then(Value::as_array);
    let mut list: Vec<&str> = known.into_iter().flatten().filter_map(Value::as_str).collect();
    if list.contains(&event_id.as_str()) == pinned {
        return Ok(());
    }
    match pinned {
        true => list.push(event_id.as_str()),
        false => list.retain(|id| *id != event_id),
    }
    Ok(portals.set_state(room_id, PINNED, "", &json!({ "pinned": list })).await?)
}
