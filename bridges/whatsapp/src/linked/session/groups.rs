//! Groups: what they look like, who is in them, and what changes.

use std::{collections::HashSet, time::Duration};

use magpie_common::{
    ids::{RemoteChatId, RemoteUserId},
    message::{ChatChange, ChatInfo, ChatKind, MemberChange, RemoteEvent, RemoteMessage},
    platform::NotStored,
};
use tracing::warn;
use wacore::{
    stanza::groups::{GroupNotificationAction, GroupParticipantInfo},
    types::{
        events::GroupUpdate,
        message::{AddressingMode, MessageSource},
    },
};
use wacore_binary::{Jid, Node};
use whatsapp_rust::{Client, GroupError, GroupMetadata, IqError};

use super::{
    happenings::Happenings,
    intake::changes::timer_words,
    scene::Scene,
    world::{Group, Timer, World},
};
use crate::linked::{events, file::RemoteFile, place, verdict::told};

/// Members of larger groups come as they speak.
const MEMBERS_MAX: usize = 500;
/// A community has no more groups.
const LINKED_MAX: usize = 100;
/// How often a group is looked at before it is left as it was.
const LOOKS_MAX: u32 = 3;
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Remembers who may do what in a group, and its timer; gives its members.
pub(super) async fn learn(world: &World, client: &Client, group: &GroupMetadata) -> Vec<RemoteUserId> {
    let mut members = Vec::new();
    let mut known =
        Group { is_announcement: group.is_announcement, is_locked: group.is_locked, ..Group::default() };
    known.is_by_number = group.addressing_mode == AddressingMode::Pn;
    for member in &group.participants {
        let told = [Some(&member.jid), member.phone_number.as_ref(), member.lid.as_ref()];
        let person = world.list(client, told.into_iter().flatten()).await;
        let Some(id) = world.id_of(&person) else { continue };
        let is_me = id == world.me;
        if member.is_admin() {
            known.am_admin |= is_me;
            known.admins.insert(id.clone());
        }
        members.push(id);
    }
    let chat = RemoteChatId::new(group.id.to_non_ad_string());
    world.learn_group(&chat, known).await;
    let secs = group.ephemeral.as_ref().and_then(|timer| timer.expiration).unwrap_or_default();
    let timer = Timer::by_server(secs);
    if let Err(error) = world.learn_timer(&chat, timer).await {
        warn!(%error, "The timer of a group could not be stored.");
    }
    members
}

/// A group as it is shown, and what of it is remembered.
pub(super) async fn info(world: &World, client: &Client, group: &GroupMetadata) -> ChatInfo {
    let mut members = learn(world, client, group).await;
    // In a community nobody speaks; its people are in its groups.
    if members.len() > MEMBERS_MAX || group.is_parent_group {
        members.clear();
    }
    // A group without a picture is shown without one.
    let picture = client.contacts().get_profile_picture(&group.id, false).await.ok().flatten();
    let kind = if group.is_parent_group {
        ChatKind::Space
    } else if group.is_announcement {
        ChatKind::Broadcast
    } else {
        ChatKind::Group
    };
    ChatInfo {
        topic: group.description.clone(),
        avatar: picture.map(|picture| RemoteFile::picture(&group.id, &picture.id)),
        parent: group.parent_group_jid.as_ref().map(|parent| RemoteChatId::new(parent.to_non_ad_string())),
        members,
        private: true,
        ..ChatInfo::new(kind, super::world::name(&group.subject))
    }
}

/// A group as the server shows it; `None` where we are not in it, or where the server keeps silent.
async fn looked_at(here: &Happenings, jid: &Jid) -> Option<GroupMetadata> {
    for attempt in 1..=LOOKS_MAX {
        match here.client.groups().get_metadata(jid).await {
            Ok(group) => return Some(group),
            Err(GroupError::Iq(IqError::ServerError { code: 401 | 403 | 404, .. })) => return None,
            Err(error) if attempt == LOOKS_MAX => {
                warn!(error = told(&error), "A group that changed cannot be looked at.");
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN_AFTER).await,
        }
    }
    None
}

/// A group looks different now.
pub(super) async fn changed(here: &Happenings, jid: &Jid) -> Result<(), NotStored> {
    let Some(group) = looked_at(here, jid).await else { return Ok(()) };
    let info = info(&here.world, &here.client, &group).await;
    let chat = RemoteChatId::new(jid.to_non_ad_string());
    here.push(RemoteEvent::ChatChanged { chat, change: ChatChange::Info(Box::new(info)) }).await
}

/// The groups that are another community's from now on, or nobody's: a community is told of its groups, and a group of its community.
fn linked(told: &Jid, raw: &Node) -> Vec<Jid> {
    let named = raw.children().unwrap_or_default().iter();
    let named =
        named.filter(|child| child.tag == "group").filter_map(|child| child.attrs().optional_jid("jid"));
    [told.clone()].into_iter().chain(named.take(LINKED_MAX)).collect()
}

