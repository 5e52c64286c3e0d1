//! Who may do what in a chat: the names of rights in the Bot API, and their meaning.

use std::collections::BTreeMap;

use super::model::{Chat, ChatKind, Standing, UserId};

/// The rights of administrators everywhere, as `ChatMemberAdministrator` always bears them.
pub(crate) const ADMIN: [&str; 11] = [
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
];

/// Those of administrators of groups.
const GROUP_ADMIN: [&str; 2] = ["can_pin_messages", "can_manage_topics"];

/// Those of administrators of channels.
const CHANNEL_ADMIN: [&str; 2] = ["can_post_messages", "can_edit_messages"];

/// The rights of members, as `ChatPermissions` lists them.
pub(crate) const MEMBER: [&str; 16] = [
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
];

/// What members may not do unless somebody allows it.
const NOT_BY_DEFAULT: [&str; 3] = ["can_change_info", "can_pin_messages", "can_manage_topics"];

/// All rights that an administrator of such a chat can have.
pub(crate) fn all_of_admins(kind: ChatKind) -> BTreeMap<String, bool> {
    let more: &[&str] = if kind == ChatKind::Channel { &CHANNEL_ADMIN } else { &GROUP_ADMIN };
    ADMIN.iter().chain(more).map(|right| ((*right).to_owned(), true)).collect()
}

/// What members of a new group may do.
pub(crate) fn all_of_members() -> BTreeMap<String, bool> {
    MEMBER.iter().map(|right| ((*right).to_owned(), !NOT_BY_DEFAULT.contains(right))).collect()
}

/// Whether somebody may do something in a chat.
pub(crate) fn may(chat: &Chat, user: UserId, right: &str) -> bool {
    if chat.kind == ChatKind::Private {
        return true;
    }
    let Some(member) = chat.members.get(&user) else { return false };
    let has = |rights: &BTreeMap<String, bool>| rights.get(right).copied().unwrap_or(false);
    let is_sending = MEMBER[..11].contains(&right) && chat.kind != ChatKind::Channel;
    match member.standing {
        Standing::Creator => true,
        Standing::Administrator => is_sending || has(&member.rights) || has(&chat.permissions),
        Standing::Member => chat.kind != ChatKind::Channel && has(&chat.permissions),
        Standing::Restricted => has(&member.rights) && has(&chat.permissions),
        Standing::Left | Standing::Kicked => false,
    }
}
