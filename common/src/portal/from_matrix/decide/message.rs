//! Messages, edits, files and places.

use super::{Decision, Facts, Then, chat_command, ignore, obstacle, refuse};
use crate::{
    config::Level,
    convert::{Read, ReadError, Said, read_content},
    ids::RemoteUserId,
    message::{
        Action, Attachment, AttachmentKind, ChatCommand, FileSource, Limits, Message, Outgoing,
        OutgoingMessage, RichText,
    },
    portal::from_matrix::related::Target,
    store::{Direction, MessageState},
};

const MEBIBYTE: u64 = 1024 * 1024;

pub(super) fn decide(facts: &Facts<'_>, limits: &Limits) -> Decision {
    if let Some(command) = asked(facts) {
        return decide_command(facts, command);
    }
    let read = match read_content(&facts.event.event_type, &facts.event.content, &facts.reading) {
        Ok(read) => read,
        Err(ReadError::NoBody) => return ignore("the message is empty, as deleted messages are"),
        Err(error) => return Decision::Refuse(format!("it cannot be read: {error}.")),
    };
    if read.encrypted_file.is_some() {
        return Decision::Refuse("the file is encrypted, and the bridge cannot read it.".to_owned());
    }
    let is_edit = read.edits.is_some();
    let Read { said, .. } = read;
    match said {
        Said::Message(message) if is_edit => decide_edit(facts, limits, message),
        Said::Message(message) => decide_new(facts, limits, message),
        Said::Location { .. } if is_edit => {
            Decision::Refuse("a place that was sent cannot be changed. Send the new one.".to_owned())
        }
        Said::Location { latitude, longitude, description } => match limits.support(Action::Location) {
            None => refuse(facts, Action::Location),
            Some(_) => {
                let place = Outgoing::Location { latitude, longitude, description, author: None };
                Decision::Deliver(Box::new(place), Then::Link)
            }
        },
    }
}

/// The command for the network that the message is.
fn asked(facts: &Facts<'_>) -> Option<ChatCommand> {
    let is_text = facts.event.content.get("msgtype").and_then(|kind| kind.as_str()) == Some("m.text");
    let words =
        facts.event.body().filter(|_| is_text)?.trim().strip_prefix(&*facts.settings.command_prefix)?;
    words.starts_with(char::is_whitespace).then_some(())?;
    chat_command(facts, words.trim())
}

fn decide_command(facts: &Facts<'_>, command: ChatCommand) -> Decision {
    if facts.level < Level::User {
        return Decision::Refuse(format!("`{}` is for people with the level user.", command.name));
    }
    let text = RichText::plain(&format!("{} {}", command.name, command.words));
    let message = Message { command: Some(command), ..Message::text(text) };
    Decision::Deliver(Box::new(Outgoing::Message(outgoing(facts, message))), Then::Link)
}

fn decide_new(facts: &Facts<'_>, limits: &Limits, message: Message) -> Decision {
    if message.text.is_blank() && message.attachments.is_empty() {
        return ignore("the message has no words");
    }
    if limits.support(Action::Message).is_none() {
        return refuse(facts, Action::Message);
    }
    let message = match with_fit_files(facts, limits, message) {
        Ok(message) => message,
        Err(words) => return Decision::Refuse(words),
    };
    let message = Message { silent_reply: is_silent(facts), ..answering(facts, message) };
    Decision::Deliver(Box::new(Outgoing::Message(outgoing(facts, message))), Then::Link)
}

