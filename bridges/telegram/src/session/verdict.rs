//! From Telegram's answer to what becomes of a message, with words for the person who wrote it.

use magpie_common::platform::{ConnectError, DeliverError};

use super::{
    BAD_TOKEN, CONFLICT,
    api::{ApiError, Refusal},
};

/// Telegram's words, lower case, and ours. The first that fits counts.
const WORDS: [(&str, &str); 19] = [
    ("bot was blocked", "The person has blocked the bot in Telegram, so nothing reaches them."),
    ("user is deactivated", "The person's Telegram account is gone."),
    (
        "can't initiate conversation",
        "Telegram lets no bot begin a chat. The person must write to the bot first.",
    ),
    ("can't send messages to bots", "Telegram lets no bot write to another bot."),
    ("bot was kicked", "The bot was removed from the chat in Telegram. Add it again there."),
    ("bot is not a member", "The bot is not in the chat in Telegram. Add it there."),
    ("group chat was deactivated", "The group was closed in Telegram."),
    ("chat not found", "The chat is not in Telegram any more, or the bot cannot see it."),
    ("topic_closed", "The topic is closed in Telegram. Open it again there, or make the bot an admin."),
    ("thread not found", "The topic is not in Telegram any more."),
    ("message to edit not found", "The message is not in Telegram any more."),
    ("message can't be edited", "Telegram does not let the bot change this message."),
    (
        "message can't be deleted",
        "Telegram does not let the bot delete this message: it is another's or too old. Make the bot an admin.",
    ),
    ("voice_messages_forbidden", "The person takes no voice messages."),
    ("chat_restricted", "The chat in Telegram takes no such messages."),
    ("reaction_invalid", "Telegram has no such reaction there. Use one from its own list, such as 👍 or ❤️."),
    ("reaction", "Telegram does not take the reaction in this chat."),
    ("not enough rights", "The bot may not do that there. Make it an admin of the chat in Telegram."),
    ("administrator rights", "The bot may not do that there. Make it an admin of the chat in Telegram."),
];

/// The verdict on a request that would have had an effect.
pub(super) fn verdict(error: ApiError) -> DeliverError {
    match error {
        ApiError::NotSent(why) => {
            DeliverError::Retry { after: None, reason: format!("Telegram could not be reached: {why}.") }
        }
        ApiError::Limited(wait) => {
            DeliverError::Retry { after: Some(wait), reason: "Telegram asks for a pause.".to_owned() }
        }
        ApiError::Failed(why) => {
            DeliverError::Retry { after: None, reason: format!("Telegram failed: {why}.") }
        }
        ApiError::Unclear(why) => DeliverError::Uncertain(format!(
            "Telegram did not confirm it, so the message may have arrived or not: {why}. Look there before you repeat it."
        )),
        ApiError::Migrated(_) => {
            DeliverError::Retry { after: None, reason: "The group has just become a supergroup.".to_owned() }
        }
        ApiError::Refused(refusal) => refused(&refusal),
    }
}

/// The verdict on a request that changes nothing when it is repeated: whatever went wrong, it may be asked again.
pub(super) fn verdict_on_question(error: ApiError) -> DeliverError {
    match error {
        ApiError::Unclear(reason) => DeliverError::Retry { after: None, reason },
        other => verdict(other),
    }
}

/// What a failed request means for the session that is to come up, or for one that lives.
pub(super) fn connect_verdict(error: &ApiError) -> ConnectError {
    if error.is_bad_token() {
        return ConnectError::BadCredentials(BAD_TOKEN.to_owned());
    }
    if error.is_conflict() {
        return ConnectError::Transient(CONFLICT.to_owned());
    }
    ConnectError::Transient(format!("Telegram does not answer as it should: {error}."))
}

/// Whether a request was refused for its size, or because the file is no such thing as it was sent for.
pub(super) fn is_unfit(error: &ApiError) -> bool {
    let ApiError::Refused(refusal) = error else { return false };
    let signs = [
        "too large",
        "too big",
        "photo_invalid_dimensions",
        "image_process_failed",
        "photo_",
        "wrong type",
        "sticker",
        "failed to get",
    ];
    refusal.code == 413 || refusal.code == 400 && signs.iter().any(|sign| refusal.says(sign))
}

fn refused(refusal: &Refusal) -> DeliverError {
    if refusal.code == 401 && !refusal.says("kicked") && !refusal.says("initiate") && !refusal.says("to bots")
    {
        return DeliverError::LoggedOut(BAD_TOKEN.to_owned());
    }
    let known = WORDS.iter().find(|(theirs, _)| refusal.says(theirs)).map(|(_, ours)| (*ours).to_owned());
    let words = known.unwrap_or_else(|| match refusal.code {
        413 => "The file is too large for Telegram.".to_owned(),
        403 => "The bot may not write there any more. Look whether it is still in the chat in Telegram."
            .to_owned(),
        _ => format!("Telegram refuses it: {}.", refusal.description.trim_end_matches('.')),
    });
    DeliverError::Rejected(words)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refusal(code: i64, description: &str) -> ApiError {
        ApiError::Refused(Refusal { code, description: description.to_owned() })
    }

    #[test]
    fn refusals_have_words_and_doubt_stays_doubt() {
        for (description, part) in [
            ("Forbidden: bot was blocked by the user", "blocked the bot"),
            ("Forbidden: bot was kicked from the supergroup chat", "removed from the chat"),
            ("Forbidden: bot can't initiate conversation with a user", "write to the bot first"),
            ("Bad Request: REACTION_INVALID", "no such reaction"),
            ("Bad Request: not enough rights to pin a message", "Make it an admin"),
            ("Bad Request: something new", "something new"),
        ] {
            match verdict(refusal(400, description)) {
                DeliverError::Rejected(words) => assert!(words.contains(part), "{description}: {words}"),
                other => panic!("{description}: {other:?}"),
            }
        }
        assert!(matches!(verdict(refusal(401, "Unauthorized")), DeliverError::LoggedOut(_)));
        assert!(matches!(verdict(ApiError::Unclear("cut".to_owned())), DeliverError::Uncertain(_)));
        let wait = Duration::from_secs(7);
        assert!(
            matches!(verdict(ApiError::Limited(wait)), DeliverError::Retry { after: Some(after), .. } if after == wait)
        );
        assert!(matches!(connect_verdict(&refusal(409, "Conflict: terminated by other getUpdates request")),
            ConnectError::Transient(words) if words.contains("@BotFather")));
        assert!(matches!(connect_verdict(&refusal(401, "Unauthorized")), ConnectError::BadCredentials(_)));
    }
}
