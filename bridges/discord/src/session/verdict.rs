//! From Discord's answer to what becomes of a message, with words for the person who wrote it.

use magpie_common::platform::{ConnectError, DeliverError};

use super::{
    BAD_TOKEN,
    api::{ApiError, Refusal},
    permissions,
    world::World,
};

/// Discord's code for what the bot may not do.
const MISSING_PERMISSIONS: u64 = 50_013;

/// Discord's code for an emoji that it does not know.
const UNKNOWN_EMOJI: u64 = 10_014;

/// The verdict on a request that would have had an effect.
pub(super) fn verdict(error: ApiError) -> DeliverError {
    match error {
        ApiError::NotSent(why) => {
            DeliverError::Retry { after: None, reason: format!("Discord could not be reached: {why}.") }
        }
        ApiError::Limited(wait) => {
            DeliverError::Retry { after: Some(wait), reason: "Discord asks for a pause.".to_owned() }
        }
        ApiError::Unclear(why) => DeliverError::Uncertain(format!(
            "Discord did not answer, so the message may have arrived or not: {why}."
        )),
        ApiError::Broken(status) => DeliverError::Uncertain(format!(
            "Discord failed with status {status}, so the message may have arrived or not."
        )),
        ApiError::Lacking(names) if names.is_empty() => {
            let words = "The bot may not do that there, although its roles allow it. Look at the channel's own permissions in \
                         Discord, and whether the bot is timed out.";
            DeliverError::Rejected(words.to_owned())
        }
        ApiError::Lacking(names) => {
            DeliverError::Rejected(format!("The bot may not do that there. Grant it in Discord: {names}."))
        }
        ApiError::Refused(refusal) => refused(&refusal),
    }
}

/// Says what the bot lacks where it was refused for that, out of what such a request takes.
pub(super) fn explained(error: ApiError, needed: u64, (world, channel): (&World, &str)) -> ApiError {
    match error {
        ApiError::Refused(refusal) if refusal.code == MISSING_PERMISSIONS => {
            ApiError::Lacking(permissions::names(needed & !world.read().own_permissions(channel)))
        }
        other => other,
    }
}

/// The verdict on a request that changes nothing: whatever went wrong, it may be asked again.
pub(super) fn verdict_on_question(error: ApiError) -> DeliverError {
    match error {
        ApiError::Unclear(reason) => DeliverError::Retry { after: None, reason },
        ApiError::Broken(status) => {
            DeliverError::Retry { after: None, reason: format!("Discord failed with status {status}.") }
        }
        other => verdict(other),
    }
}

/// Whether there is no such message.
pub(super) fn is_unknown_message(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(refusal) if refusal.code == 10_008)
}

/// Whether there is no such emoji, or not on that message.
pub(super) fn is_unknown_emoji(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(refusal) if refusal.code == UNKNOWN_EMOJI)
}

/// Whether a request was refused for its size.
pub(super) fn is_too_large(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(refusal) if refusal.status == 413 || refusal.code == 40_005)
}

/// What a failed request means for the session that is to come up.
pub(super) fn connect_verdict(error: ApiError) -> ConnectError {
    if error.is_bad_token() {
        return ConnectError::BadCredentials(BAD_TOKEN.to_owned());
    }
    ConnectError::Transient(format!("Discord does not answer as it should: {error}."))
}

fn refused(refusal: &Refusal) -> DeliverError {
    let words = match (refusal.status, refusal.code) {
        (401, _) => return DeliverError::LoggedOut(BAD_TOKEN.to_owned()),
        (_, 50_001) => "The bot cannot see the channel. Grant it View Channel in Discord.".to_owned(),
        (_, MISSING_PERMISSIONS) => {
            "The bot may not do that there. Look at its permissions in Discord.".to_owned()
        }
        (_, UNKNOWN_EMOJI) => "Discord does not know this emoji. Use another one.".to_owned(),
        (_, 30_010) => "The message bears as many different reactions as Discord allows.".to_owned(),
        (_, 30_046) => "The message is too old to be changed once more today.".to_owned(),
        (_, 50_005) => "The message is not the bridge's own, so it cannot be changed.".to_owned(),
        (_, 90_001) => "Whoever wrote the message has blocked the bot.".to_owned(),
        (_, 10_003) => "The channel is not in Discord any more.".to_owned(),
        (_, 30_007 | 30_058) => {
            "The channel has no room for another webhook. Delete one in its settings in Discord \
                                 (Integrations, Webhooks)."
                .to_owned()
        }
        (_, 50_083) => "The thread is archived. Open it again in Discord.".to_owned(),
        (_, 160_002) => "The bot may not reply there. Grant it Read Message History in Discord.".to_owned(),
        (_, 200_000 | 200_001) => "The server's filter refuses these words.".to_owned(),
        (413, _) | (_, 40_005) => "The message is too large for Discord.".to_owned(),
        _ => format!("Discord refuses the message: {}.", refusal.message.trim_end_matches('.')),
    };
    DeliverError::Rejected(words)
}
