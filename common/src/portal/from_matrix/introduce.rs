//! How a relay says for whom it speaks: beside the words where the network has a place for it, otherwise in them.
//!
//! Nobody ever speaks through a relay without being named.

use serde_json::Value;

use super::{Event, Stopped};
use crate::{
    message::{
        AttachmentKind, Author, Authors, Filling, Limits, Message, Outgoing, OutgoingMessage, RelayTemplates,
        RichText, TemplateKind, Tone, clean_name,
    },
    portal::Portals,
    store::PortalRow,
};

/// What is sent without a name is called so.
const NAMELESS_FILE: &str = "a file";

/// Names the sender of `event` in what is sent for them, in the room's own words where it has some.
pub(super) async fn introduce(
    portals: &Portals,
    (portal, event): (&PortalRow, &Event),
    outgoing: &mut Outgoing,
    limits: &Limits,
) -> Result<(), Stopped> {
    let is_named = match outgoing {
        Outgoing::Message(_) | Outgoing::Edit { .. } | Outgoing::Poll { .. } | Outgoing::Location { .. } => {
            true
        }
        // One voice reacts for everybody.
        Outgoing::React { .. } | Outgoing::Unreact { .. } => limits.authors == Authors::Shown,
        Outgoing::Redact { .. }
        | Outgoing::Typing { .. }
        | Outgoing::Read { .. }
        | Outgoing::Vote { .. }
        | Outgoing::ClosePoll { .. }
        | Outgoing::Pin { .. }
        | Outgoing::Unpin { .. }
        | Outgoing::ChatInfo { .. }
        | Outgoing::Member { .. } => false,
    };
    if !is_named {
        return Ok(());
    }
    let author = portals.people.author(&event.room_id, &event.sender).await?;
    match limits.authors {
        Authors::Shown => show(outgoing, author),
        Authors::InWords => {
            let templates = &portal.relay_templates.over(&portals.parts.settings.relay_templates);
            Writer { templates, author: &author, event, text_max: limits.text_chars_max }.write_in(outgoing);
        }
    }
    Ok(())
}

fn show(outgoing: &mut Outgoing, named: Author) {
    match outgoing {
        Outgoing::Message(OutgoingMessage { author, .. })
        | Outgoing::Edit { new: OutgoingMessage { author, .. }, .. }
        | Outgoing::React { author, .. }
        | Outgoing::Unreact { author, .. }
        | Outgoing::Poll { author, .. }
        | Outgoing::Location { author, .. } => *author = Some(named),
        Outgoing::Redact { .. }
        | Outgoing::Typing { .. }
        | Outgoing::Read { .. }
        | Outgoing::Vote { .. }
        | Outgoing::ClosePoll { .. }
        | Outgoing::Pin { .. }
        | Outgoing::Unpin { .. }
        | Outgoing::ChatInfo { .. }
        | Outgoing::Member { .. } => {}
    }
}

/// Writes somebody's name into the words.
struct Writer<'a> {
    templates: &'a RelayTemplates,
    author: &'a Author,
    event: &'a Event,
    text_max: usize,
}

impl Writer<'_> {
    fn write_in(&self, outgoing: &mut Outgoing) {
        match outgoing {
            Outgoing::Message(said) => {
                let kind = match &*self.event.event_type {
                    "m.reaction" => TemplateKind::Reaction,
                    _ => kind(&said.message),
                };
                self.write_message(&mut said.message, kind);
            }
            Outgoing::Edit { new, .. } => {
                let kind = self.templates.for_edit(kind(&new.message));
                self.write_message(&mut new.message, kind);
            }
            Outgoing::Poll { question, .. } => *question = self.plain(TemplateKind::Text, question),
            Outgoing::Location { latitude, longitude, description, .. } => {
                if description.trim().is_empty() {
                    *description = format!("{latitude}, {longitude}");
                }
                *description = self.plain(TemplateKind::Location, description);
            }
            Outgoing::React { .. }
            | Outgoing::Unreact { .. }
            | Outgoing::Redact { .. }
            | Outgoing::Typing { .. }
            | Outgoing::Read { .. }
            | Outgoing::Vote { .. }
            | Outgoing::ClosePoll { .. }
            | Outgoing::Pin { .. }
            | Outgoing::Unpin { .. }
            | Outgoing::ChatInfo { .. }
            | Outgoing::Member { .. } => {}
        }
    }

    fn write_message(&self, message: &mut Message, kind: TemplateKind) {
        let names: Vec<String> = message.attachments.iter().map(|file| clean_name(&file.name)).collect();
        let file = match names.is_empty() {
            true => file_name(&self.event.content),
            false => names.join(", "),
        };
        let words = std::mem::take(&mut message.text);
        message.text = self.write(kind, words, &file);
        if message.tone == Tone::Emote {
            // The words say by themselves who does it.
            message.tone = Tone::Said;
        }
    }

    fn write(&self, kind: TemplateKind, message: RichText, file: &str) -> RichText {
        let Author { name, user_id, .. } = self.author;
        self.templates.write(kind, Filling { name, user_id, message, file }, self.text_max)
    }

    fn plain(&self, kind: TemplateKind, words: &str) -> String {
        self.write(kind, RichText::plain(words), "").to_plain()
    }
}

/// Which template a message wants.
fn kind(message: &Message) -> TemplateKind {
    let is_sticker = |kind| kind == AttachmentKind::Sticker;
    match message.tone {
        // An edit that takes the caption away leaves no words, and the file is where it was.
        _ if message.text.is_blank() => match message.attachments.first() {
            Some(file) if is_sticker(file.kind) => TemplateKind::Sticker,
            Some(_) | None => TemplateKind::File,
        },
        Tone::Said => TemplateKind::Text,
        Tone::Notice => TemplateKind::Notice,
        Tone::Emote => TemplateKind::Emote,
    }
}

/// What the file of an edited message is called.
fn file_name(content: &Value) -> String {
    let new = content.get("m.new_content").unwrap_or(content);
    let name = new.get("filename").or_else(|| new.get("body")).and_then(Value::as_str);
    let name = clean_name(name.unwrap_or_default());
    if name.is_empty() { NAMELESS_FILE.to_owned() } else { name }
}

#[cfg(test)]
mod tests;
