//! Polls (MSC3381), read and written: in the spelling that clients use today, and in the one that is to come.
//!
//! Answers have ids of their own in Matrix and places on networks: what crosses is the place.

use ruma::{EventId, OwnedEventId};
use serde_json::{Value, json};

use super::words::{clean_words, one_line};

/// The type of a vote as it is written.
pub const VOTE_TYPE: &str = "org.matrix.msc3381.poll.response";

/// More answers are not read (MSC3381).
const ANSWERS_MAX: usize = 20;

/// What somebody in Matrix did about a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollDeed {
    /// Opened one.
    Opened(Poll),
    /// Chose answers of one, by their ids; none take the vote back.
    Voted {
        /// The event that opened it.
        poll: OwnedEventId,
        /// The ids of the answers.
        answer_ids: Vec<String>,
    },
    /// Closed one.
    Closed {
        /// The event that opened it.
        poll: OwnedEventId,
    },
}

/// A poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The question, on one line.
    pub question: String,
    /// The answers, each with its id.
    pub answers: Vec<(String, String)>,
    /// How many answers one person may choose.
    pub choices_max: u32,
}

impl Poll {
    /// The places of answers. Ids that are not the poll's stand for nothing.
    pub fn places(&self, answer_ids: &[String]) -> Vec<u32> {
        let chosen = (0..).zip(&self.answers).filter(|(_, (id, _))| answer_ids.contains(id));
        chosen.map(|(place, _)| place).collect()
    }

    /// The ids of the answers in these places.
    pub fn ids(&self, places: &[u32]) -> Vec<&str> {
        let at = |place: &u32| self.answers.get(usize::try_from(*place).ok()?);
        places.iter().filter_map(at).map(|(id, _)| id.as_str()).collect()
    }

    /// The poll in words, for networks that have none.
    pub fn words(&self) -> String {
        let lines = self.answers.iter().zip(1..).map(|((_, text), number)| format!("\n{number}. {text}"));
        format!("📊 {}{}", self.question, lines.collect::<String>())
    }
}

/// Reads an event about a poll; `None` for what is none, or cannot be read.
pub fn read_poll(event_type: &str, content: &Value) -> Option<PollDeed> {
    match event_type {
        "m.poll.start" | "org.matrix.msc3381.poll.start" => {
            read_start(content.get("m.poll").or_else(|| content.get("org.matrix.msc3381.poll.start"))?)
                .map(PollDeed::Opened)
        }
        "m.poll.response" | "org.matrix.msc3381.poll.response" => {
            let selections = content.get("m.selections");
            let selections =
                selections.or_else(|| content.get("org.matrix.msc3381.poll.response")?.get("answers"))?;
            let ids = selections.as_array()?.iter().take(ANSWERS_MAX).filter_map(Value::as_str);
            Some(PollDeed::Voted { poll: referred(content)?, answer_ids: ids.map(str::to_owned).collect() })
        }
        "m.poll.end" | "org.matrix.msc3381.poll.end" => Some(PollDeed::Closed { poll: referred(content)? }),
        _ => None,
    }
}

/// A vote's content.
pub fn write_vote(poll: &EventId, answer_ids: &[&str]) -> Value {
    json!({
        "m.relates_to": { "rel_type": "m.reference", "event_id": poll },
        VOTE_TYPE: { "answers": answer_ids },
    })
}

fn read_start(start: &Value) -> Option<Poll> {
    let read = |answer: &Value| {
        let id = answer.get("m.id").or_else(|| answer.get("id"))?.as_str()?;
        Some((id.to_owned(), text(answer)?))
    };
    let answers: Vec<_> =
        start.get("answers")?.as_array()?.iter().take(ANSWERS_MAX).filter_map(read).collect();
    let choices_max = start.get("max_selections").and_then(Value::as_u64).unwrap_or(1).max(1);
    let choices_max = u32::try_from(choices_max).unwrap_or(u32::MAX);
    (!answers.is_empty()).then_some(Poll { question: text(start.get("question")?)?, answers, choices_max })
}

