//! What reaches many at once, and who may come in: communities, newsletters, requests to join.

use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        content::text,
        groups::{Addressing, Switch},
    },
};
use serde_json::{Value, json};

use super::Scene;

/// Subject, parent and whether it is a community or the announcements of one, of each group that a person sees.
fn places(groups: &Value) -> Vec<(Value, Value, Value, Value)> {
    let place = |group: &Value| {
        let part = |name: &str| group[name].clone();
        (part("subject"), part("linkedParent"), part("isCommunity"), part("isCommunityAnnounce"))
    };
    groups.as_object().into_iter().flatten().map(|(_, group)| place(group)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_communities_hold_groups() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices, bobs) = (&scene.alices, &scene.bobs);
    let town = alices.tell("createCommunity", json!({"subject": "Town", "about": "All of us."})).await?["id"]
        .clone();
    let fields = json!({"subject": "Street", "members": [scene.bob.lid], "community": town});
    alices.tell("createInCommunity", fields).await?;
    let seen = places(&bobs.tell("groups", json!({})).await?);
    for wanted in [
        (json!("Town"), Value::Null, json!(true), json!(false)),
        (json!("Town"), town.clone(), json!(false), json!(true)),
        (json!("Street"), town.clone(), json!(false), json!(false)),
    ] {
        assert!(seen.contains(&wanted), "{wanted:?} is not in {seen:?}");
    }
    let linked = alices.tell("linkedGroups", json!({"community": town})).await?;
    assert_eq!(linked["linkedGroups"].as_array().map(Vec::len), Some(2));

    let city = scene.alice.create_community("City", &[&scene.bob]).await?;
    let news = scene.sim.announcements_of(&city).await?;
    let said = scene.alice.send(&news, text("Market day.")).await?;
    assert_eq!(bobs.expect_message(&said).await?["chat"], json!(news));
    let square = scene.alice.create_group("Square", &[&scene.bob], Addressing::Lid).await?;
    scene.alice.link_group(&city, &square).await?;
    assert_eq!(bobs.tell("group", json!({"group": square})).await?["linkedParent"], json!(city));
    scene.alice.unlink_group(&city, &square).await?;
    assert_eq!(bobs.tell("group", json!({"group": square})).await?.get("linkedParent"), None);
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_newsletters_are_followed() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices, bobs) = (&scene.alices, &scene.bobs);
    let made = alices.tell("createChannel", json!({"name": "News", "about": "Daily."})).await?;
    let news = made["id"].as_str().unwrap_or_default();
    assert_eq!(bobs.tell("follow", json!({"jid": news})).await?["thread_metadata"]["name"]["text"], "News");
    let said = alices.say(news, "It rains.").await?;
    assert_eq!(bobs.expect_message(&said).await?["text"], "It rains.");
    let refused = bobs.say(news, "It does not.").await?;
    bobs.expect("status", |event| event["id"] == refused.as_str() && event["status"] == "ERROR").await?;
    let thumbed = scene.alice.publish(news, text("It rains still.")).await?;
    assert_eq!(bobs.expect_message(&thumbed).await?["text"], "It rains still.");
    bobs.tell("reactInChannel", json!({"jid": news, "serverId": "100", "reaction": "☔"})).await?;
    scene.sim.expect("delivered", |event| event["type"] == "newsletter").await?;
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_admins_let_people_in() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let scene = Scene::new().await?;
    let (alices, bobs, bob) = (&scene.alices, &scene.bobs, &scene.bob.lid);
    let group = scene.alice.create_group("Club", &[], Addressing::Lid).await?;
    scene.alice.set_switch(&group, Switch::Approval(true)).await?;
    let code = scene.sim.group(&group).await?.code;
    for verdict in ["reject", "approve"] {
        bobs.tell("join", json!({"code": code})).await?;
        let asked = alices.expect("join-request", |event| event["action"] == "created").await?;
        assert_eq!((&asked["participant"], &asked["method"]), (&json!(bob), &json!("invite_link")));
        let waiting = alices.tell("requests", json!({"group": group})).await?;
        assert_eq!(waiting[0]["jid"], json!(bob));
        assert_eq!(scene.sim.group(&group).await?.members.len(), 1);
        alices.tell("decide", json!({"group": group, "members": [bob], "action": verdict})).await?;
    }
    bobs.expect("members", |event| event["id"] == group.as_str() && event["action"] == "add").await?;
    scene.end().await
}
