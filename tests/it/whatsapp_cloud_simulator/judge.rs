//! pywa 4.5.0 must work against the simulator as against Meta's servers, in both directions.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_cloud::{Forgery, Post, SentFile, Status, judge::Judge},
};
use serde_json::{Value, json};

use super::{HOUR_MS, Scene};

/// A scene and a judge that listens; none where pywa is not installed.
async fn start() -> anyhow::Result<Option<(Scene, Judge)>> {
    let Some(installed) = need(Component::Judge("whatsapp_cloud")) else { return Ok(None) };
    let scene = Scene::new().await;
    let judge = Judge::start(&scene.sim, scene.small.number, &installed).await?;
    scene.sim.subscribe(&judge.address).await.map_err(anyhow::Error::msg)?;
    Ok(Some((scene, judge)))
}

impl Scene {
    /// Lets pywa send to Alice. Gives the id of the message.
    async fn judge_sends(&self, judge: &mut Judge, kind: &str, fields: Value) -> anyhow::Result<String> {
        let mut command = json!({"do": "send", "kind": kind, "to": "16505551234"});
        let all = command.as_object_mut().expect("it is one");
        all.extend(fields.as_object().expect("it is one").clone());
        let done = judge.ask(&command).await?;
        anyhow::ensure!(done["id"].is_string(), "{kind} was not sent: {done}");
        Ok(done["id"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_pywa_sends_every_kind() -> anyhow::Result<()> {
    let Some((scene, mut judge)) = start().await? else { return Ok(()) };
    let (sim, alice) = (&scene.sim, scene.alice());
    let hello = sim.person_says(alice, "Hello");
    judge.expect("message").await?;
    let up = |mime: &str, name: &str| json!({"do": "upload", "bytes": "00ff", "mime_type": mime, "filename": name});
    for (kind, mime, name, fields) in [
        ("image", "image/png", "a.png", json!({"caption": "A bird"})),
        ("video", "video/mp4", "a.mp4", json!({"caption": "A flight"})),
        ("audio", "audio/mpeg", "a.mp3", json!({})),
        ("voice", "audio/ogg", "a.ogg", json!({})),
        ("document", "application/pdf", "a.pdf", json!({"filename": "birds.pdf", "caption": "A book"})),
        ("sticker", "image/webp", "a.webp", json!({})),
    ] {
        let id = judge.ask(&up(mime, name)).await?["id"].clone();
        let mut fields = fields;
        fields[kind] = id.clone();
        let sent = scene.judge_sends(&mut judge, kind, fields).await?;
        let content = sim.message(&sent).expect("it was sent").content;
        assert_eq!(content["id"], id, "{kind}");
        assert_eq!(content["voice"], if kind == "voice" { json!(true) } else { Value::Null }, "{kind}");
    }
    let reply = scene
        .judge_sends(
            &mut judge,
            "text",
            json!({"text": "Hello Alice", "reply_to_message_id": hello, "tracker": "outbox-1"}),
        )
        .await?;
    let kept = sim.message(&reply).expect("it was sent");
    assert_eq!(
        (kept.replies_to.as_deref(), kept.opaque.as_deref()),
        (Some(hello.as_str()), Some("outbox-1"))
    );
    scene
        .judge_sends(
            &mut judge,
            "location",
            json!({"latitude": 37.5, "longitude": -122.5, "name": "HQ", "address": "1 Way"}),
        )
        .await?;
    scene.judge_sends(&mut judge, "contact", json!({"contact": "Carol"})).await?;
    scene.judge_sends(&mut judge, "reaction", json!({"message_id": hello, "emoji": "👍"})).await?;
    let reaction = || sim.message(&hello).expect("it is there").business_reaction;
    assert_eq!(reaction().as_deref(), Some("👍"));
    judge.ask(&json!({"do": "unreact", "to": "16505551234", "message_id": hello})).await?;
    assert_eq!(reaction(), None);
    scene.judge_sends(&mut judge, "template", json!({"name": "hello_world", "language": "en_US"})).await?;
    let kinds: Vec<String> = sim.sent().into_iter().map(|message| message.kind).collect();
    let wanted = [
        "image", "video", "audio", "audio", "document", "sticker", "text", "location", "contacts",
        "reaction", "reaction", "template",
    ];
    assert_eq!(kinds, wanted);
    sim.wait_for_webhooks().await?;
    judge.stop().await?;
    scene.should_be_honest("real_pywa_sends_every_kind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_pywa_reads_every_webhook() -> anyhow::Result<()> {
    let Some((scene, mut judge)) = start().await? else { return Ok(()) };
    let (sim, alice) = (&scene.sim, scene.alice());
    let hello = sim.person_says(alice, "Hello");
    let heard = judge.expect("message").await?;
    let user_id = sim.person(scene.small.alice).expect("she is there").user_id;
    assert_eq!(
        (&heard["id"], &heard["text"], &heard["at"]),
        (&json!(hello), &json!("Hello"), &json!(super::START_MS / 1000))
    );
    assert_eq!(
        heard["user"],
        json!({"wa_id": "16505551234", "user_id": user_id, "name": "Alice", "username": null})
    );
    for file in [
        SentFile::new("image", "image/jpeg", b"a photo").caption("Look"),
        SentFile::new("video", "video/mp4", b"a film"),
        SentFile::voice(b"a voice"),
        SentFile::new("audio", "audio/mpeg", b"a song"),
        SentFile::new("document", "application/pdf", b"a page").filename("page.pdf"),
        SentFile::new("sticker", "image/webp", b"a sticker"),
    ] {
        sim.person_sends_file(alice, file.clone());
        let heard = judge.expect("message").await?;
        let hex: String = file.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&heard["type"], &heard["media"]["bytes"]), (&json!(file.kind), &json!(hex)), "{heard}");
        assert_eq!(
            (&heard["caption"], &heard["media"]["filename"]),
            (&file.facts["caption"], &file.facts["filename"])
        );
        assert_eq!(
            heard["media"]["voice"],
            if file.kind == "audio" { file.facts["voice"].clone() } else { Value::Null }
        );
    }
    sim.person_replies(alice, &hello, "And?");
    assert_eq!(judge.expect("message").await?["reply"], json!(hello));
    sim.person_shares_location(alice, json!({"latitude": 37.5, "longitude": -122.5, "name": "HQ"}));
    assert_eq!(judge.expect("message").await?["place"], json!([37.5, -122.5, "HQ"]));
    sim.person_shares_contacts(alice, json!([{"name": {"formatted_name": "Carol", "first_name": "Carol"}, "phones": [{"phone": "+1 650"}]}]));
    assert_eq!(judge.expect("message").await?["contacts"], json!(["Carol"]));
    sim.person_reacts(alice, &hello, "👍");
    assert_eq!(judge.expect("message").await?["reaction"], json!({"emoji": "👍", "to": hello}));
    sim.person_unreacts(alice, &hello);
    assert_eq!(judge.expect("message").await?["reaction"]["emoji"], Value::Null);
    sim.person_forwards(alice, "Everybody says", 9);
    assert_eq!(judge.expect("message").await?["forwarded"], json!([true, true]));
    sim.person_sends_unsupported(alice);
    assert_eq!(judge.expect("message").await?["error"], 131_051);
    sim.person_edits(alice, &hello, "Hallo");
    assert_eq!(judge.expect("edit").await?, json!({"event": "edit", "original": hello, "text": "Hallo"}));
    sim.person_deletes(alice, &hello);
    assert_eq!(judge.expect("delete").await?["original"], json!(hello));
    sim.owner_says(alice, "From my phone");
    assert_eq!(judge.expect("echo").await?["text"], "From my phone");
    sim.person_takes_username(scene.small.alice, "alice.w");
    sim.person_says(alice, "Who am I?");
    let hidden = json!({"wa_id": null, "user_id": user_id, "name": "Alice", "username": "alice.w"});
    assert_eq!(judge.expect("message").await?["user"], hidden);
    sim.person_says(scene.small.with_bob(), "I move");
    judge.expect("message").await?;
    sim.person_changes_number(scene.small.bob, "12195555358");
    let moved = judge.expect("number").await?;
    assert_eq!((&moved["old"], &moved["new"]), (&json!("16505551235"), &json!("12195555358")));
    sim.wait_for_webhooks().await?;
    let rest = judge.stop().await?;
    assert_eq!(rest, Vec::<Value>::new(), "nothing is left unread");
    scene.should_be_honest("real_pywa_reads_every_webhook");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_pywa_follows_choices_and_statuses() -> anyhow::Result<()> {
    let Some((scene, mut judge)) = start().await? else { return Ok(()) };
    let (sim, alice) = (&scene.sim, scene.alice());
    let hello = sim.person_says(alice, "Hello");
    let choice =
        json!({"text": "Which?", "buttons": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}]});
    let asked = scene.judge_sends(&mut judge, "text", choice).await?;
    sim.person_presses(alice, &asked, "no")?;
    let pressed = judge.expect("button").await?;
    assert_eq!(
        (&pressed["data"], &pressed["title"], &pressed["reply"]),
        (&json!("no"), &json!("No"), &json!(asked))
    );
    let rows = json!({"text": "Which?", "rows": [{"id": "a", "title": "A", "description": "The first"}, {"id": "b", "title": "B"}]});
    let asked = scene.judge_sends(&mut judge, "text", rows).await?;
    sim.person_picks(alice, &asked, "a")?;
    let picked = judge.expect("row").await?;
    assert_eq!(
        (&picked["data"], &picked["description"], &picked["reply"]),
        (&json!("a"), &json!("The first"), &json!(asked))
    );
    sim.wait_for_webhooks().await?;
    let steps = [
        judge.expect("status").await?,
        judge.expect("status").await?,
        judge.expect("status").await?,
        judge.expect("status").await?,
    ];
    assert!(steps.iter().all(|step| step["status"] == "sent" || step["status"] == "delivered"), "{steps:?}");
    let tracked = scene.judge_sends(&mut judge, "text", json!({"text": "x", "tracker": "outbox-2"})).await?;
    sim.person_reads(alice);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let status = judge.expect("status").await?;
        if status["id"] == json!(tracked) {
            assert_eq!(status["tracker"], "outbox-2");
            seen.push(status["status"].clone());
        }
    }
    assert_eq!(seen, [json!("sent"), json!("delivered"), json!("read")]);
    assert_eq!(judge.ask(&json!({"do": "read", "message_id": hello})).await?["success"], true);
    assert_eq!(judge.ask(&json!({"do": "type", "message_id": hello})).await?["success"], true);
    assert!(sim.sees_typing(alice) && sim.message(&hello).expect("it is there").is_marked_read);
    // pywa reads failures only with the contacts that Meta leaves out.
    sim.names_contacts_of_failures(true);
    sim.advance_ms(24 * HOUR_MS);
    let late = scene.judge_sends(&mut judge, "text", json!({"text": "Too late"})).await?;
    assert_eq!(sim.message(&late).expect("it is there").statuses, [Status::Failed]);
    loop {
        let status = judge.expect("status").await?;
        if status["id"] == json!(late) {
            assert_eq!((&status["status"], &status["error"]), (&json!("failed"), &json!(131_047)));
            break;
        }
    }
    sim.wait_for_webhooks().await?;
    judge.stop().await?;
    scene.should_be_honest("real_pywa_follows_choices_and_statuses");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn real_pywa_moves_files_and_knows_the_errors() -> anyhow::Result<()> {
    let Some((scene, mut judge)) = start().await? else { return Ok(()) };
    let sim = &scene.sim;
    let up = json!({"do": "upload", "bytes": "00ff10", "mime_type": "image/png", "filename": "a.png"});
    let id = judge.ask(&up).await?["id"].clone();
    let down = judge.ask(&json!({"do": "download", "id": id})).await?;
    assert_eq!(
        (&down["bytes"], &down["mime"], &down["size"]),
        (&json!("00ff10"), &json!("image/png"), &json!(3))
    );
    assert_eq!(judge.ask(&json!({"do": "delete", "id": id})).await?["success"], true);
    assert_eq!(judge.ask(&json!({"do": "download", "id": id})).await?["error"], 100);
    assert_eq!(judge.ask(&json!({"do": "templates"})).await?["names"], json!(["hello_world"]));
    assert_eq!(judge.ask(&json!({"do": "number"})).await?["name"], "Birds Ltd");
    assert_eq!(judge.ask(&json!({"do": "profile"})).await?["about"], "Birds of all kinds");
    let redirect = |token: &str| json!({"do": "redirect", "override_callback_uri": judge_address(&judge), "verify_token": token});
    let (wrong, right) = (redirect("wrong"), redirect(&sim.secrets().verify_token));
    assert_eq!(judge.ask(&wrong).await?["error"], 2200);
    let refused = judge.expect("refused").await?;
    assert!(refused["words"].as_str().is_some_and(|words| words.contains("verify token")), "{refused}");
    assert_eq!(judge.ask(&right).await?["success"], true);
    let body = json!({"object": "whatsapp_business_account", "entry": []}).to_string();
    for (forgery, wanted) in
        [(Forgery::Unsigned, 401), (Forgery::OtherSecret, 403), (Forgery::OtherBody, 403)]
    {
        let status = sim.forges_webhook(&judge.address, body.as_bytes(), forgery).await?;
        assert_eq!(status, wanted, "{forgery:?}");
        judge.expect("refused").await?;
    }
    sim.person_posts(scene.alice(), Post::new("hologram", Value::Null));
    assert_eq!(judge.expect("message").await?["type"], "unknown");
    let template = json!({"do": "send", "kind": "template", "to": "16505551234", "name": "hello_world", "language": "en_US", "params": ["x"]});
    assert_eq!(judge.ask(&template).await?["name"], "TemplateParamCountMismatch");
    sim.revoke_token();
    let text = json!({"do": "send", "kind": "text", "to": "16505551234", "text": "x"});
    assert_eq!(judge.ask(&text).await?["name"], "ExpiredAccessToken");
    judge.stop().await?;
    scene.should_be_honest("real_pywa_moves_files_and_knows_the_errors");
    Ok(())
}

fn judge_address(judge: &Judge) -> &str {
    &judge.address
}
