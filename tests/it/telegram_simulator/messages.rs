//! Messages of bots are taken or refused as on Telegram.

use serde_json::{Value, json};

use super::Scene;

#[tokio::test]
async fn wrong_texts_are_refused_in_telegrams_words() {
    let scene = Scene::new().await;
    let chat = scene.small.supergroup;
    for (text, entities, words) in [
        (" \n ".to_owned(), json!([]), "Bad Request: message text is empty"),
        ("a".repeat(4097), json!([]), "Bad Request: message is too long"),
        ("😀".repeat(2049), json!([]), "Bad Request: message is too long"),
        (
            "abc".to_owned(),
            entity(3, 1),
            "Bad Request: entity begins after the end of the text at UTF-16 offset 3",
        ),
        (
            "abc".to_owned(),
            entity(1, 3),
            "Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 3",
        ),
        (
            "a😀".to_owned(),
            entity(1, 1),
            "Bad Request: entity beginning at UTF-16 offset 1 splits a UTF-16 symbol",
        ),
    ] {
        let params = json!({"chat_id": chat, "text": text, "entities": entities});
        assert_eq!(scene.refused("sendMessage", params).await, words);
    }
    assert_eq!(scene.sim.texts(chat), Vec::<String>::new());
    if scene.sim.is_judged() {
        // All but the first break the description too.
        assert_eq!(scene.sim.take_findings().len(), 5);
    }
    scene.call("sendMessage", json!({"chat_id": chat, "text": "a".repeat(4096)})).await;
    scene.should_be_honest("wrong_texts_are_refused_in_telegrams_words");
}

#[tokio::test]
async fn replies_edits_and_deletions_need_their_message() {
    let scene = Scene::new().await;
    let (chat, alice) = (scene.small.supergroup, scene.small.alice);
    let said = scene.sim.person_sends(chat, alice, "mine");
    let at = |id: i64| json!({"chat_id": chat, "message_id": id, "text": "new"});
    assert_eq!(scene.refused("editMessageText", at(99)).await, "Bad Request: message to edit not found");
    assert_eq!(scene.refused("editMessageText", at(said)).await, "Bad Request: message can't be edited");
    let delete = json!({"chat_id": chat, "message_id": 99});
    assert_eq!(scene.refused("deleteMessage", delete).await, "Bad Request: message to delete not found");
    let reply = |parameters: Value| json!({"chat_id": chat, "text": "hi", "reply_parameters": parameters});
    let refused = scene.refused("sendMessage", reply(json!({"message_id": 99}))).await;
    assert_eq!(refused, "Bad Request: message to be replied not found");
    let lenient = reply(json!({"message_id": 99, "allow_sending_without_reply": true}));
    assert_eq!(scene.call("sendMessage", lenient).await.get("reply_to_message"), None);
    let quote = reply(json!({"message_id": said, "quote": "yours"}));
    assert_eq!(scene.refused("sendMessage", quote).await, "Bad Request: QUOTE_TEXT_INVALID");
    for (emoji, words) in [("🫠", "REACTION_INVALID"), ("thumbs", "REACTION_INVALID")] {
        let params =
            json!({"chat_id": chat, "message_id": said, "reaction": [{"type": "emoji", "emoji": emoji}]});
        assert_eq!(scene.refused("setMessageReaction", params).await, format!("Bad Request: {words}"));
    }
    let same = scene.call("sendMessage", json!({"chat_id": chat, "text": "same"})).await;
    let params = json!({"chat_id": chat, "message_id": same["message_id"], "text": "same"});
    let refused = scene.refused("editMessageText", params).await;
    assert!(refused.starts_with("Bad Request: message is not modified"), "{refused}");
    scene.should_be_honest("replies_edits_and_deletions_need_their_message");
}

#[tokio::test]
async fn whoever_shuts_the_bot_out_is_not_written_to() {
    let scene = Scene::new().await;
    let (sim, small) = (&scene.sim, scene.small);
    let to = |chat: Value| json!({"chat_id": chat, "text": "hi"});
    sim.person_blocks(small.alice, small.bot);
    let private = scene.refused("sendMessage", to(json!(small.alice))).await;
    assert_eq!(private, "Forbidden: bot was blocked by the user");
    let stranger = scene.refused("sendMessage", to(json!(small.bob))).await;
    assert_eq!(stranger, "Forbidden: bot can't initiate conversation with a user");
    assert_eq!(scene.refused("sendMessage", to(json!(-100_123))).await, "Bad Request: chat not found");
    sim.person_bans(small.supergroup, (small.alice, small.bot));
    let banned = scene.refused("sendMessage", to(json!(small.supergroup))).await;
    assert_eq!(banned, "Forbidden: bot was kicked from the supergroup chat");
    sim.person_demotes(small.group, (small.alice, small.bot));
    sim.chat_permits(small.group, &[("can_send_messages", false)]);
    let muted = scene.refused("sendMessage", to(json!(small.group))).await;
    assert_eq!(muted, "Bad Request: not enough rights to send text messages to the chat");
    let new = sim.person_upgrades(small.group, small.alice);
    let moved = scene.ask("sendMessage", to(json!(small.group))).await;
    assert_eq!(
        (&moved["error_code"], &moved["parameters"]["migrate_to_chat_id"]),
        (&json!(400), &json!(new))
    );
    scene.should_be_honest("whoever_shuts_the_bot_out_is_not_written_to");
}