/// The plain text of a piece, in either spelling.
fn text(piece: &Value) -> Option<String> {
    let new = piece.get("m.text").and_then(|text| match text {
        Value::Array(forms) => forms.iter().find_map(|form| form.get("body")?.as_str()),
        other => other.as_str(),
    });
    let text = new
        .or_else(|| piece.get("org.matrix.msc1767.text")?.as_str())
        .or_else(|| piece.get("body")?.as_str())?;
    let text = one_line(&clean_words(text)).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn referred(content: &Value) -> Option<OwnedEventId> {
    let relation = content.get("m.relates_to")?;
    if relation.get("rel_type")?.as_str()? != "m.reference" {
        return None;
    }
    EventId::parse(relation.get("event_id")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use ruma::event_id;

    use super::*;

    fn lunch() -> Poll {
        let answer = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        Poll {
            question: "Lunch?".to_owned(),
            answers: vec![answer("a", "Soup"), answer("b", "Bread")],
            choices_max: 1,
        }
    }

    #[test]
    fn both_spellings_are_read() {
        let unstable = json!({ "org.matrix.msc3381.poll.start": {
            "question": { "org.matrix.msc1767.text": "Lunch?", "body": "Lunch?", "msgtype": "m.text" },
            "kind": "org.matrix.msc3381.poll.disclosed", "max_selections": 1,
            "answers": [{ "id": "a", "org.matrix.msc1767.text": "Soup" }, { "id": "b", "org.matrix.msc1767.text": "Bread" }],
        }});
        let stable = json!({ "m.poll": {
            "question": { "m.text": [{ "body": "Lunch?" }] }, "kind": "m.disclosed",
            "answers": [{ "m.id": "a", "m.text": [{ "body": "Soup" }] }, { "m.id": "b", "m.text": [{ "body": "Bread" }] }],
        }});
        for (event_type, content) in [("org.matrix.msc3381.poll.start", unstable), ("m.poll.start", stable)] {
            assert_eq!(read_poll(event_type, &content), Some(PollDeed::Opened(lunch())), "{event_type}");
        }
        assert_eq!(lunch().words(), "📊 Lunch?\n1. Soup\n2. Bread");
    }

    #[test]
    fn votes_come_back_as_they_were() {
        let poll = event_id!("$p").to_owned();
        let content = write_vote(&poll, &lunch().ids(&[1, 7]));
        let voted = PollDeed::Voted { poll: poll.clone(), answer_ids: vec!["b".to_owned()] };
        assert_eq!(read_poll(VOTE_TYPE, &content), Some(voted.clone()));
        let relation = json!({ "rel_type": "m.reference", "event_id": "$p" });
        let stable = json!({ "m.relates_to": relation, "m.selections": ["b"] });
        assert_eq!(read_poll("m.poll.response", &stable), Some(voted));
        assert_eq!(lunch().places(&["x".to_owned(), "b".to_owned()]), [1]);
        let closed = json!({ "m.relates_to": relation });
        assert_eq!(read_poll("m.poll.end", &closed), Some(PollDeed::Closed { poll }));
    }

    #[test]
    fn what_is_no_poll_is_none() {
        for (event_type, content) in [
            ("m.poll.start", json!({})),
            ("m.poll.start", json!({ "m.poll": { "question": { "m.text": "?" }, "answers": [] } })),
            (
                "m.poll.start",
                json!({ "m.poll": { "question": {}, "answers": [{ "m.id": "a", "m.text": "A" }] } }),
            ),
            (
                "m.poll.start",
                json!({ "m.poll": { "question": { "m.text": "?" }, "answers": [{ "m.id": 7 }, "x"] } }),
            ),
            ("m.poll.response", json!({ "m.selections": ["a"] })),
            ("m.poll.response", json!({ "m.relates_to": { "rel_type": "m.reference", "event_id": "$p" } })),
            ("m.poll.end", json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": "$p" } })),
            ("m.room.message", json!({ "m.poll": { "question": { "m.text": "?" } } })),
        ] {
            assert_eq!(read_poll(event_type, &content), None, "{content}");
        }
    }
}