/// Something was done in a group.
pub(super) async fn updated(here: &Happenings, update: &GroupUpdate) -> Result<(), NotStored> {
    use GroupNotificationAction as Action;
    let Some(chat) = place::chat(&here.world.me, &update.group_jid, None) else { return Ok(()) };
    match &update.action {
        Action::Add { participants, .. } => members(here, &chat, participants, MemberChange::Joined).await,
        Action::Remove { participants, .. } => members(here, &chat, participants, MemberChange::Left).await,
        Action::Promote { participants } => admins(here, &chat, participants, true).await,
        Action::Demote { participants } => admins(here, &chat, participants, false).await,
        Action::Delete { .. } => here.push(RemoteEvent::ChatChanged { chat, change: ChatChange::Gone }).await,
        Action::Ephemeral { expiration, .. } => timer(here, update, &chat, *expiration).await,
        Action::Create { .. } => {
            if let Some(group) = looked_at(here, &update.group_jid).await {
                let info = Box::new(info(&here.world, &here.client, &group).await);
                here.push(RemoteEvent::ChatChanged { chat, change: ChatChange::Present(info) }).await?;
            }
            Ok(())
        }
        Action::Subject { .. }
        | Action::Description { .. }
        | Action::Locked { .. }
        | Action::Unlocked
        | Action::Announce
        | Action::NotAnnounce
        | Action::Modify { .. } => changed(here, &update.group_jid).await,
        Action::Link { raw, .. } | Action::Unlink { raw, .. } => {
            for jid in linked(&update.group_jid, raw) {
                changed(here, &jid).await?;
            }
            Ok(())
        }
        // Settings that nobody sees here.
        _ => Ok(()),
    }
}

async fn people(here: &Happenings, participants: &[GroupParticipantInfo]) -> Vec<RemoteUserId> {
    let mut people = Vec::with_capacity(participants.len());
    for participant in participants {
        let told = [Some(&participant.jid), participant.lid.as_ref(), participant.phone_number.as_ref()];
        let person = here.world.list(&here.client, told.into_iter().flatten()).await;
        people.extend(here.world.id_of(&person));
    }
    people
}

async fn members(
    here: &Happenings,
    chat: &RemoteChatId,
    participants: &[GroupParticipantInfo],
    change: MemberChange,
) -> Result<(), NotStored> {
    let people = people(here, participants).await;
    if people.contains(&here.world.me) {
        return ourselves(here, chat, change).await;
    }
    if change == MemberChange::Left {
        here.world.change_group(chat, |group| group.admins.retain(|admin| !people.contains(admin))).await;
    }
    let changes = people.into_iter().map(|id| (id, change)).collect();
    here.push(RemoteEvent::MembersChanged { chat: chat.clone(), changes }).await
}

/// We came to a group, or had to leave it.
async fn ourselves(here: &Happenings, chat: &RemoteChatId, change: MemberChange) -> Result<(), NotStored> {
    let told = match change {
        MemberChange::Left | MemberChange::Banned => ChatChange::Gone,
        MemberChange::Joined => {
            let Some(jid) = place::address(&here.world.me, chat) else { return Ok(()) };
            let Some(group) = looked_at(here, &jid).await else { return Ok(()) };
            ChatChange::Present(Box::new(info(&here.world, &here.client, &group).await))
        }
    };
    here.push(RemoteEvent::ChatChanged { chat: chat.clone(), change: told }).await
}

async fn admins(
    here: &Happenings,
    chat: &RemoteChatId,
    participants: &[GroupParticipantInfo],
    are_admins: bool,
) -> Result<(), NotStored> {
    let people: HashSet<RemoteUserId> = people(here, participants).await.into_iter().collect();
    let me = here.world.me.clone();
    here.world
        .change_group(chat, |group| {
            if people.contains(&me) {
                group.am_admin = are_admins;
            }
            if are_admins {
                group.admins.extend(people);
            } else {
                group.admins.retain(|admin| !people.contains(admin));
            }
        })
        .await;
    Ok(())
}

async fn timer(
    here: &Happenings,
    update: &GroupUpdate,
    chat: &RemoteChatId,
    secs: u32,
) -> Result<(), NotStored> {
    let timer = Timer::by_server(secs);
    if !here.world.is_new_timer(chat, timer) {
        return Ok(());
    }
    let Some(participant) = &update.participant else {
        return here.world.learn_timer(chat, timer).await.map(drop);
    };
    let source = MessageSource {
        chat: update.group_jid.clone(),
        sender: participant.clone(),
        sender_alt: update.participant_pn.clone(),
        is_group: true,
        ..MessageSource::default()
    };
    let Some(scene) = Scene::of(&here.world, &here.client, &source).await else { return Ok(()) };
    let Some(sender) = scene.sender(&here.world) else { return Ok(()) };
    let stanza = update.notification_id.clone().unwrap_or_else(|| update.timestamp.timestamp().to_string());
    let id = scene.message(&here.world, &format!("timer-{stanza}"));
    let message = RemoteMessage {
        chat: chat.clone(),
        id,
        sender,
        sent_ms: update.timestamp.timestamp_millis(),
        message: events::note(&timer_words(secs)),
    };
    here.push(RemoteEvent::Message(message)).await?;
    here.world.learn_timer(chat, timer).await.map(drop)
}