#[tokio::test]
async fn requests_come_in_every_form() {
    let scene = Scene::new().await;
    let chat = scene.small.supergroup;
    let (get, http) = (scene.method("SENDMESSAGE"), &scene.http);
    let pairs = [("chat_id", chat.to_string()), ("text", "by query".to_owned())];
    http.get(&get).query(&pairs).send().await.expect("it answers");
    let pairs = [("chat_id", chat.to_string()), ("text", "by form".to_owned())];
    http.post(scene.method("sendmessage")).form(&pairs).send().await.expect("it answers");
    let parts = reqwest::multipart::Form::new()
        .text("chat_id", chat.to_string())
        .text("text", "by parts")
        .text("entities", r#"[{"type":"bold","offset":0,"length":2}]"#);
    http.post(scene.method("SendMessage")).multipart(parts).send().await.expect("it answers");
    scene.call("sendMessage", json!({"chat_id": chat.to_string(), "text": "by JSON"})).await;
    assert_eq!(scene.sim.texts(chat), ["by query", "by form", "by parts", "by JSON"]);
    assert_eq!(scene.sim.messages(chat)[2].field("entities")[0]["type"], "bold");
    let unknown = scene.ask("sendThought", json!({})).await;
    assert_eq!((&unknown["ok"], &unknown["error_code"]), (&json!(false), &json!(404)));
    let url = format!("{}/bot1:wrong/getMe", scene.sim.url());
    let refused = http.get(url).send().await.expect("it answers");
    assert_eq!(refused.status(), 401);
    scene.should_be_honest("requests_come_in_every_form");
}

#[tokio::test]
async fn what_breaks_the_description_is_found() {
    let scene = Scene::new().await;
    if !scene.sim.is_judged() {
        return scene.should_be_honest("what_breaks_the_description_is_found");
    }
    let chat = scene.small.supergroup;
    scene.call("sendMessage", json!({"chat_id": chat, "text": "hi", "colour": "red"})).await;
    let found: Vec<String> = scene.sim.take_findings().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["sendmessage: request: colour: is no parameter"]);
}

fn entity(offset: usize, length: usize) -> Value {
    json!([{"type": "bold", "offset": offset, "length": length}])
}

#[tokio::test]
async fn a_pressed_button_is_answered_once() {
    let mut scene = Scene::new().await;
    let (chat, alice) = (scene.small.supergroup, scene.small.alice);
    let keyboard = json!({"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]});
    let params = json!({"chat_id": chat, "text": "Sure?", "reply_markup": keyboard});
    let sent = scene.call("sendMessage", params).await;
    assert_eq!(sent["reply_markup"], keyboard);
    let id = sent["message_id"].as_i64().expect("it has a number");
    let query = scene.sim.person_presses((chat, id), alice, "yes");
    let heard = scene.update("callback_query").await;
    assert_eq!(
        (&heard["id"], &heard["data"], &heard["from"]["id"]),
        (&json!(query), &json!("yes"), &json!(alice))
    );
    assert_eq!(heard["message"]["message_id"], json!(id));
    let answer = json!({"callback_query_id": query});
    scene.call("answerCallbackQuery", answer.clone()).await;
    let late = scene.refused("answerCallbackQuery", answer).await;
    assert!(late.contains("query is too old"), "{late}");
    scene.should_be_honest("a_pressed_button_is_answered_once");
}

#[tokio::test]
async fn polls_of_people_are_told_of_when_they_end() {
    let mut scene = Scene::new().await;
    let (chat, alice, bob) = (scene.small.supergroup, scene.small.alice, scene.small.bob);
    let asked = scene.sim.person_sends_poll(chat, alice, ("Which?", &["owl", "jay"]));
    assert_eq!(scene.update("message").await["poll"]["options"][1]["text"], "jay");
    assert!(scene.sim.person_votes((chat, asked), bob, &[0]));
    assert!(scene.updates().await.is_empty(), "others' votes are no bot's business");
    let stop = json!({"chat_id": chat, "message_id": asked});
    assert_eq!(scene.refused("stopPoll", stop).await, "Bad Request: message can't be edited");
    assert!(scene.sim.person_stops_poll((chat, asked)));
    let told = scene.update("poll").await;
    assert_eq!((&told["is_closed"], &told["options"][0]["voter_count"]), (&json!(true), &json!(1)));
    assert!(!scene.sim.person_votes((chat, asked), alice, &[1]));
    scene.should_be_honest("polls_of_people_are_told_of_when_they_end");
}
