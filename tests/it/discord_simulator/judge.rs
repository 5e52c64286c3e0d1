//! discord.js 14.28.1 must work against the simulator as against Discord.

use magpie_tests::discord::judge::Judge;
use serde_json::{Value, json};

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_logs_in_receives_and_sends() -> anyhow::Result<()> {
    let scene = Scene::new().await;
    let (sim, general, alice) = (&scene.sim, scene.small.general, scene.small.alice);
    let mut judge = Judge::start(sim)?;
    let ready = judge.expect("ready").await?;
    assert_eq!(ready["user"], json!(sim.bot()));
    assert_eq!(ready["guilds"][0]["name"], "Birds");
    assert_eq!(ready["guilds"][0]["members"], 4);

    let hello = sim.person_sends(general, alice, &format!("Hello <@{}>", sim.bot()));
    let heard = judge.expect("create").await?;
    assert_eq!(heard["id"], json!(hello));
    assert_eq!(heard["shown"], "Alice");
    assert_eq!(heard["pings"], json!([sim.bot()]));
    assert_eq!(heard["created"], json!(hello.created_ms()));

    let sent =
        judge.ask(&json!({"do": "send", "channel": general, "options": {"content": "Good day"}})).await?;
    let reply =
        json!({"do": "reply", "channel": general, "message": hello, "options": {"content": "Hello Alice"}});
    let replied = judge.ask(&reply).await?;
    assert_eq!(replied["reply"], json!(hello));
    assert_eq!(replied["pings"], json!([alice]), "discord.js pings by default");
    let edit = json!({"do": "edit", "channel": general, "message": sent["id"], "options": {"content": "Good night"}});
    assert_eq!(judge.ask(&edit).await?["edited"], true);
    judge.ask(&json!({"do": "delete", "channel": general, "message": replied["id"]})).await?;
    let texts: Vec<String> = sim.messages(general).into_iter().map(|message| message.content).collect();
    assert_eq!(texts, [format!("Hello <@{}>", sim.bot()), "Good night".to_owned()]);

    sim.person_edits(general, hello, "Hello again");
    let updates = [judge.expect("update").await?, judge.expect("update").await?];
    assert!(updates.iter().any(|update| update["content"] == "Hello again"), "{updates:?}");
    sim.person_types(general, alice);
    assert_eq!(judge.expect("typing").await?["user"], json!(alice));
    let page = judge.ask(&json!({"do": "history", "channel": general, "options": {"limit": 1}})).await?;
    assert_eq!(page["messages"][0]["content"], "Good night");
    let members = judge.ask(&json!({"do": "members", "guild": scene.small.guild})).await?;
    assert!(members["names"].as_array().is_some_and(|names| names.contains(&json!("Bobby"))), "{members}");
    judge.stop().await?;
    scene.should_be_honest("discord_js_logs_in_receives_and_sends");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_uses_webhooks() -> anyhow::Result<()> {
    let scene = Scene::new().await;
    let (sim, general) = (&scene.sim, scene.small.general);
    let mut judge = Judge::start(sim)?;
    judge.expect("ready").await?;
    let hook = judge.ask(&json!({"do": "makeWebhook", "channel": general, "name": "Magpie"})).await?;
    assert_eq!(judge.expect("webhooks").await?["channel"], json!(general));
    let with_hook = |deed: &str, fields: Value| {
        let mut command = json!({"do": deed, "id": hook["id"], "token": hook["token"]});
        command
            .as_object_mut()
            .expect("it is an object")
            .extend(fields.as_object().expect("it is one too").clone());
        command
    };
    let options =
        json!({"content": "From Matrix", "username": "Carol", "avatarURL": "https://example.org/carol.png"});
    let sent = judge.ask(&with_hook("webhookSend", json!({"options": options}))).await?;
    assert_eq!(sent["name"], "Carol");
    let heard = judge.expect("create").await?;
    assert_eq!((&heard["webhook"], &heard["name"]), (&hook["id"], &json!("Carol")));
    let edit = with_hook("webhookEdit", json!({"message": sent["id"], "options": {"content": "From afar"}}));
    assert_eq!(judge.ask(&edit).await?["content"], "From afar");
    judge.ask(&with_hook("webhookDelete", json!({"message": sent["id"]}))).await?;
    assert_eq!(judge.expect("delete").await?["id"], sent["id"]);
    let hooks = judge.ask(&json!({"do": "webhooks", "channel": general})).await?;
    assert_eq!(hooks["webhooks"], json!([{"id": hook["id"], "name": "Magpie", "token": hook["token"]}]));
    judge.stop().await?;
    scene.should_be_honest("discord_js_uses_webhooks");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_finds_people_and_writes_to_them() -> anyhow::Result<()> {
    let scene = Scene::new().await;
    let (guild, bob) = (scene.small.guild, scene.small.bob);
    let mut judge = Judge::start(&scene.sim)?;
    judge.expect("ready").await?;
    let found = judge.ask(&json!({"do": "search", "guild": guild, "query": "bo"})).await?;
    assert_eq!(found["users"], json!([bob]));
    let said = judge.ask(&json!({"do": "direct", "user": bob, "options": "psst"})).await?;
    assert_eq!(said["recipient"], json!(bob));
    let channel = said["channel"].as_str().and_then(|id| id.parse().ok()).expect("it is an id");
    let stands = scene.sim.messages(channel);
    assert_eq!(stands.iter().map(|message| &*message.content).collect::<Vec<_>>(), ["psst"]);
    judge.stop().await?;
    scene.should_be_honest("discord_js_finds_people_and_writes_to_them");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_resumes_without_missing_a_message() -> anyhow::Result<()> {
    let scene = Scene::new().await;
    let (sim, general, alice) = (&scene.sim, scene.small.general, scene.small.alice);
    let mut judge = Judge::start(sim)?;
    judge.expect("ready").await?;
    for trouble in ["cut", "reconnect", "close"] {
        let starts = sim.gateway_starts();
        match trouble {
            "cut" => sim.gateway_cut(),
            "reconnect" => sim.gateway_reconnect(),
            _ => sim.gateway_close(4000),
        }
        sim.person_sends(general, alice, trouble);
        sim.wait_for_gateway_start(starts).await?;
        judge.expect("resumed").await?;
        assert_eq!(judge.expect("create").await?["content"], trouble);
        assert_eq!(sim.gateway_starts(), (1, starts.1 + 1), "{trouble}");
    }
    judge.stop().await?;
    scene.should_be_honest("discord_js_resumes_without_missing_a_message");
    Ok(())
}
