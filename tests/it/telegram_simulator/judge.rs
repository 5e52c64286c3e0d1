//! python-telegram-bot 22.8 and aiogram 3.31.0 must work against the simulator as against Telegram.

use base64::{Engine, engine::general_purpose::STANDARD};
use magpie_tests::{
    harness::tools::{Component, need},
    telegram::{
        Fault, FileBytes, Media, MediaKind,
        judge::{Judge, Library},
    },
};
use serde_json::{Value, json};

use super::{KINDS, Scene, files::PNG};

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_talks() -> anyhow::Result<()> {
    talks(Library::PythonTelegramBot, "python_telegram_bot_talks").await
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_talks() -> anyhow::Result<()> {
    talks(Library::Aiogram, "aiogram_talks").await
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_sends_everything() -> anyhow::Result<()> {
    sends_everything(Library::PythonTelegramBot, "python_telegram_bot_sends_everything").await
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_sends_everything() -> anyhow::Result<()> {
    sends_everything(Library::Aiogram, "aiogram_sends_everything").await
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_hears_everything() -> anyhow::Result<()> {
    hears_everything(Library::PythonTelegramBot, "python_telegram_bot_hears_everything").await
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_hears_everything() -> anyhow::Result<()> {
    hears_everything(Library::Aiogram, "aiogram_hears_everything").await
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_rules_chats() -> anyhow::Result<()> {
    rules_chats(Library::PythonTelegramBot, "python_telegram_bot_rules_chats").await
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_rules_chats() -> anyhow::Result<()> {
    rules_chats(Library::Aiogram, "aiogram_rules_chats").await
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_takes_a_webhook() -> anyhow::Result<()> {
    takes_a_webhook(Library::PythonTelegramBot, "python_telegram_bot_takes_a_webhook").await
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_takes_a_webhook() -> anyhow::Result<()> {
    takes_a_webhook(Library::Aiogram, "aiogram_takes_a_webhook").await
}

/// A file in a command to the judge.
fn file(name: &str, bytes: &[u8]) -> Value {
    json!({"$file": [name, STANDARD.encode(bytes)]})
}

async fn begin(library: Library) -> anyhow::Result<Option<(Scene, Judge)>> {
    let Some(folder) = need(Component::Judge("telegram")) else { return Ok(None) };
    let scene = Scene::new().await;
    let (judge, me) = Judge::start(&scene.sim, scene.small.bot, (library, &folder)).await?;
    assert_eq!((&me["id"], &me["username"]), (&json!(scene.small.bot), &json!("magpie_bot")));
    assert_eq!(me["can_read_all_group_messages"], true);
    Ok(Some((scene, judge)))
}

async fn end(scene: Scene, judge: Judge, test: &str) -> anyhow::Result<()> {
    judge.stop().await?;
    scene.should_be_honest(test);
    Ok(())
}

async fn talks(library: Library, test: &str) -> anyhow::Result<()> {
    let Some((scene, mut judge)) = begin(library).await? else { return Ok(()) };
    let (sim, alice, chat) = (&scene.sim, scene.small.alice, scene.small.supergroup);
    judge.ask(&json!({"do": "poll", "allowed": KINDS})).await?;
    let hello = sim.person_sends(chat, alice, "Hello @magpie_bot 😀");
    let heard = judge.update("message").await?;
    assert_eq!((&heard["message_id"], &heard["text"]), (&json!(hello), &json!("Hello @magpie_bot 😀")));
    assert_eq!(heard["from"]["first_name"], "Alice");
    assert_eq!(
        (&heard["entities"][0]["type"], &heard["entities"][0]["offset"]),
        (&json!("mention"), &json!(6))
    );

    let reply = json!({
        "chat_id": chat, "text": "😀 bold", "entities": [{"type": "bold", "offset": 3, "length": 4}],
        "reply_parameters": {"message_id": hello, "quote": "@magpie_bot"},
        "link_preview_options": {"is_disabled": true},
    });
    let sent = judge.call("sendMessage", reply).await?;
    let id = sent["message_id"].clone();
    assert_eq!(sent["reply_to_message"]["message_id"], json!(hello));
    assert_eq!((&sent["quote"]["text"], &sent["quote"]["position"]), (&json!("@magpie_bot"), &json!(6)));
    assert_eq!(sent["entities"][0]["type"], "bold");
    let edit = json!({"chat_id": chat, "message_id": id, "text": "plain"});
    assert_eq!(judge.call("editMessageText", edit.clone()).await?["text"], "plain");
    let again = judge.call_fails("editMessageText", edit).await?;
    assert!(again["message"].to_string().to_lowercase().contains("is not modified"), "{again}");
    let reaction =
        json!({"chat_id": chat, "message_id": hello, "reaction": [{"type": "emoji", "emoji": "👍"}]});
    assert_eq!(judge.call("setMessageReaction", reaction).await?, true);
    let reactions = sim.message(chat, hello).expect("it is there").reactions;
    assert_eq!(reactions[&scene.small.bot], [json!({"type": "emoji", "emoji": "👍"})]);

    sim.fault("sendMessage", Fault::TooMany { retry_after: 7 });
    let flood = judge.call_fails("sendMessage", json!({"chat_id": chat, "text": "too fast"})).await?;
    assert_eq!(flood["retry_after"].as_f64(), Some(7.0), "{flood}");
    let new = sim.person_upgrades(scene.small.group, alice);
    let moved = judge.call_fails("sendMessage", json!({"chat_id": scene.small.group, "text": "hi"})).await?;
    assert_eq!(moved["migrate_to"], json!(new), "{moved}");
    assert_eq!(judge.call("deleteMessage", json!({"chat_id": chat, "message_id": id})).await?, true);
    assert_eq!(sim.texts(chat), ["Hello @magpie_bot 😀"]);
    end(scene, judge, test).await
}

async fn sends_everything(library: Library, test: &str) -> anyhow::Result<()> {
    let Some((scene, mut judge)) = begin(library).await? else { return Ok(()) };
    let (chat, oaks) = (scene.small.forum, scene.small.oaks);
    let voice = [b"OggS".as_slice(), &[7; 99]].concat();
    for (method, field, bytes) in [
        ("sendPhoto", "photo", PNG),
        ("sendDocument", "document", b"words".as_slice()),
        ("sendAudio", "audio", b"ID3music"),
        ("sendVideo", "video", b"video"),
        ("sendAnimation", "animation", b"moves"),
        ("sendVoice", "voice", &voice),
        ("sendVideoNote", "video_note", b"round"),
        ("sendSticker", "sticker", b"RIFF1234WEBP"),
    ] {
        let args = json!({"chat_id": chat, "message_thread_id": oaks, field: file("a.bin", bytes)});
        let sent = judge.call(method, args).await?;
        assert_eq!((&sent["message_thread_id"], &sent["is_topic_message"]), (&json!(oaks), &json!(true)));
        let it = sent[field].as_array().and_then(|sizes| sizes.last()).unwrap_or(&sent[field]);
        assert_eq!(it["file_size"], json!(bytes.len()), "{method}: {sent}");
        let id = sent["message_id"].as_i64().expect("it has a number");
        assert_eq!(scene.sim.bytes_of(chat, id).as_deref(), Some(bytes), "{method}");
        let loaded = judge.ask(&json!({"do": "download", "file_id": it["file_id"]})).await?;
        assert_eq!(loaded["sha256"], json!(scene.sim.sha256_of(chat, id)), "{method}: {loaded}");
        assert_eq!(loaded["size"], json!(bytes.len()));
    }
    let part = |name: &str, words: &str| json!({"type": "photo", "media": file(name, PNG), "caption": words});
    let media = json!([part("1.png", "one"), part("2.png", "two")]);
    let album = judge.call("sendMediaGroup", json!({"chat_id": scene.small.private, "media": media})).await?;
    assert_eq!(album.as_array().map(Vec::len), Some(2));
    assert_eq!(album[0]["media_group_id"], album[1]["media_group_id"]);
    assert_eq!(scene.sim.texts(scene.small.private), ["one", "two"]);
    let place =
        json!({"chat_id": scene.small.private, "message_id": album[1]["message_id"], "caption": "second"});
    assert_eq!(judge.call("editMessageCaption", place).await?["caption"], "second");
    let other = json!({"type": "document", "media": file("b.txt", b"text")});
    let place = json!({"chat_id": scene.small.private, "message_id": album[1]["message_id"], "media": other});
    assert_eq!(judge.call("editMessageMedia", place).await?["document"]["file_name"], "b.txt");
    let channel = scene.small.channel;
    let at = json!({"chat_id": channel, "latitude": 1.5, "longitude": -2.5});
    assert_eq!(judge.call("sendLocation", at).await?["location"]["latitude"], 1.5);
    let at =
        json!({"chat_id": channel, "latitude": 1.5, "longitude": -2.5, "title": "Tree", "address": "Forest"});
    assert_eq!(judge.call("sendVenue", at).await?["venue"]["title"], "Tree");
    let contact = json!({"chat_id": channel, "phone_number": "+1", "first_name": "Carol"});
    assert_eq!(judge.call("sendContact", contact).await?["contact"]["first_name"], "Carol");
    let dice = judge.call("sendDice", json!({"chat_id": channel})).await?;
    assert!((1..=6).contains(&dice["dice"]["value"].as_i64().unwrap_or_default()), "{dice}");
    let action = json!({"chat_id": scene.small.private, "action": "typing"});
    assert_eq!(judge.call("sendChatAction", action).await?, true);
    let forward =
        json!({"chat_id": scene.small.group, "from_chat_id": channel, "message_id": dice["message_id"]});
    let forwarded = judge.call("forwardMessage", forward.clone()).await?;
    assert_eq!(forwarded["forward_origin"]["chat"]["id"], json!(channel));
    let copied = judge.call("copyMessage", forward).await?;
    assert!(copied["message_id"].is_number(), "{copied}");
    end(scene, judge, test).await
}

async fn hears_everything(library: Library, test: &str) -> anyhow::Result<()> {
    let Some((scene, mut judge)) = begin(library).await? else { return Ok(()) };
    let (sim, small) = (&scene.sim, scene.small);
    let (alice, bob, chat) = (small.alice, small.bob, small.supergroup);
    judge.ask(&json!({"do": "poll", "allowed": KINDS})).await?;
    for kind in [
        MediaKind::Photo,
        MediaKind::Audio,
        MediaKind::Document,
        MediaKind::Video,
        MediaKind::Animation,
        MediaKind::Voice,
        MediaKind::VideoNote,
        MediaKind::Sticker,
    ] {
        let bytes = FileBytes::Made { size: 70_000, byte: 3 };
        let given = sim.file("f.bin", "application/octet-stream", bytes);
        let sent = sim.person_sends_media(chat, alice, &Media::new(kind, &given).with_caption("look"));
        let heard = judge.update("message").await?;
        let it =
            heard[kind.field()].as_array().and_then(|sizes| sizes.last()).unwrap_or(&heard[kind.field()]);
        assert_eq!(it["file_unique_id"], json!(given), "{heard}");
        let loaded = judge.ask(&json!({"do": "download", "file_id": it["file_id"]})).await?;
        assert_eq!(loaded["sha256"], json!(sim.sha256_of(chat, sent)), "{loaded}");
    }
    let question = sim.person_sends(chat, alice, "question");
    judge.update("message").await?;
    sim.person_reacts((chat, question), bob, "🔥");
    let reaction = judge.update("message_reaction").await?;
    assert_eq!(reaction["new_reaction"][0]["emoji"], "🔥");
    assert_eq!(reaction["user"]["id"], json!(bob));
    sim.person_quotes((chat, question), bob, ("quest", "answer"));
    assert_eq!(judge.update("message").await?["quote"]["text"], "quest");
    sim.person_edits((chat, question), "changed");
    assert_eq!(judge.update("edited_message").await?["text"], "changed");
    sim.person_pins((chat, question), alice);
    assert_eq!(judge.update("message").await?["pinned_message"]["text"], "changed");

    let options = json!([{"text": "yes"}, {"text": "no"}]);
    let poll = json!({"chat_id": chat, "question": "Really?", "options": options, "is_anonymous": false});
    let poll = judge.call("sendPoll", poll).await?;
    assert_eq!(poll["poll"]["options"][1]["text"], "no");
    let id = poll["message_id"].as_i64().expect("it has a number");
    assert!(sim.person_votes((chat, id), alice, &[1]));
    let answer = judge.update("poll_answer").await?;
    assert_eq!((&answer["option_ids"], &answer["user"]["id"]), (&json!([1]), &json!(alice)));
    let stopped = judge.call("stopPoll", json!({"chat_id": chat, "message_id": id})).await?;
    assert_eq!((&stopped["is_closed"], &stopped["options"][1]["voter_count"]), (&json!(true), &json!(1)));

    let post = sim.person_sends(small.channel, alice, "news");
    assert_eq!(judge.update("channel_post").await?["sender_chat"]["title"], "News");
    let copy = judge.update("message").await?;
    assert_eq!(
        (&copy["is_automatic_forward"], &copy["forward_origin"]["message_id"]),
        (&json!(true), &json!(post))
    );
    sim.person_reacts((small.channel, post), bob, "👍");
    assert_eq!(judge.update("message_reaction_count").await?["reactions"][0]["total_count"], 1);
    sim.person_blocks(alice, small.bot);
    assert_eq!(judge.update("my_chat_member").await?["new_chat_member"]["status"], "kicked");
    sim.person_leaves(chat, bob);
    assert_eq!(judge.update("chat_member").await?["new_chat_member"]["status"], "left");
    assert_eq!(judge.update("message").await?["left_chat_member"]["id"], json!(bob));
    sim.person_asks_to_join(chat, bob);
    assert_eq!(judge.update("chat_join_request").await?["from"]["id"], json!(bob));
    let request = json!({"chat_id": chat, "user_id": bob});
    assert_eq!(judge.call("approveChatJoinRequest", request).await?, true);
    end(scene, judge, test).await
}

async fn rules_chats(library: Library, test: &str) -> anyhow::Result<()> {
    let Some((scene, mut judge)) = begin(library).await? else { return Ok(()) };
    let small = scene.small;
    for chat in [small.private, small.group, small.supergroup, small.forum, small.channel] {
        let known = judge.call("getChat", json!({"chat_id": chat})).await?;
        assert_eq!(known["id"], json!(chat), "{known}");
    }
    let chat = small.supergroup;
    let admins = judge.call("getChatAdministrators", json!({"chat_id": chat})).await?;
    let standings: Vec<_> = admins.as_array().into_iter().flatten().map(|it| it["status"].clone()).collect();
    assert_eq!(standings, ["administrator", "creator"]);
    assert_eq!(judge.call("getChatMemberCount", json!({"chat_id": chat})).await?, 3);
    let bob = json!({"chat_id": chat, "user_id": small.bob});
    assert_eq!(judge.call("getChatMember", bob.clone()).await?["status"], "member");
    let restrict =
        json!({"chat_id": chat, "user_id": small.bob, "permissions": {"can_send_messages": false}});
    judge.call("restrictChatMember", restrict).await?;
    assert_eq!(judge.call("getChatMember", bob.clone()).await?["status"], "restricted");
    judge.call("banChatMember", bob.clone()).await?;
    assert_eq!(judge.call("getChatMember", bob.clone()).await?["status"], "kicked");
    judge.call("unbanChatMember", bob.clone()).await?;
    assert_eq!(judge.call("getChatMember", bob).await?["status"], "left");

    let topic = judge.call("createForumTopic", json!({"chat_id": small.forum, "name": "Elms"})).await?;
    let thread = topic["message_thread_id"].clone();
    let topic = json!({"chat_id": small.forum, "message_thread_id": thread});
    let named = json!({"chat_id": small.forum, "message_thread_id": thread, "name": "Ashes"});
    judge.call("editForumTopic", named).await?;
    judge.call("closeForumTopic", topic.clone()).await?;
    judge.call("reopenForumTopic", topic).await?;
    let forum = scene.sim.chat(small.forum).expect("it is there");
    let known = &forum.topics[&thread.as_i64().expect("it is a number")];
    assert_eq!((known.name.as_str(), known.is_closed), ("Ashes", false));

    judge.call("setChatTitle", json!({"chat_id": chat, "title": "Owls"})).await?;
    judge.call("setChatDescription", json!({"chat_id": chat, "description": "of the night"})).await?;
    judge.call("setChatPhoto", json!({"chat_id": chat, "photo": file("p.png", PNG)})).await?;
    let sent = judge.call("sendMessage", json!({"chat_id": chat, "text": "hoo"})).await?;
    judge.call("pinChatMessage", json!({"chat_id": chat, "message_id": sent["message_id"]})).await?;
    let known = judge.call("getChat", json!({"chat_id": chat})).await?;
    assert_eq!((&known["title"], &known["description"]), (&json!("Owls"), &json!("of the night")));
    assert_eq!(known["pinned_message"]["text"], "hoo");
    let loaded = judge.ask(&json!({"do": "download", "file_id": known["photo"]["big_file_id"]})).await?;
    assert_eq!(loaded["size"], json!(PNG.len()), "{loaded}");
    judge.call("unpinChatMessage", json!({"chat_id": chat, "message_id": sent["message_id"]})).await?;
    judge.call("deleteMessages", json!({"chat_id": chat, "message_ids": [sent["message_id"]]})).await?;
    assert!(!scene.sim.texts(chat).contains(&"hoo".to_owned()));
    let commands = json!([{"command": "id", "description": "Tells the number"}]);
    judge.call("setMyCommands", json!({"commands": commands})).await?;
    assert_eq!(judge.call("getMyCommands", json!({})).await?, commands);
    let blue = scene.sim.file("e.tgs", "application/x-tgsticker", FileBytes::Kept(vec![0x1f, 0x8b].into()));
    scene.sim.sticker_set(("birds", "Birds", "custom_emoji"), &[(blue, "🐦")]);
    let set = judge.call("getStickerSet", json!({"name": "birds"})).await?;
    assert_eq!((&set["title"], &set["stickers"][0]["is_animated"]), (&json!("Birds"), &json!(true)));
    let ids = json!({"custom_emoji_ids": [set["stickers"][0]["custom_emoji_id"]]});
    assert_eq!(judge.call("getCustomEmojiStickers", ids).await?[0]["emoji"], "🐦");
    judge.call("leaveChat", json!({"chat_id": small.group})).await?;
    let gone = judge.call_fails("sendMessage", json!({"chat_id": small.group, "text": "hi"})).await?;
    assert!(gone["message"].to_string().contains("bot is not a member of the group chat"), "{gone}");
    end(scene, judge, test).await
}

async fn takes_a_webhook(library: Library, test: &str) -> anyhow::Result<()> {
    let Some((scene, mut judge)) = begin(library).await? else { return Ok(()) };
    let (sim, alice) = (&scene.sim, scene.small.alice);
    let set = json!({"do": "webhook", "secret": "not-a-secret", "connections": 1, "allowed": KINDS});
    assert_eq!(judge.ask(&set).await?.get("error"), None);
    for text in ["one", "two", "three"] {
        sim.person_sends(scene.small.private, alice, text);
    }
    for text in ["one", "two", "three"] {
        assert_eq!(judge.update("message").await?["text"], text);
    }
    sim.wait_until_confirmed(scene.small.bot).await?;
    let info = judge.call("getWebhookInfo", json!({})).await?;
    assert_eq!((&info["max_connections"], &info["pending_update_count"]), (&json!(1), &json!(0)));
    assert!(scene.refused("getUpdates", json!({})).await.contains("while webhook is active"));
    judge.ask(&json!({"do": "unpoll"})).await?;
    assert_eq!(judge.call("getWebhookInfo", json!({})).await?["url"], "");
    end(scene, judge, test).await
}
