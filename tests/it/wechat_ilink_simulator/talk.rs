//! Messages both ways, cursors, contexts, quotas, typing; and that mistakes are found.

use magpie_common::clock::Clock;
use magpie_tests::wechat_ilink::{Order, Post, Quote, StaleIn, World};
use serde_json::json;

use super::{Scene, answer, app, text};

#[tokio::test]
async fn messages_come_after_the_cursor_and_go_with_their_context() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    let (hello, again) = (scene.sim.person_says(bot, "hello"), scene.sim.person_says(bot, "again"));
    let got = scene.receive(bot, "").await;
    assert_eq!(got["msgs"][0]["message_id"], json!(hello));
    assert!(hello > u64::try_from(i64::MAX).expect("it is positive"), "ids have all 64 bits");
    assert_eq!(
        (&got["msgs"][1]["message_id"], &got["longpolling_timeout_ms"]),
        (&json!(again), &json!(35_000))
    );
    let cursor = got["get_updates_buf"].as_str().expect("there is a cursor");
    scene.sim.person_quotes(bot, &Quote::ById(hello), "that one");
    let later = scene.receive(bot, cursor).await;
    assert_eq!(later["msgs"].as_array().map(Vec::len), Some(1));
    assert_eq!(later["msgs"][0]["item_list"][0]["ref_msg"], json!({"svr_id": hello}));
    // Whoever asked for what comes after something does not get that again.
    assert_eq!(scene.receive(bot, "").await["msgs"].as_array().map(Vec::len), Some(1));

    let context = &later["msgs"][0]["context_token"];
    let sent = scene.say(bot, context, text("good day")).await;
    let all = scene.sim.sent(bot);
    let [only] = &all[..] else { panic!("one was sent") };
    assert_eq!((sent["message_id"].as_u64(), only.text()), (Some(only.id), "good day"));
    assert_eq!(scene.say(bot, &json!("another"), text("lost")).await["ret"], -2);
    scene.should_be_right();
}

#[tokio::test]
async fn a_quota_and_a_day_are_kept() {
    let (_, small) = World::small();
    let mut world = World::on_clock(Clock::fixed(1_790_000_000_000, 7));
    assert_eq!(world.person("Alice"), small.alice);
    let scene = Scene::of(world.with_quota(Some(2)), small).await;
    let bot = scene.sim.has_bound(small.alice);
    let context = |got: &serde_json::Value| got["msgs"][0]["context_token"].clone();
    scene.sim.person_says(bot, "hello");
    let got = scene.receive(bot, "").await;
    let told = context(&got);
    for (words, ret) in [("one", 0), ("two", 0), ("three", -2)] {
        assert_eq!(scene.say(bot, &told, text(words)).await["ret"], ret, "{words}");
    }
    scene.sim.person_says(bot, "more");
    assert_eq!(scene.say(bot, &told, text("four")).await["ret"], 0);
    scene.sim.advance_ms(24 * 60 * 60 * 1000);
    assert_eq!(scene.say(bot, &told, text("too late")).await["ret"], -2);
    assert_eq!(scene.sim.texts(bot), ["one", "two", "four"]);
    scene.should_be_right();
}

#[tokio::test]
async fn stale_tokens_are_refused_with_200_in_either_field() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    assert_eq!(scene.call(bot, "msg/notifystart", json!({})).await["ret"], 0);
    assert!(scene.sim.is_started(bot));
    scene.sim.token_goes_stale(bot);
    assert_eq!(scene.receive(bot, "").await["errcode"], -14);
    scene.sim.tells_stale_in(StaleIn::Ret);
    assert_eq!(scene.call(bot, "msg/notifystop", json!({})).await["ret"], -14);
    scene.should_be_right();
}

#[tokio::test]
async fn typing_needs_a_ticket() {
    let scene = Scene::new().await;
    let (bot, alice) = (scene.sim.has_bound(scene.small.alice), scene.small.alice.to_string());
    let asked = json!({"ilink_user_id": alice, "context_token": "any"});
    let ticket = scene.call(bot, "getconfig", asked).await["typing_ticket"].clone();
    for (status, is_typing) in [(1, true), (2, false)] {
        let typing = json!({"ilink_user_id": alice, "typing_ticket": ticket, "status": status});
        assert_eq!(scene.call(bot, "sendtyping", typing).await["ret"], 0);
        assert_eq!(scene.sim.sees_typing(bot), is_typing);
    }
    scene.should_be_right();
    let wrong = json!({"ilink_user_id": alice, "typing_ticket": "none", "status": 1});
    assert_eq!(scene.call(bot, "sendtyping", wrong).await["ret"], -1);
    assert_eq!(scene.sim.take_findings().len(), 1);
}

#[tokio::test]
async fn updates_come_twice_and_in_another_order() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    scene.sim.updates_come_twice(1);
    let first = scene.sim.person_says(bot, "twice");
    scene.sim.holds_updates();
    let (second, third) = (scene.sim.person_says(bot, "second"), scene.sim.person_says(bot, "third"));
    scene.sim.releases_updates(Order::Reversed);
    let got = scene.receive(bot, "").await;
    let ids: Vec<_> =
        got["msgs"].as_array().expect("a list").iter().map(|it| it["message_id"].clone()).collect();
    assert_eq!(json!(ids), json!([first, first, third, second]));
    scene.should_be_right();
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_found() {
    let scene = Scene::new().await;
    let bot = scene.sim.has_bound(scene.small.alice);
    let parts = || -> Vec<String> { scene.sim.take_findings().into_iter().map(|it| it.part).collect() };
    let url = format!("{}/ilink/bot/getupdates", scene.sim.api_url());
    let bare = scene.http.post(&url).bearer_auth(scene.sim.token(bot));
    scene.sim.holds_polls(1, None);
    answer(app(bare).json(&json!({"get_updates_buf": "invented", "more": null}))).await;
    let found = parts();
    for part in ["authorizationtype", "x-wechat-uin", "base_info", "bot_agent", "body", "get_updates_buf"] {
        assert!(found.iter().any(|it| it == part), "{part} is not in {found:?}");
    }
    scene.sim.person_posts(bot, Post::text("hello"));
    let context = scene.receive(bot, "").await["msgs"][0]["context_token"].clone();
    assert_eq!(parts(), Vec::<String>::new());
    scene.say(bot, &context, json!({"type": 3, "voice_item": {}})).await;
    scene.say(bot, &context, text("")).await;
    scene.say(bot, &context, text(&"x".repeat(4_001))).await;
    scene.say(bot, &context, json!({"type": 2, "image_item": {"media": {}, "mid_size": 16}})).await;
    let found = parts();
    for part in ["item", "text", "media", "image_item"] {
        assert!(found.iter().any(|it| it == part), "{part} is not in {found:?}");
    }
}
