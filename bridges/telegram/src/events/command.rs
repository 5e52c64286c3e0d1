//! What people in Telegram ask of the bot itself: commands, which are answered there and not brought to Matrix.

use magpie_common::ids::RemoteChatId;
use serde_json::Value;

use crate::{json::text, session::world::Known};

/// A command of ours: <https://core.telegram.org/bots/features#commands>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Which chat this is, and who asks.
    Id,
    /// How this chat is joined to a room.
    Portal,
    /// Somebody in Matrix is asked into the chat's room.
    Invite,
}

/// The commands as Telegram's menu shows them.
pub(crate) const MENU: [(&str, &str); 3] = [
    ("id", "Show the ids of this chat and of yourself"),
    ("portal", "Show how this chat is joined to Matrix"),
    ("invite", "Ask somebody in Matrix into this chat's room: /invite @name:server"),
];

/// A command in an update that is for this bot.
pub(crate) fn of<'a>(update: &'a Value, known: &Known) -> Option<(Command, &'a Value)> {
    let message = &update["message"];
    let word = text(&message["text"]).split_whitespace().next()?.strip_prefix('/')?;
    let (name, bot) = word.split_once('@').map_or((word, None), |(name, bot)| (name, Some(bot)));
    if bot.is_some_and(|bot| !bot.eq_ignore_ascii_case(&known.username)) {
        return None;
    }
    let command = match name.to_ascii_lowercase().as_str() {
        "id" => Command::Id,
        "portal" => Command::Portal,
        "invite" => Command::Invite,
        _ => return None,
    };
    Some((command, message))
}

/// What stands after the command's name.
pub(crate) fn argument(message: &Value) -> &str {
    text(&message["text"]).split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim())
}

/// What is answered to a command that asks something.
pub(crate) fn answer(command: Command, message: &Value, chat: &RemoteChatId) -> Option<String> {
    match command {
        Command::Id => Some(match message["from"]["id"].as_i64() {
            Some(user) => format!("This chat: {chat}\nYou: {user}"),
            None => format!("This chat: {chat}"),
        }),
        Command::Portal => Some(format!(
            "Magpie brings chats to Matrix, together with what is said and done in them. In Matrix, the command “create-portal {chat}”, \
             given to the bridge's bot, makes this chat's room; “bridge {chat}”, given in a room, joins that room to it."
        )),
        Command::Invite => None,
    }
}
