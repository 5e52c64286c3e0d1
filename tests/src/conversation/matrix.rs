//! A room of Matrix as a conversation: edits applied, deletions gone, the events of one message together.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Entry, File, RELAY};
use crate::harness::person::Event;

/// Where the bridge says which message an event shows.
const ORIGIN: &str = "app.magpie.remote";

/// Reads a room's history; `name` gives the shown name of a user.
pub fn read(history: &[Event], bot: &str, name: &dyn Fn(&str) -> String) -> Vec<Entry> {
    let mut room = Room::default();
    let standing = history
        .iter()
        .filter(|event| event.sender() != bot && event.json["unsigned"]["redacted_because"].is_null());
    for event in standing {
        let relation = &event.content()["m.relates_to"];
        match (event.kind(), relation["rel_type"].as_str()) {
            ("m.room.message", Some("m.replace")) => room.change(event, relation),
            ("m.room.message" | "m.sticker", _) => room.add(event, relation, name),
            ("m.reaction", _) => room.react(event, relation, name),
            _ => {}
        }
    }
    room.finished()
}

#[derive(Default)]
struct Room {
    entries: Vec<Entry>,
    /// What each entry answers, and the root of its thread.
    relations: Vec<(Option<usize>, Option<usize>)>,
    of_event: HashMap<String, usize>,
    /// The entries of remote messages that became several events.
    of_message: HashMap<String, usize>,
}

impl Room {
    fn add(&mut self, event: &Event, relation: &Value, name: &dyn Fn(&str) -> String) {
        let origin = &event.content()[ORIGIN];
        let message = origin["id"].as_str().map(str::to_owned);
        let known = message.as_ref().and_then(|id| self.of_message.get(id)).copied();
        let at = known.unwrap_or_else(|| {
            let author = name(event.sender());
            self.entries.push(Entry { author, ..Entry::default() });
            self.relations.push(self.related(relation));
            self.entries.len() - 1
        });
        self.of_event.insert(event.id().to_owned(), at);
        if let Some(id) = message {
            self.of_message.insert(id, at);
        }
        let entry = &mut self.entries[at];
        if origin["piece"] == "preview" {
            entry.preview = Some(event.body().trim_start_matches(['>', ' ']).to_owned());
            return;
        }
        let (words, file) = content(event.kind(), event.content());
        if let Some(words) = words {
            entry.words = words;
        }
        entry.files.extend(file);
    }

    fn related(&self, relation: &Value) -> (Option<usize>, Option<usize>) {
        let at = |id: &Value| self.of_event.get(id.as_str()?).copied();
        let is_thread = relation["rel_type"] == "m.thread";
        let falls_back = is_thread && relation["is_falling_back"] == true;
        let answers = if falls_back { None } else { at(&relation["m.in_reply_to"]["event_id"]) };
        (answers, if is_thread { at(&relation["event_id"]) } else { None })
    }

    /// Relations name messages by the words that they have in the end.
    fn finished(mut self) -> Vec<Entry> {
        let labels: Vec<String> = self.entries.iter().map(Entry::label).collect();
        for (entry, (answers, thread)) in self.entries.iter_mut().zip(self.relations) {
            entry.answers = answers.map(|at| labels[at].clone());
            entry.thread = thread.map(|at| labels[at].clone());
        }
        self.entries
    }

    fn change(&mut self, event: &Event, relation: &Value) {
        let Some(at) = relation["event_id"].as_str().and_then(|id| self.of_event.get(id)) else { return };
        let new = &event.content()["m.new_content"];
        let entry = &mut self.entries[*at];
        if event.content()[ORIGIN]["piece"] == "preview" {
            entry.preview = new["body"].as_str().map(|body| body.trim_start_matches(['>', ' ']).to_owned());
        } else if let (Some(words), _) = content("m.room.message", new) {
            entry.words = words;
        }
    }

    fn react(&mut self, event: &Event, relation: &Value, name: &dyn Fn(&str) -> String) {
        let Some(at) = relation["event_id"].as_str().and_then(|id| self.of_event.get(id)) else { return };
        let key = relation["key"].as_str().unwrap_or_default();
        let emoji = match key.starts_with("mxc://") {
            true => event.content()["shortcode"].as_str().unwrap_or_default().to_owned(),
            false => key.replace('\u{fe0f}', ""),
        };
        let who =
            if event.sender().starts_with("@discord_") { name(event.sender()) } else { RELAY.to_owned() };
        let reactions: &mut BTreeSet<_> = &mut self.entries[*at].reactions;
        reactions.insert((who, emoji));
    }
}

/// The words and the file of a content.
fn content(kind: &str, content: &Value) -> (Option<String>, Option<File>) {
    let body = content["body"].as_str().unwrap_or_default().to_owned();
    let url = content["url"].as_str();
    if url.is_none() {
        return (Some(body), None);
    }
    let name = content["filename"].as_str().unwrap_or(&body).to_owned();
    let is_spoken = content["org.matrix.msc3245.voice"].is_object();
    let file = File {
        size_bytes: content["info"]["size"].as_u64().filter(|_| kind != "m.sticker"),
        spoiler: content["page.codeberg.everypizza.msc4193.spoiler"] == true,
        spoken_ms: content["info"]["duration"].as_u64().filter(|_| is_spoken),
        name: name.clone(),
    };
    ((name != body).then_some(body), Some(file))
}
