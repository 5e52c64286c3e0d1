//! What people in Telegram ask of the bot itself: commands, which are answered there and not brought to Matrix.

use serde_json::Value;

use crate::{json::text, place::Spot, session::world::Known};

/// A command of ours: <https://core.telegram.org/bots/features#commands>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Which chat this is, and who asks.
    Id,
    /// How this chat is joined to a room.
    Portal,
}

/// The commands as Telegram's menu shows them.
pub(crate) const MENU: [(&str, &str); 2] = [
    ("id", "Show the ids of this chat and of yourself"),
    ("portal", "Show how this chat is joined to Matrix"),
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
        _ => return None,
    };
    Some((command, message))
}

/// What is answered.
pub(crate) fn answer(command: Command, message: &Value, known: &Known) -> Option<String> {
    let chat = Spot::of_message(message, known.me)?.id();
    Some(match command {
        Command::Id => match message["from"]["id"].as_i64() {
            Some(user) => format!("This chat: {chat}\nYou: {user}"),
            None => format!("This chat: {chat}"),
        },
        Command::Portal => format!(
            "This chat is brought to Matrix by Magpie, together with what is said and done in it. In Matrix, the command \
             “bridge {chat}”, given to the bridge's bot, makes its room."
        ),
    })
}
