//! Finding people: by name among those that the account knows, by number among all of WhatsApp.

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::UserInfo,
    platform::PlatformError,
};
use wacore_binary::{Jid, JidExt};
use whatsapp_rust::Client;

use super::{feeds, world::World};
use crate::linked::{file::RemoteFile, identity, place, verdict};

/// Whom words name among the known.
pub(super) fn search(world: &World, words: &str, count_max: usize) -> Vec<UserInfo> {
    let user =
        |(id, name)| UserInfo { ids: AliasSet::single(id), name: Some(name), avatar: None, bot: false };
    let words = words.trim();
    // Every name goes with no words at all.
    let found = if words.is_empty() { Vec::new() } else { world.named(words, count_max) };
    found.into_iter().map(user).collect()
}

/// Whom a number or an id names.
pub(super) async fn resolve(
    world: &World,
    client: &Client,
    identifier: &str,
) -> Result<Option<UserInfo>, PlatformError> {
    let identifier = identifier.trim();
    if let Some(jid) = identity::address_of(&RemoteUserId::new(identifier)).filter(Jid::is_lid) {
        return Ok(Some(info(world, client, &jid).await));
    }
    let digits: String = identifier.chars().filter(char::is_ascii_digit).collect();
    let is_number =
        identifier.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.'));
    if !is_number || !(7..=15).contains(&digits.len()) {
        return Ok(None);
    }
    let found = client.contacts().is_on_whatsapp(&[Jid::pn(&*digits)]).await;
    let found = found
        .map_err(|error| PlatformError(format!("WhatsApp could not be asked: {}.", verdict::told(&error))))?;
    match found.into_iter().find(|found| found.is_registered) {
        Some(found) => Ok(Some(info(world, client, found.lid.as_ref().unwrap_or(&found.jid)).await)),
        None => Ok(None),
    }
}

/// Somebody as they are shown.
pub(super) async fn info(world: &World, client: &Client, jid: &Jid) -> UserInfo {
    if jid.is_newsletter() {
        return feeds::author(world, client, jid).await;
    }
    let person = world.list(client, [jid]).await;
    let fallback = || AliasSet::single(RemoteUserId::new(jid.user_base().to_owned()));
    let ids = if world.own.is(jid) {
        AliasSet::single(world.me.clone())
    } else {
        person.ids().unwrap_or_else(fallback)
    };
    // Whoever hides their picture has none here.
    let picture = client.contacts().get_profile_picture(jid, false).await.ok().flatten();
    let avatar = picture.map(|picture| RemoteFile::picture(jid, &picture.id));
    UserInfo { ids, name: world.name(&person), avatar, bot: jid.server == wacore_binary::Server::Bot }
}

/// The chat with somebody; it needs no opening.
pub(super) async fn direct_chat(
    world: &World,
    client: &Client,
    user: &RemoteUserId,
) -> Result<RemoteChatId, PlatformError> {
    let Some(jid) = identity::address_of(user) else {
        return Err(PlatformError("That is nobody on WhatsApp.".to_owned()));
    };
    let id = world.list(client, [&jid]).await.id();
    match id {
        Some(id) => Ok(place::direct(&world.me, &id)),
        None => Err(PlatformError("That is nobody on WhatsApp.".to_owned())),
    }
}
