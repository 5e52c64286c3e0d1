//! What many read and few write: channels that the account follows, and what its contacts show for a day. Both have rooms only where they are
//! wanted, and in those nobody writes except the admins of a channel.

use std::sync::Arc;

use magpie_common::{
    ids::{AliasSet, RemoteChatId, RemoteUserId},
    message::{Action, ChatInfo, ChatKind, UserInfo},
    platform::PlatformError,
};
use wacore_binary::{Jid, JidExt};
use whatsapp_rust::{Client, NewsletterMetadata, NewsletterRole};

use super::world::{self, Group, World};
use crate::{
    config::WhatsAppConfig,
    linked::{identity, place, verdict},
};

/// What admins of a channel do here.
pub(super) const ACTIONS: [Action; 1] = [Action::Message];

/// Whether a chat is to have a room, as far as that is set.
pub(super) fn is_wanted(config: &Arc<WhatsAppConfig>, chat: &Jid) -> bool {
    match (chat.is_status_broadcast(), chat.is_newsletter()) {
        (true, _) => config.linked_status,
        (_, true) => config.linked_channels,
        _ => true,
    }
}

/// Whether we write there: everywhere else, and in channels that are ours.
pub(super) fn may_write(world: &World, chat: &RemoteChatId, jid: &Jid) -> bool {
    match (jid.is_status_broadcast(), jid.is_newsletter()) {
        (true, _) => false,
        (_, true) => world.group(chat, |channel| channel.am_admin) == Some(true),
        _ => true,
    }
}

/// How a feed is shown; the outer `None` for what is none, the inner one for a channel that is not there.
pub(super) async fn info(
    world: &World,
    client: &Client,
    jid: &Jid,
) -> Result<Option<Option<ChatInfo>>, PlatformError> {
    if jid.is_status_broadcast() {
        return Ok(Some(world.config.linked_status.then(status)));
    }
    if !jid.is_newsletter() {
        return Ok(None);
    }
    if !world.config.linked_channels {
        return Ok(Some(None));
    }
    let channel = client.newsletter().get_metadata(jid).await.map_err(|error| {
        PlatformError(format!("The channel could not be looked up: {}.", verdict::told(&error)))
    })?;
    let Some(chat) = place::chat(&world.me, jid, None) else { return Ok(Some(None)) };
    world.learn_group(&chat, rights(&channel)).await;
    Ok(Some(Some(channel_info(&channel))))
}

/// A channel as whoever writes in it.
pub(super) async fn author(world: &World, client: &Client, jid: &Jid) -> UserInfo {
    let id = identity::id_of(jid).unwrap_or_else(|| RemoteUserId::new(jid.user_base().to_owned()));
    let wanted = world.config.linked_channels;
    let found = if wanted { client.newsletter().get_metadata(jid).await.ok() } else { None };
    let name = found.and_then(|channel| world::name(&channel.name));
    UserInfo { ids: AliasSet::single(id), name, avatar: None, bot: true }
}

fn status() -> ChatInfo {
    ChatInfo {
        topic: Some("What your contacts on WhatsApp show for a day. Nobody can write here.".to_owned()),
        private: true,
        ..ChatInfo::new(ChatKind::Broadcast, Some("WhatsApp status updates".to_owned()))
    }
}

fn channel_info(channel: &NewsletterMetadata) -> ChatInfo {
    ChatInfo {
        topic: channel.description.clone(),
        private: true,
        ..ChatInfo::new(ChatKind::Broadcast, world::name(&channel.name))
    }
}

fn rights(channel: &NewsletterMetadata) -> Group {
    let am_admin = matches!(channel.role, Some(NewsletterRole::Owner | NewsletterRole::Admin));
    Group { is_announcement: true, is_locked: true, am_admin, ..Group::default() }
}

#[cfg(test)]
mod tests {
    use magpie_common::testkit::platform_suite::Recorder;
    use whatsapp_rust::{NewsletterState, NewsletterVerification};

    use super::{super::world::tests::world, *};

    fn channel(role: Option<NewsletterRole>) -> NewsletterMetadata {
        NewsletterMetadata {
            jid: jid("120363@newsletter"),
            name: "Birds".to_owned(),
            description: Some("All of them".to_owned()),
            subscriber_count: 3,
            verification: NewsletterVerification::Unverified,
            state: NewsletterState::Active,
            picture_url: None,
            preview_url: None,
            invite_code: None,
            role,
            creation_time: None,
        }
    }

    fn jid(text: &str) -> Jid {
        text.parse().expect("an address")
    }

    #[test]
    fn feeds_have_rooms_only_where_they_are_wanted() {
        let both = [jid("status@broadcast"), jid("120363@newsletter")];
        let set = |linked_status, linked_channels| {
            let config =
                Arc::new(WhatsAppConfig { linked_status, linked_channels, ..WhatsAppConfig::default() });
            both.each_ref().map(|jid| is_wanted(&config, jid))
        };
        assert_eq!(set(false, false), [false, false]);
        assert_eq!(set(true, false), [true, false]);
        assert_eq!(set(false, true), [false, true]);
        for other in ["1-2@g.us", "22@lid", "491@s.whatsapp.net", "1234@broadcast"] {
            assert!(is_wanted(&Arc::default(), &jid(other)), "{other}");
        }
    }

    #[tokio::test]
    async fn nobody_but_the_admins_of_a_channel_writes_in_a_feed() {
        let world = world(&Recorder::default()).await;
        let (chat, address) = (RemoteChatId::new("120363@newsletter"), jid("120363@newsletter"));
        assert!(!may_write(&world, &chat, &address), "what is not known is not ours");
        for (role, expected) in [
            (Some(NewsletterRole::Owner), true),
            (Some(NewsletterRole::Admin), true),
            (Some(NewsletterRole::Subscriber), false),
            (Some(NewsletterRole::Guest), false),
            (None, false),
        ] {
            world.learn_group(&chat, rights(&channel(role.clone()))).await;
            assert_eq!(may_write(&world, &chat, &address), expected, "{role:?}");
            let limits = super::super::capabilities::limits(&world, &chat);
            assert!(limits.actions.keys().eq(ACTIONS.iter().filter(|_| expected)), "{role:?}");
        }
        let status = RemoteChatId::new("lid-1/status@broadcast");
        assert!(super::super::capabilities::limits(&world, &status).actions.is_empty());
    }

    #[test]
    fn a_channel_is_shown_with_its_name_and_words() {
        let info = channel_info(&channel(None));
        assert_eq!((info.kind, info.name.as_deref()), (ChatKind::Broadcast, Some("Birds")));
        assert_eq!((info.topic.as_deref(), info.private), (Some("All of them"), true));
    }
}
