//! What people ask the account for: to be a friend, to come into a group. Shown in the chat with them, and answered only when somebody says so by a
//! command; a program that makes friends by itself is shut out.

use magpie_common::{
    message::{Message, clean_line},
    platform::{Cursor, DeliverError, Delivered, NotStored},
};
use serde_json::{Value, json};

use super::world::World;
use crate::{
    json::text,
    wechaty::{
        events::notice,
        gateway::call,
        verdict::{Fate, fate},
        wire::{Friendship, Id, Invitation, Nothing},
    },
};

/// The command that says yes.
pub(super) const ACCEPT: &str = "accept";

/// How it is explained.
pub(super) const ACCEPT_HELP: &str =
    "says yes to what this person asked for last: to be friends, or that you come into a group";

/// What somebody asked for, as it is shown in the chat with them.
pub(super) struct Asked {
    /// Who.
    pub native: String,
    /// What is shown.
    pub message: Message,
    /// What the command will answer; nothing where there is nothing to answer.
    pub cursor: Option<Cursor>,
}

/// Somebody who is, was or wants to be a friend.
pub(super) fn friendship(id: &str, told: &Friendship) -> Asked {
    const CONFIRM: i32 = 1;
    const RECEIVE: i32 = 2;
    const VERIFY: i32 = 3;
    let hello = clean_line(&told.hello);
    let hello = if hello.is_empty() { hello } else { format!(": “{hello}”") };
    let words = match told.kind {
        CONFIRM => "You are friends on WeChat now.".to_owned(),
        RECEIVE => {
            format!("Asks to be your friend on WeChat{hello}. To say yes, use the command `{ACCEPT}` here.")
        }
        VERIFY => "Does not have you as a friend on WeChat, so messages may not arrive.".to_owned(),
        _ => format!("Something about your friendship on WeChat has changed{hello}."),
    };
    let cursor =
        (told.kind == RECEIVE).then(|| cursor(&told.contact_id, json!({"friendship": id}).to_string()));
    Asked { native: told.contact_id.clone(), message: notice(&words), cursor }
}

/// Somebody who asks the account into a group.
pub(super) fn invitation(id: &str, told: &Invitation) -> Asked {
    let topic = clean_line(&told.topic);
    let group = if topic.is_empty() { "a group".to_owned() } else { format!("the group “{topic}”") };
    let size =
        if told.member_count > 0 { format!(" of {} people", told.member_count) } else { String::new() };
    let words = format!("Invites you to {group}{size} on WeChat. To come, use the command `{ACCEPT}` here.");
    let cursor = cursor(&told.inviter_id, json!({"invitation": id}).to_string());
    Asked { native: told.inviter_id.clone(), message: notice(&words), cursor: Some(cursor) }
}

/// Says yes to what somebody asked for last. Saying it twice does no harm.
pub(super) async fn accept(world: &World, native: &str) -> Result<Delivered, DeliverError> {
    let unknown = |error: NotStored| DeliverError::Retry { after: None, reason: error.to_string() };
    let stored = world.sink.remembered(&key(native)).await.map_err(unknown)?.unwrap_or_default();
    let asked: Value = serde_json::from_str(&stored).unwrap_or_default();
    let (path, id) = match (text(&asked["friendship"]), text(&asked["invitation"])) {
        ("", "") => {
            let words =
                "There is nothing to say yes to: this person has asked for nothing, or it was answered.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        ("", invitation) => (call::INVITATION_ACCEPT, invitation),
        (friendship, _) => (call::FRIENDSHIP_ACCEPT, friendship),
    };
    match world.gateway.ask::<_, Nothing>(path, Id { id: id.to_owned() }).await {
        Ok(_) => {
            // It is done; a command that comes again is answered by WeChat.
            let _ = world.sink.remember(cursor(native, String::new())).await;
            Ok(Delivered::default())
        }
        Err(status) => Err(match fate(&status) {
            Fate::NotGone(error) => error,
            Fate::Refused => DeliverError::Rejected(
                "WeChat did not take the answer. It may be too late for it; look on your phone.".to_owned(),
            ),
            Fate::Unclear => DeliverError::Uncertain(
                "The WeChat gateway did not say whether the answer arrived. Look on your phone.".to_owned(),
            ),
        }),
    }
}

fn cursor(native: &str, value: String) -> Cursor {
    Cursor { key: key(native), value }
}

fn key(native: &str) -> String {
    format!("asked/{native}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_shown_with_the_way_to_answer_them() {
        let told = |kind| Friendship {
            contact_id: "a".to_owned(),
            hello: "it's Ada".to_owned(),
            kind,
            ..Friendship::default()
        };
        let asked = friendship("f1", &told(2));
        let words = asked.message.text.to_plain();
        assert!(words.contains("“it's Ada”") && words.contains("`accept`"), "{words}");
        let cursor = asked.cursor.expect("it can be answered");
        assert_eq!((cursor.key.as_str(), cursor.value.as_str()), ("asked/a", r#"{"friendship":"f1"}"#));
        for kind in [0, 1, 3, 9] {
            let asked = friendship("f1", &told(kind));
            assert!(asked.cursor.is_none() && !asked.message.is_empty(), "{kind}");
        }
        let told = Invitation {
            inviter_id: "a".to_owned(),
            topic: "Birds".to_owned(),
            member_count: 7,
            ..Invitation::default()
        };
        let asked = invitation("i1", &told);
        let words =
            "Invites you to the group “Birds” of 7 people on WeChat. To come, use the command `accept` here.";
        assert_eq!(asked.message.text.to_plain(), words);
        assert_eq!(asked.cursor.map(|cursor| cursor.value).as_deref(), Some(r#"{"invitation":"i1"}"#));
    }
}
