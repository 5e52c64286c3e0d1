//! People press buttons and pick rows: only such as the message really has.

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::{
    WhatsAppCloudSim,
    graph::rows,
    ids::Chat,
    model::{Message, Side},
    people::{Post, post},
    state::State,
};

fn of_business(state: &State, chat: Chat, id: &str) -> anyhow::Result<Message> {
    let message =
        state.records.message(id).filter(|message| message.chat == chat && message.side == Side::Business);
    message.cloned().with_context(|| format!("the person has no message {id} of the business"))
}

impl WhatsAppCloudSim {
    /// A person presses a button of a message, named by its id.
    pub fn person_presses(&self, chat: Chat, message: &str, button: &str) -> anyhow::Result<String> {
        self.inner.change(|state| {
            let found = of_business(state, chat, message)?;
            let mut buttons =
                found.content["action"]["buttons"].as_array().into_iter().flatten().map(|it| &it["reply"]);
            let Some(pressed) = buttons.find(|it| it["id"] == button) else {
                bail!("the message has no button {button}")
            };
            let reply = json!({"id": pressed["id"], "title": pressed["title"]});
            let content = json!({"type": "button_reply", "button_reply": reply});
            Ok(answer(state, (chat, message), ("interactive", content)))
        })
    }

    /// A person picks a row of a list, named by its id.
    pub fn person_picks(&self, chat: Chat, message: &str, row: &str) -> anyhow::Result<String> {
        self.inner.change(|state| {
            let found = of_business(state, chat, message)?;
            let Some(picked) = rows(&found.content).find(|it| it["id"] == row) else {
                bail!("the message has no row {row}")
            };
            let mut reply = json!({"id": picked["id"], "title": picked["title"]});
            if !picked["description"].is_null() {
                reply["description"] = picked["description"].clone();
            }
            let content = json!({"type": "list_reply", "list_reply": reply});
            Ok(answer(state, (chat, message), ("interactive", content)))
        })
    }

    /// A person presses a quick reply of a template, counted from 0. Without a payload in the request the text stands for it.
    pub fn person_presses_template(&self, chat: Chat, message: &str, index: usize) -> anyhow::Result<String> {
        self.inner.change(|state| {
            let found = of_business(state, chat, message)?;
            let account = state
                .records
                .numbers
                .get(&chat.number)
                .and_then(|it| state.records.accounts.get(&it.account));
            let templates = account.into_iter().flat_map(|account| &account.templates);
            let is_meant = |name: &str, language: &str| {
                found.content["name"] == name && found.content["language"]["code"] == language
            };
            let template = templates
                .into_iter()
                .find(|it| is_meant(&it.name, &it.language))
                .context("the message is no template")?;
            let components = template.components.as_array().into_iter().flatten();
            let mut buttons = components
                .filter(|it| it["type"] == "BUTTONS")
                .flat_map(|it| it["buttons"].as_array().into_iter().flatten());
            let button = buttons.nth(index).with_context(|| format!("the template has no button {index}"))?;
            let text = button["text"].clone();
            let given = payload_of(&found.content, index);
            let content = json!({"payload": given.unwrap_or_else(|| text.clone()), "text": text});
            Ok(answer(state, (chat, message), ("button", content)))
        })
    }
}

fn payload_of(content: &Value, index: usize) -> Option<Value> {
    let mut components = content["components"].as_array()?.iter();
    let found =
        components.find(|it| it["index"] == json!(index) || it["index"] == json!(index.to_string()))?;
    found["parameters"].as_array()?.iter().find_map(|it| it.get("payload").cloned())
}

fn answer(state: &mut State, (chat, message): (Chat, &str), (kind, content): (&str, Value)) -> String {
    post(state, chat, Post { replies_to: Some(message.to_owned()), ..Post::new(kind, content) })
}
