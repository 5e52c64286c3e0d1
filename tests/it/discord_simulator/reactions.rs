//! Reactions, stickers, forwards and late previews, as Discord has them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, answer};

#[tokio::test]
async fn reactions_are_put_shown_and_refused_as_on_discord() {
    let (mut world, small) = magpie_tests::discord::World::small();
    let own = world.emoji(small.guild, "wave");
    let scene = Scene::of(world, small).await;
    let general = small.general;
    let message = scene.sim.person_sends(general, small.alice, "hi");
    let path = format!("/channels/{general}/messages/{message}/reactions");
    let thumb = "%F0%9F%91%8D";
    for (method, below, status, code) in [
        (Method::PUT, format!("{thumb}/@me"), 204, 0),
        (Method::PUT, format!("{thumb}/@me"), 204, 0),
        (Method::PUT, format!("wave:{own}/@me"), 204, 0),
        (Method::PUT, "word/@me".to_owned(), 400, 10_014),
        (Method::PUT, "wave:1/@me".to_owned(), 400, 10_014),
        (Method::DELETE, format!("wave:{own}/@me"), 204, 0),
        (Method::DELETE, format!("wave:{own}/@me"), 204, 0),
    ] {
        let (got, said) = answer(scene.request(method, &format!("{path}/{below}"))).await;
        assert_eq!((got.as_u16(), said["code"].as_u64().unwrap_or(0)), (status, code), "{below}");
    }
    scene.sim.person_reacts((general, message), small.bob, "👍");
    scene.sim.person_reacts((general, message), small.alice, &format!("wave:{own}"));
    let (_, shown) = scene.get(&format!("/channels/{general}/messages/{message}")).await;
    let counts: Vec<_> = shown["reactions"].as_array().into_iter().flatten().map(|it| &it["count"]).collect();
    assert_eq!(counts, [2, 1]);
    assert_eq!(shown["reactions"][0]["me"], true);
    let (_, users) = scene.get(&format!("{path}/{thumb}")).await;
    assert_eq!(users.as_array().map(Vec::len), Some(2));
    for nth in 0_u32..18 {
        let emoji = char::from_u32(0x1f600 + nth).expect("an emoji").to_string();
        scene.sim.person_reacts((general, message), small.bob, &emoji);
    }
    let (_, full) = answer(scene.request(Method::PUT, &format!("{path}/%F0%9F%8E%89/@me"))).await;
    assert_eq!(full["code"], 30_010);
    let (status, _) = answer(scene.request(Method::DELETE, &path)).await;
    assert_eq!(status.as_u16(), 204);
    assert!(scene.sim.message(general, message).is_some_and(|it| it.reactions.is_empty()));
    scene.should_be_honest("reactions_are_put_shown_and_refused_as_on_discord");
}

#[tokio::test]
async fn what_people_send_besides_words_is_as_described() {
    let scene = Scene::new().await;
    let small = scene.small;
    let said = scene.sim.person_sends(small.general, small.alice, "https://example.org");
    let embed = json!({"type": "rich", "title": "Example", "description": "A page."});
    scene.sim.preview_arrives((small.general, said), vec![embed]);
    scene.sim.person_forwards((small.general, said), small.bob, small.general);
    scene.sim.person_sends_sticker(small.general, small.bob, "hello", 1);
    let (status, all) = scene.get(&format!("/channels/{}/messages", small.general)).await;
    assert_eq!(status.as_u16(), 200);
    assert_eq!(all[2]["edited_timestamp"], Value::Null);
    assert_eq!(all[1]["message_snapshots"][0]["message"]["content"], "https://example.org");
    assert_eq!(all[0]["sticker_items"][0]["name"], "hello");
    scene.should_be_honest("what_people_send_besides_words_is_as_described");
}
