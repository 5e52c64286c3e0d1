//! Conversations of two. The gateway does not tell of them until somebody writes there, so they are looked up when a room speaks first.

use magpie_common::ids::RemoteChatId;

use super::{
    api::{Api, ApiError},
    world::World,
};
use crate::format::is_id;

/// Discord's number for a conversation of two.
const DIRECT: u64 = 1;

/// `GET /channels/{id}`: takes the channel in if it is a conversation of two that is not known yet.
pub(super) async fn look_up(api: &Api, world: &World, chat: &RemoteChatId) -> Result<(), ApiError> {
    if !is_id(chat.as_str()) || world.read().channels.contains_key(chat.as_str()) {
        return Ok(());
    }
    match api.get(&format!("/channels/{chat}")).await {
        Ok(channel) if channel["type"].as_u64() == Some(DIRECT) => {
            world.write().learn_direct(chat.as_str(), &channel["recipients"][0]);
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}
