//! What is no message of words: places, polls, the looks of a chat.

use magpie_common::platform::{DeliverError, Delivered, DeliveryKey};
use serde_json::json;

use super::{Deliverer, done, head, message::uncertain, sent};
use crate::{json::text, place::Spot};

/// The longest title of a place, in characters. Telegram states none.
const TITLE_CHARS_MAX: usize = 128;

/// <https://core.telegram.org/bots/api#sendpoll>.
const QUESTION_CHARS_MAX: usize = 300;
const ANSWER_CHARS_MAX: usize = 100;
const ANSWERS: std::ops::RangeInclusive<usize> = 2..=12;

/// <https://core.telegram.org/bots/api#setchattitle>, <https://core.telegram.org/bots/api#setchatdescription>.
const NAME_CHARS_MAX: usize = 128;
const TOPIC_CHARS_MAX: usize = 255;

impl Deliverer {
    /// `sendVenue` where there are words beside the place, `sendLocation` where not.
    pub(super) async fn place(
        &self,
        spot: &Spot,
        (latitude, longitude): (f64, f64),
        description: &str,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if key.in_doubt.is_some() {
            return Err(uncertain());
        }
        let mut fields = head(spot, None);
        (fields["latitude"], fields["longitude"]) = (json!(latitude), json!(longitude));
        let title = cut(description, TITLE_CHARS_MAX);
        let method = match title.is_empty() {
            true => "sendLocation",
            false => {
                fields["title"] = json!(title);
                fields["address"] = json!(format!("{latitude:.5}, {longitude:.5}"));
                "sendVenue"
            }
        };
        let id = sent(spot, self.call(spot, method, &fields).await)?;
        Ok(Delivered { ids: vec![id] })
    }

    /// `sendPoll`, with names, so that votes are told.
    pub(super) async fn poll(
        &self,
        spot: &Spot,
        (question, answers, choices_max): (&str, &[String], u32),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if key.in_doubt.is_some() {
            return Err(uncertain());
        }
        if !ANSWERS.contains(&answers.len()) {
            let words = "Telegram takes polls with 2 to 12 answers.";
            return Err(DeliverError::Rejected(words.to_owned()));
        }
        let options: Vec<_> =
            answers.iter().map(|answer| json!({"text": cut(answer, ANSWER_CHARS_MAX)})).collect();
        let mut fields = head(spot, None);
        fields["question"] = json!(cut(question, QUESTION_CHARS_MAX));
        fields["options"] = json!(options);
        fields["is_anonymous"] = json!(false);
        fields["allows_multiple_answers"] = json!(choices_max > 1);
        let answer = self.call(spot, "sendPoll", &fields).await;
        if let Ok(message) = &answer
            && let Some(number) = message["message_id"].as_i64()
        {
            self.world.write().polls.put(text(&message["poll"]["id"]).to_owned(), (*spot, number));
        }
        Ok(Delivered { ids: vec![sent(spot, answer)?] })
    }

    /// `setChatTitle`, `setChatDescription`.
    pub(super) async fn chat_info(
        &self,
        spot: &Spot,
        name: Option<&str>,
        topic: Option<&str>,
    ) -> Result<Delivered, DeliverError> {
        if let Some(name) = name {
            let fields = json!({"chat_id": spot.chat, "title": cut(name, NAME_CHARS_MAX)});
            unmodified_is_done(self.call(spot, "setChatTitle", &fields).await)?;
        }
        if let Some(topic) = topic {
            let fields = json!({"chat_id": spot.chat, "description": cut(topic, TOPIC_CHARS_MAX)});
            unmodified_is_done(self.call(spot, "setChatDescription", &fields).await)?;
        }
        Ok(Delivered::default())
    }
}

fn unmodified_is_done(
    answer: Result<serde_json::Value, crate::session::api::ApiError>,
) -> Result<Delivered, DeliverError> {
    match answer {
        Err(error) if error.says("not modified") => Ok(Delivered::default()),
        answer => done(answer),
    }
}

/// Words within a bound, in characters; `…` shows that there are more.
fn cut(words: &str, chars_max: usize) -> String {
    let words = words.trim();
    if words.encode_utf16().count() <= chars_max {
        return words.to_owned();
    }
    let mut out = String::new();
    let mut units = 0;
    for c in words.chars() {
        units += c.len_utf16();
        if units >= chars_max {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