fn decide_edit(facts: &Facts<'_>, limits: &Limits, mut message: Message) -> Decision {
    let name = facts.settings.about.name;
    let Some(target) = &facts.related.changed else {
        return Decision::Refuse(format!("the message that you changed is not on {name}."));
    };
    if !target.is_by(&facts.event.sender) {
        return ignore("only who wrote a message can change it");
    }
    match target.state {
        MessageState::Delivered => {}
        MessageState::Gone => return ignore("the message that was changed is deleted"),
        MessageState::Open
        | MessageState::Ignored
        | MessageState::Failed
        | MessageState::Uncertain
        | MessageState::Dropped => {
            return Decision::Refuse(format!(
                "the message that you changed did not reach {name}. Send it anew instead."
            ));
        }
    }
    if let Some(decision) = obstacle(facts, limits, Action::Edit, target) {
        return decision;
    }
    let has_files = facts.related.original.as_ref().is_some_and(|original| original.get("info").is_some());
    message.attachments.retain(|file| !is_kept(facts, file));
    if message.text.is_blank() && message.attachments.is_empty() && !has_files {
        return ignore("the message has no words");
    }
    let new = match with_fit_files(facts, limits, message) {
        Ok(message) => answering(facts, message),
        Err(words) => return Decision::Refuse(words),
    };
    let edit = Outgoing::Edit { parts: target.parts.clone(), new: outgoing(facts, new) };
    Decision::Deliver(Box::new(edit), Then::Relink(target.clone()))
}

/// Whether an edit only repeats a file that is there already.
fn is_kept(facts: &Facts<'_>, file: &Attachment) -> bool {
    let FileSource::Matrix(mxc) = &file.source else { return false };
    let Some(original) = &facts.related.original else { return false };
    original.get("url").and_then(|url| url.as_str()) == Some(mxc.as_str())
}

fn answering(facts: &Facts<'_>, message: Message) -> Message {
    let first = |target: &Option<Target>| target.as_ref().and_then(|target| target.parts.first().cloned());
    Message { reply_to: first(&facts.related.reply_to), thread: first(&facts.related.thread), ..message }
}

/// Whether the author of the message answered is left in peace. Clients that say whom they ping name that author, too, unless they are
/// told not to.
fn is_silent(facts: &Facts<'_>) -> bool {
    let Some((target, pinged)) = facts.related.reply_to.as_ref().zip(facts.event.pings_only()) else {
        return false;
    };
    let author = target.sender.as_deref().unwrap_or_default();
    let authors: Vec<String> = match target.origin {
        Direction::FromMatrix => vec![author.to_owned()],
        Direction::FromRemote => {
            let sender = RemoteUserId::new(author);
            let ids = std::iter::once(&sender).chain(&target.aliases);
            ids.filter_map(|id| facts.reading.ghosts.ghost(id)).map(String::from).collect()
        }
    };
    !authors.is_empty() && !authors.iter().any(|author| pinged.contains(&&**author))
}

/// The message with links in the place of files that are too large for the network, or of a kind that it does not take.
fn with_fit_files(facts: &Facts<'_>, limits: &Limits, mut message: Message) -> Result<Message, String> {
    if message.attachments.is_empty() {
        return Ok(message);
    }
    for file in &mut message.attachments {
        file.link = (facts.link)(file);
    }
    let unfit = |file: &Attachment| {
        let bytes_max = bytes_max(limits, file.kind);
        bytes_max == 0 || file.size_bytes.is_some_and(|size| size > bytes_max)
    };
    if let Some(file) = message.attachments.iter().find(|file| unfit(file) && file.link.is_none()) {
        return Err(too_large(facts.settings.about.name, file, bytes_max(limits, file.kind)));
    }
    Ok(if message.attachments.iter().any(unfit) { message.with_links(unfit) } else { message })
}

/// The largest file of that kind; a kind that the network does not have is sent as a plain file.
fn bytes_max(limits: &Limits, kind: AttachmentKind) -> u64 {
    let files = &limits.files_bytes_max;
    files.get(&kind).or_else(|| files.get(&AttachmentKind::File)).copied().unwrap_or_default()
}

fn too_large(name: &str, file: &Attachment, bytes_max: u64) -> String {
    if bytes_max == 0 {
        return format!("files cannot be sent to {name} here. Send a link to it instead.");
    }
    let size = file.size_bytes.unwrap_or_default().div_ceil(MEBIBYTE);
    format!(
        "the file has {size} MiB, and {name} takes at most {} MiB here. Send a smaller one or a link to it.",
        bytes_max / MEBIBYTE
    )
}

fn outgoing(facts: &Facts<'_>, message: Message) -> OutgoingMessage {
    OutgoingMessage { message, author: None, sent_ms: facts.event.sent_ms }
}
