//! Groups: made, talked in, changed by clients and by phones; and what goes to many: the status.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        Person,
        content::text,
        groups::{Addressing, Membership, Switch},
    },
};
use serde_json::{Value, json};

use super::{ALICE, BOB, CAROL, Scene};

fn is_change<'a>(group: &'a str, name: &'a str, value: Value) -> impl Fn(&Value) -> bool + 'a {
    move |event| event["id"] == group && event[name] == value
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_group_grows_and_talks() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices, bobs) = (&scene.alices, &scene.bobs);
    let made = alices.tell("createGroup", json!({"subject": "Choir", "members": [scene.bob.lid]})).await?;
    let group = made["id"].as_str().unwrap_or_default();
    bobs.expect("group", |event| event["id"] == group && event["subject"] == "Choir").await?;
    let said = alices.say(group, "Welcome.").await?;
    let heard = bobs.expect_message(&said).await?;
    assert_eq!((&heard["text"], &heard["chat"]), (&json!("Welcome."), &json!(group)));
    assert_eq!(
        (&heard["participant"], &heard["participantAlt"]),
        (&json!(scene.alice.lid), &json!(scene.alice.jid))
    );
    let thumbed = scene.bob.send(group, text("From Bob's phone.")).await?;
    assert_eq!(alices.expect_message(&thumbed).await?["text"], "From Bob's phone.");

    let carol = scene.sim.account(CAROL, "Carol").await?;
    let carols = Person::linked(&scene.sim, &carol).await?;
    let add = json!({"group": group, "members": [carol.lid], "action": "add"});
    assert_eq!(alices.tell("member", add.clone()).await?[0]["status"], "200");
    bobs.expect("members", |event| event["id"] == group && event["action"] == "add").await?;
    let said = bobs.say(group, "Hello, Carol.").await?;
    assert_eq!(carols.expect_message(&said).await?["text"], "Hello, Carol.");
    assert_eq!(alices.expect_message(&said).await?["text"], "Hello, Carol.");
    let said = carols.say(group, "Hello, all.").await?;
    assert_eq!(bobs.expect_message(&said).await?["text"], "Hello, all.");
    bobs.react(group, &said, "👋").await?;
    let reaction = carols.expect("reaction", |event| event["id"] == said.as_str()).await?;
    assert_eq!(reaction["participant"], scene.bob.lid);
    bobs.read(&[&said]).await?;
    let read =
        carols.expect("receipt", |event| event["id"] == said.as_str() && event["kind"] == "read").await?;
    assert_eq!(read["by"], scene.bob.lid);

    carols.tell("leaveGroup", json!({"group": group})).await?;
    bobs.expect("members", |event| event["id"] == group && event["action"] == "remove").await?;
    let code = alices.tell("inviteCode", json!({"group": group})).await?;
    carols.tell("join", json!({"code": code})).await?;
    bobs.expect("members", |event| event["id"] == group && event["action"] == "add").await?;
    scene.alice.change_members(group, Membership::Remove, &[&carol]).await?;
    carols.expect("members", |event| event["id"] == group && event["action"] == "remove").await?;
    carols.say(group, "Still there?").await.expect_err("she is out");
    scene.sim.account_with(CAROL, json!({"groupadd": "none"})).await?;
    assert_eq!(alices.tell("member", add).await?[0]["status"], "403");
    let members = [(ALICE.to_owned(), "superadmin".to_owned()), (BOB.to_owned(), String::new())];
    assert_eq!(scene.sim.group(group).await?.members, members);
    carols.stop().await?;
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_group_settings_are_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alice, alices, bobs) = (&scene.alice, &scene.alices, &scene.bobs);
    let group = alice.create_group("Band", &[&scene.bob], Addressing::Number).await?;
    bobs.expect("group", |event| event["id"] == group.as_str()).await?;
    alices.expect("group", |event| event["id"] == group.as_str()).await?;
    let said = bobs.say(&group, "By number.").await?;
    assert_eq!(alices.expect_message(&said).await?["participant"], scene.bob.jid);

    alice.set_subject(&group, "Big band").await?;
    bobs.expect("group-change", is_change(&group, "subject", json!("Big band"))).await?;
    alice.set_description(&group, "D1", Some("Tuesdays.")).await?;
    bobs.expect("group-change", is_change(&group, "desc", json!("Tuesdays."))).await?;
    alice.set_switch(&group, Switch::Announce(true)).await?;
    bobs.expect("group-change", is_change(&group, "announce", json!(true))).await?;
    alice.set_switch(&group, Switch::Locked(true)).await?;
    bobs.expect("group-change", is_change(&group, "restrict", json!(true))).await?;
    let refused = bobs.tell("subject", json!({"group": group, "subject": "Mine"})).await;
    assert!(refused.expect_err("only admins may").to_string().contains("forbidden"));
    alice.change_members(&group, Membership::Promote, &[&scene.bob]).await?;
    bobs.expect("members", |event| event["action"] == "promote").await?;
    bobs.tell("subject", json!({"group": group, "subject": "Mine"})).await?;
    alices.expect("group-change", is_change(&group, "subject", json!("Mine"))).await?;
    alice.set_switch(&group, Switch::Timer(604_800)).await?;
    let timer = "/message/protocolMessage/ephemeralExpiration";
    bobs.expect("message", |event| event.pointer(timer) == Some(&json!(604_800))).await?;
    alice.set_group_picture(&group, Some(b"jpeg")).await?;
    let state = scene.sim.group(&group).await?;
    assert_eq!((state.subject.as_str(), state.description.as_deref()), ("Mine", Some("Tuesdays.")));
    assert_eq!((state.flags, state.timer), (vec!["announcement".to_owned(), "locked".to_owned()], 604_800));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_status_reaches_its_audience() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let everybody = "status@broadcast";
    let fields = json!({"to": everybody, "content": {"text": "On holiday."}, "options": {"statusJidList": [scene.bob.lid]}});
    let sent = scene.alices.tell("send", fields).await?;
    let heard = scene.bobs.expect_message(sent["id"].as_str().unwrap_or_default()).await?;
    assert_eq!((&heard["text"], &heard["participant"]), (&json!("On holiday."), &json!(scene.alice.lid)));
    for words in ["Home again.", "Work again."] {
        let options = json!({"audience": [ALICE]});
        let id = scene.bob.send_with(everybody, text(words), options).await?;
        assert_eq!(scene.alices.expect_message(&id).await?["text"], words);
    }
    scene.end().await
}
