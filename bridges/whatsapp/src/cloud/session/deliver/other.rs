//! What is no message of words: places, and polls as buttons or lists.

use magpie_common::{
    ids::RemoteUserId,
    message::clean_line,
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Value, json};

use super::Deliverer;
use crate::cloud::events::answer_id;

/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages>.
const BUTTONS_MAX: usize = 3;
const BUTTON_CHARS_MAX: usize = 20;

/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages>.
const ROWS_MAX: usize = 10;
const ROW_CHARS_MAX: usize = 24;
const ROW_DESCRIPTION_CHARS_MAX: usize = 72;

/// The longest question over buttons.
const QUESTION_CHARS_MAX: usize = 1024;

/// The longest name of a place. WhatsApp states none.
const PLACE_CHARS_MAX: usize = 256;

impl Deliverer {
    /// A place.
    pub(super) async fn place(
        &self,
        person: &RemoteUserId,
        (latitude, longitude): (f64, f64),
        (description, key): (&str, &DeliveryKey),
    ) -> Result<Delivered, DeliverError> {
        let mut content = json!({"latitude": latitude, "longitude": longitude});
        let name = cut(description, PLACE_CHARS_MAX);
        if !name.is_empty() {
            content["name"] = json!(name);
            content["address"] = json!(format!("{latitude:.5}, {longitude:.5}"));
        }
        self.single(person, ("location", content), key).await
    }

    /// A poll, as buttons where there are few short answers, else as a list. Who presses one votes for it.
    pub(super) async fn poll(
        &self,
        person: &RemoteUserId,
        (question, answers): (&str, &[String]),
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        let interactive = interactive(question, answers).ok_or_else(|| {
            DeliverError::Rejected(format!("WhatsApp takes questions with 1 to {ROWS_MAX} answers."))
        })?;
        self.single(person, ("interactive", interactive), key).await
    }
}

fn interactive(question: &str, answers: &[String]) -> Option<Value> {
    let answers: Vec<String> = answers.iter().map(|answer| clean_line(answer)).collect();
    let question = cut(question, QUESTION_CHARS_MAX);
    if question.is_empty() || answers.is_empty() || answers.iter().any(String::is_empty) {
        return None;
    }
    let body = json!({"text": question});
    let is_short = answers.iter().all(|answer| answer.chars().count() <= BUTTON_CHARS_MAX);
    if answers.len() <= BUTTONS_MAX && is_short {
        let button = |(place, answer): (usize, &String)| json!({"type": "reply", "reply": {"id": answer_id(place), "title": answer}});
        let buttons: Vec<Value> = answers.iter().enumerate().map(button).collect();
        return Some(json!({"type": "button", "body": body, "action": {"buttons": buttons}}));
    }
    let row = |(place, answer): (usize, &String)| {
        let mut row = json!({"id": answer_id(place), "title": cut(answer, ROW_CHARS_MAX)});
        if answer.chars().count() > ROW_CHARS_MAX {
            row["description"] = json!(cut(answer, ROW_DESCRIPTION_CHARS_MAX));
        }
        row
    };
    let rows: Vec<Value> = answers.iter().enumerate().map(row).collect();
    let action = json!({"button": "Choose", "sections": [{"title": "Answers", "rows": rows}]});
    (answers.len() <= ROWS_MAX).then(|| json!({"type": "list", "body": body, "action": action}))
}

/// Words within a bound, in characters; `…` shows that there are more.
fn cut(words: &str, chars_max: usize) -> String {
    let words = words.trim();
    if words.chars().count() <= chars_max {
        return words.to_owned();
    }
    words.chars().take(chars_max - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_short_answers_are_buttons_and_others_a_list() {
        let answers =
            |count: usize, words: &str| (0..count).map(|nth| format!("{words}{nth}")).collect::<Vec<_>>();
        let kind = |answers: &[String]| interactive("tea?", answers).map(|it| it["type"].clone());
        assert_eq!(kind(&answers(3, "a")), Some(json!("button")));
        assert_eq!(kind(&answers(4, "a")), Some(json!("list")));
        assert_eq!(kind(&answers(2, "an answer that is long")), Some(json!("list")));
        assert_eq!(kind(&answers(ROWS_MAX, "a")), Some(json!("list")));
        for bad in [answers(0, "a"), answers(ROWS_MAX + 1, "a"), vec![" ".to_owned()]] {
            assert_eq!(kind(&bad), None, "{bad:?}");
        }
        let long = interactive("tea?", &answers(2, "an answer that is rather long, as answers go"));
        let row = long.expect("it is a list")["action"]["sections"][0]["rows"][1].clone();
        assert_eq!(
            (row["id"].clone(), row["title"].clone()),
            (json!("magpie-1"), json!("an answer that is rathe…"))
        );
    }
}
