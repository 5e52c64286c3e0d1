//! What a bot does besides listening: it says that it is there, sends, and types.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    cdn, cipher,
    model::{BotId, Sent},
    serve::{Answer, Call},
    state::State,
};

/// A context token is good for a day.
const CONTEXT_MS: i64 = 24 * 60 * 60 * 1000;

/// Kinds of items that a bot sends, with the names of what is in them.
pub(crate) const ITEMS: [(u64, &str); 4] =
    [(1, "text_item"), (2, "image_item"), (4, "file_item"), (5, "video_item")];

/// One call of a bot with a good token.
pub(crate) fn serve(state: &mut State, bot: BotId, call: &Call) -> Answer {
    match call.path.trim_start_matches('/') {
        "ilink/bot/msg/notifystart" => {
            let known = state.records.bot_mut(bot);
            (known.is_started, known.is_cut_off) = (true, false);
            Answer::json(json!({"ret": 0}))
        }
        "ilink/bot/msg/notifystop" => {
            state.records.bot_mut(bot).is_started = false;
            Answer::json(json!({"ret": 0}))
        }
        "ilink/bot/sendmessage" => send(state, bot, call),
        "ilink/bot/getuploadurl" => cdn::announce(state, bot, call),
        "ilink/bot/getconfig" => config(state, bot, call),
        "ilink/bot/sendtyping" => typing(state, bot, call),
        _ => Answer::bare(404),
    }
}

fn send(state: &mut State, bot: BotId, call: &Call) -> Answer {
    let message = &call.json["msg"];
    let now_ms = state.now_ms();
    let known = state.records.bot(bot);
    if message["to_user_id"] != known.person.to_string() {
        state.report(&call.name, "to_user_id", "this is not whom the bot is bound to");
        return Answer::refusal(-1, "invalid to_user_id");
    }
    let token = message["context_token"].as_str().unwrap_or_default();
    let is_good = |(good, since_ms): &(String, i64)| good == token && now_ms - since_ms < CONTEXT_MS;
    let is_spent = state.settings.quota.is_some_and(|quota| known.said >= quota);
    if is_spent || !known.contexts.iter().any(is_good) {
        return Answer::refusal(-2, "invalid context");
    }
    let item = message["item_list"][0].clone();
    check_quote(state, bot, (call, &item));
    let file = file_of(state, call, &item);
    let id = state.next_message();
    let client_id = message["client_id"].as_str().unwrap_or_default().to_owned();
    state.records.bot_mut(bot).said += 1;
    state.records.sent.push(Sent { bot, id, client_id, item, file });
    match (state.settings.tells_ids, state.settings.ids_as_text) {
        (false, _) => Answer::json(json!({})),
        (true, false) => Answer::json(json!({"ret": 0, "message_id": id})),
        (true, true) => Answer::json(json!({"ret": 0, "message_id": id.to_string()})),
    }
}

/// What is answered must be a message of that talk, named by its id alone.
fn check_quote(state: &mut State, bot: BotId, (call, item): (&Call, &Value)) {
    let Some(quote) = item.get("ref_msg") else { return };
    let id = quote["svr_id"].as_u64().or_else(|| quote["svr_id"].as_str()?.parse().ok());
    let is_heard = |id: u64| {
        let spelled = [json!(id), json!(id.to_string())];
        state.records.bot(bot).updates.iter().any(|update| spelled.contains(&update["message_id"]))
    };
    let is_said = |id: u64| state.records.sent.iter().any(|sent| sent.bot == bot && sent.id == id);
    let is_known = id.is_some_and(|id| is_heard(id) || is_said(id));
    if !is_known || quote.as_object().is_none_or(|fields| fields.len() != 1) {
        state.report(&call.name, "ref_msg", "this is no message of that talk");
    }
}

/// The file of an item, opened as the person's phone does it.
fn file_of(state: &mut State, call: &Call, item: &Value) -> Option<Bytes> {
    let kind = item["type"].as_u64()?;
    let (_, name) = ITEMS.iter().find(|(known, _)| *known == kind && kind != 1)?;
    let content = &item[name];
    let media = &content["media"];
    let param = media["encrypt_query_param"].as_str().unwrap_or_default();
    let Some((upload, sealed)) =
        state.records.files.get(param).and_then(|file| Some((file.upload.clone()?, file.sealed.clone())))
    else {
        state.report(&call.name, name, "no file of a bot lies there");
        return None;
    };
    let digits = media["aes_key"].as_str().and_then(|key| STANDARD.decode(key).ok());
    let key = digits.and_then(|digits| cipher::key(&String::from_utf8(digits).ok()?));
    let announced = match upload.media_type {
        1 => 2,
        2 => 5,
        3 => 4,
        _ => 0,
    };
    for (is_right, problem) in [
        (key == Some(upload.key), "aes_key is not the key in hex in Base64"),
        (media["encrypt_type"] == 1, "encrypt_type is not 1"),
        (announced == kind, "the file was announced as another kind"),
        (kind != 2 || content["mid_size"] == upload.sealed_bytes, "mid_size is not the sealed size"),
        (kind != 5 || content["video_size"] == upload.sealed_bytes, "video_size is not the sealed size"),
        (
            kind != 4 || content["len"].as_str() == Some(&*upload.raw_bytes.to_string()),
            "len is not the plain size as text",
        ),
    ] {
        if !is_right {
            state.report(&call.name, name, problem);
        }
    }
    cipher::open(&key?, &sealed).map(Bytes::from)
}

fn config(state: &mut State, bot: BotId, call: &Call) -> Answer {
    let ticket = state.secret("ticket_");
    let known = state.records.bot_mut(bot);
    if call.json["ilink_user_id"] != known.person.to_string() {
        state.report(&call.name, "ilink_user_id", "this is not whom the bot is bound to");
        return Answer::refusal(-1, "invalid ilink_user_id");
    }
    known.typing_ticket = Some(ticket.clone());
    Answer::json(json!({"ret": 0, "typing_ticket": ticket}))
}

fn typing(state: &mut State, bot: BotId, call: &Call) -> Answer {
    let known = state.records.bot_mut(bot);
    let is_good = known.typing_ticket.as_deref() == call.json["typing_ticket"].as_str();
    if !is_good || call.json["ilink_user_id"] != known.person.to_string() {
        state.report(&call.name, "typing_ticket", "this is no ticket for this person");
        return Answer::refusal(-1, "invalid typing_ticket");
    }
    known.is_typing = call.json["status"] == 1;
    Answer::json(json!({"ret": 0}))
}
