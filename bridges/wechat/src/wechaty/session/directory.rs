//! Finding people among the account's contacts. Strangers are not looked for: a program that does so is shut out.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::UserInfo,
    platform::PlatformError,
};
use tokio::time::timeout_at;

use super::world::World;
use crate::{
    ids,
    wechaty::{
        gateway::call,
        verdict::not_answered,
        wire::{Ids, Nothing},
    },
};

/// More contacts than phones have are not looked at.
const CONTACTS_MAX: usize = 10_000;

/// So many are asked for at once.
const AT_ONCE: usize = 8;

/// Whoever asks waits for it; what was found until then is the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Contacts whose names hold the words.
pub(super) async fn search(
    world: &World,
    words: &str,
    count_max: usize,
) -> Result<Vec<UserInfo>, PlatformError> {
    let words = words.trim().to_lowercase();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let goes_with = |names: [&str; 3]| names.iter().any(|name| name.to_lowercase().contains(&words));
    find(world, count_max, goes_with).await
}

/// Whom an id, a WeChat ID or a whole name means among the contacts; of several with one name nobody.
pub(super) async fn resolve(world: &World, identifier: &str) -> Result<Option<UserInfo>, PlatformError> {
    let identifier = identifier.trim();
    let native = world.own.native(identifier);
    if let Some(native) = native.or_else(|| world.own.user(identifier).map(|_| identifier)) {
        if ids::is_room(native) {
            return Ok(None);
        }
        if let Some(user) = world.user(native).await {
            return Ok(Some(user));
        }
    }
    if identifier.is_empty() || native.is_some() {
        return Ok(None);
    }
    let wanted = identifier.to_lowercase();
    let is_called = |names: [&str; 3]| names.iter().any(|name| name.to_lowercase() == wanted);
    let mut found = find(world, 2, is_called).await?;
    let one = found.pop();
    Ok(one.filter(|_| found.is_empty()))
}

/// The chat with somebody; it needs no opening.
pub(super) async fn direct_chat(world: &World, user: &RemoteUserId) -> Result<RemoteChatId, PlatformError> {
    let nobody = || PlatformError("That is nobody whom this account knows on WeChat.".to_owned());
    let native = world.own.native(user.as_str()).filter(|native| !ids::is_room(native)).ok_or_else(nobody)?;
    world.contact(native).await.ok_or_else(nobody)?;
    world.own.chat(native).ok_or_else(nobody)
}

/// Contacts that fit by what the owner calls them, their name, or their WeChat ID.
async fn find(
    world: &World,
    count_max: usize,
    fits: impl Fn([&str; 3]) -> bool,
) -> Result<Vec<UserInfo>, PlatformError> {
    let until = tokio::time::Instant::now() + ANSWER_WITHIN;
    let Ids { ids } =
        world.gateway.ask(call::CONTACT_LIST, Nothing {}).await.map_err(|status| {
            not_answered("The contacts could not be read from the WeChat gateway", &status)
        })?;
    let others = ids.into_iter().take(CONTACTS_MAX).filter(|native| !world.own.is_me(native));
    let looked_up = others.map(|native| async move { (world.contact(&native).await, native) });
    let mut contacts = Box::pin(stream::iter(looked_up).buffered(AT_ONCE));
    let mut found = Vec::new();
    while found.len() < count_max {
        let Ok(Some((contact, native))) = timeout_at(until, contacts.next()).await else { break };
        let Some(contact) = contact else { continue };
        if fits([contact.alias.as_str(), contact.name.as_str(), contact.weixin.as_str()]) {
            found.extend(world.user(&native).await);
        }
    }
    Ok(found)
}
