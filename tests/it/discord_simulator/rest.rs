//! Routes answer as Discord does, refusals included.

use magpie_tests::{
    discord::{ChannelKind, Fault, Overwrite, Snowflake, World, permissions},
    openapi::skip,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Scene, answer};

#[tokio::test]
async fn everything_that_can_be_read_is_as_described() {
    let scene = Scene::new().await;
    let small = scene.small;
    scene.sim.person_makes_webhook(small.general, small.alice, "Feed");
    let message = scene.sim.person_sends(small.general, small.alice, "hi");
    let (guild, general, alice) = (small.guild, small.general, small.alice);
    let paths = [
        "/gateway".to_owned(),
        "/gateway/bot".to_owned(),
        "/users/@me".to_owned(),
        "/applications/@me".to_owned(),
        "/oauth2/applications/@me".to_owned(),
        "/users/@me/guilds".to_owned(),
        format!("/users/{alice}"),
        format!("/guilds/{guild}?with_counts=true"),
        format!("/guilds/{guild}/channels"),
        format!("/guilds/{guild}/roles"),
        format!("/guilds/{guild}/roles/{guild}"),
        format!("/guilds/{guild}/members?limit=10"),
        format!("/guilds/{guild}/members/{alice}"),
        format!("/guilds/{guild}/webhooks"),
        format!("/channels/{general}"),
        format!("/channels/{general}/messages"),
        format!("/channels/{general}/messages/{message}"),
        format!("/channels/{general}/webhooks"),
    ];
    for path in paths {
        let response = scene.request(Method::GET, &path).send().await.expect("the simulator answers");
        assert_eq!(response.status(), 200, "{path}");
        for header in ["limit", "remaining", "reset", "reset-after", "bucket"] {
            assert!(response.headers().contains_key(format!("x-ratelimit-{header}")), "{path}: {header}");
        }
    }
    let flags = scene.get("/applications/@me").await.1["flags"].as_u64();
    assert_eq!(flags, Some(1 << 13 | 1 << 15 | 1 << 19));
    scene.should_be_honest("everything_that_can_be_read_is_as_described");
}

#[tokio::test]
async fn refusals_bear_discords_codes() {
    let (mut world, small) = World::small();
    let secret = world.text_channel(small.guild, "secret");
    let muted = world.text_channel(small.guild, "muted");
    let deny = |bits| vec![Overwrite { id: small.guild, is_member: false, deny: bits, allow: 0 }];
    let bot = world.state().application.id;
    // The bot's own role would allow it again, so the member's overwrite decides.
    world.edit_channel(secret).overwrites = deny(permissions::VIEW_CHANNEL);
    world.edit_channel(muted).overwrites = vec![Overwrite {
        id: bot,
        is_member: true,
        deny: permissions::SEND_MESSAGES | permissions::MANAGE_WEBHOOKS,
        allow: 0,
    }];
    let scene = Scene::of(world, small).await;
    let general = small.general;
    let theirs = scene.sim.person_sends(general, small.alice, "hi");
    let (post, patch, delete, get) = (Method::POST, Method::PATCH, Method::DELETE, Method::GET);
    let text = json!({"content": "hi"});
    let hook =
        scene.send(post.clone(), &format!("/channels/{general}/webhooks"), json!({"name": "Relay"})).await.1;
    let hook = format!(
        "/webhooks/{}/{}",
        hook["id"].as_str().expect("it has an id"),
        hook["token"].as_str().expect("it has a token")
    );
    let cases = [
        (&get, "/channels/1".to_owned(), Value::Null, 404, 10_003),
        (&get, "/guilds/1".to_owned(), Value::Null, 404, 10_004),
        (&get, "/users/1".to_owned(), Value::Null, 404, 10_013),
        (&get, format!("/channels/{general}/messages/1"), Value::Null, 404, 10_008),
        (&get, "/webhooks/1".to_owned(), Value::Null, 404, 10_015),
        (&post, "/webhooks/1/wrong".to_owned(), text.clone(), 404, 10_015),
        (&post, format!("{hook}x"), text.clone(), 401, 50_027),
        (&get, format!("/channels/{secret}"), Value::Null, 403, 50_001),
        (&post, format!("/channels/{secret}/messages"), text.clone(), 403, 50_001),
        (&post, format!("/channels/{muted}/messages"), text.clone(), 403, 50_013),
        (&post, format!("/channels/{muted}/webhooks"), json!({"name": "Relay"}), 403, 50_013),
        (&patch, format!("/channels/{general}/messages/{theirs}"), text.clone(), 403, 50_005),
        (&delete, format!("/channels/{muted}/messages/1"), Value::Null, 404, 10_008),
        (&post, format!("/channels/{general}/messages"), json!({"content": "  "}), 400, 50_006),
        (&post, format!("/channels/{general}/messages"), json!({"content": "x".repeat(2001)}), 400, 50_035),
        (&post, hook.clone(), json!({"content": "hi", "username": "My Discord"}), 400, 50_035),
        (
            &post,
            format!("/channels/{general}/messages"),
            json!({"content": "hi", "message_reference": {"message_id": "1"}}),
            400,
            50_035,
        ),
    ];
    for (method, path, body, status, code) in cases {
        let mut request = scene.request(method.clone(), &path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let (given, body) = answer(request).await;
        assert_eq!((given.as_u16(), &body["code"]), (status, &json!(code)), "{method} {path}: {body}");
    }
    let stranger =
        scene.http.get(format!("{}/users/@me", scene.sim.rest_url())).header("Authorization", "Bot wrong");
    assert_eq!(
        answer(stranger).await,
        (reqwest::StatusCode::UNAUTHORIZED, json!({"message": "401: Unauthorized", "code": 0}))
    );
    let too_long = scene
        .send(post, &format!("/channels/{general}/messages"), json!({"content": "ä".repeat(2001)}))
        .await
        .1;
    assert_eq!(too_long["errors"]["content"]["_errors"][0]["code"], "BASE_TYPE_MAX_LENGTH");
    scene.should_be_honest("refusals_bear_discords_codes");
}

#[tokio::test]
async fn history_comes_in_discords_order() {
    let scene = Scene::new().await;
    let general = scene.small.general;
    let ids: Vec<Snowflake> = (0..6)
        .map(|number| scene.sim.person_sends(general, scene.small.alice, &number.to_string()))
        .collect();
    let cases = [
        (String::new(), "543210"),
        ("?limit=2".to_owned(), "54"),
        (format!("?limit=2&after={}", ids[1]), "32"),
        (format!("?limit=2&before={}", ids[4]), "32"),
        (format!("?limit=3&around={}", ids[3]), "432"),
        (format!("?&after={}", ids[5]), ""),
    ];
    for (query, expected) in cases {
        let (_, page) = scene.get(&format!("/channels/{general}/messages{query}")).await;
        let texts =
            page.as_array().expect("a page is a list").iter().map(|message| message["content"].as_str());
        assert_eq!(texts.map(|text| text.expect("there is text")).collect::<String>(), expected, "{query}");
    }
    scene.should_be_honest("history_comes_in_discords_order");
}

#[tokio::test]
async fn an_enforced_nonce_makes_one_message() {
    let scene = Scene::new().await;
    let path = format!("/channels/{}/messages", scene.small.general);
    let body =
        |nonce: &str, enforce: bool| json!({"content": "hi", "nonce": nonce, "enforce_nonce": enforce});
    let first = scene.send(Method::POST, &path, body("a", true)).await.1;
    assert_eq!(scene.send(Method::POST, &path, body("a", true)).await.1, first);
    assert_eq!(scene.sim.messages(scene.small.general).len(), 1);
    scene.send(Method::POST, &path, body("b", true)).await;
    scene.send(Method::POST, &path, body("a", false)).await;
    assert_eq!(scene.sim.messages(scene.small.general).len(), 3);
    assert_eq!(scene.get(&path).await.1[0].get("nonce"), None, "history does not show it");
    scene.should_be_honest("an_enforced_nonce_makes_one_message");
}

#[tokio::test]
async fn webhooks_post_edit_and_delete_with_their_token_alone() {
    let scene = Scene::new().await;
    let general = scene.small.general;
    let hook =
        scene.send(Method::POST, &format!("/channels/{general}/webhooks"), json!({"name": "Relay"})).await.1;
    let url = hook["url"].as_str().expect("it has a URL");
    let text = json!({
        "content": format!("hi <@{}> @everyone", scene.small.alice), "username": "Carol",
        "avatar_url": "https://example.org/carol.png", "allowed_mentions": {"parse": []},
    });
    let (status, sent) = answer(scene.http.post(format!("{url}?&wait=true")).json(&text)).await;
    assert_eq!(status, 200);
    assert_eq!((&sent["author"]["username"], &sent["webhook_id"]), (&json!("Carol"), &hook["id"]));
    assert_eq!((&sent["mentions"], &sent["mention_everyone"]), (&json!([]), &json!(false)));
    assert_eq!(answer(scene.http.post(url).json(&text)).await.0, 204);
    let one = format!("{url}/messages/{}", sent["id"].as_str().expect("it has an id"));
    assert_eq!(answer(scene.http.patch(&one).json(&json!({"content": "bye"}))).await.1["content"], "bye");
    assert_eq!(answer(scene.http.get(&one)).await.1["content"], "bye");
    assert_eq!(answer(scene.http.delete(&one)).await.0, 204);
    assert_eq!(answer(scene.http.delete(&one)).await.0, 404);
    let avatar = sent["author"]["avatar"].as_str().expect("it has a picture");
    let picture = format!(
        "{}/avatars/{}/{avatar}.png?size=64",
        scene.sim.cdn_url(),
        hook["id"].as_str().expect("it has an id")
    );
    let picture = scene.http.get(picture).send().await.expect("the CDN answers");
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert!(picture.bytes().await.expect("the picture has an end").starts_with(b"\x89PNG\r\n\x1a\n"));
    scene.should_be_honest("webhooks_post_edit_and_delete_with_their_token_alone");
}

#[tokio::test]
async fn a_category_takes_no_messages() {
    let scene = Scene::new().await;
    let channel = scene.get(&format!("/channels/{}", scene.small.category)).await.1;
    assert_eq!(channel["type"], json!(ChannelKind::Category as u8));
    let path = format!("/channels/{}/messages", scene.small.category);
    assert_eq!(scene.send(Method::POST, &path, json!({"content": "hi"})).await.1["code"], 50_024);
    scene.should_be_honest("a_category_takes_no_messages");
}

#[tokio::test]
async fn a_planted_disagreement_is_found() {
    let scene = Scene::new().await;
    if !scene.sim.is_judged() {
        return skip("a_planted_disagreement_is_found", "Discord's OpenAPI description is not present");
    }
    let path = format!("/channels/{}/messages", scene.small.general);
    scene.send(Method::POST, &path, json!({"content": "hi", "tts": "loud"})).await;
    scene.get(&format!("{path}?limit=0&eggs=3")).await;
    scene.sim.fault("GET /users/@me", Fault::Answer { status: 200, body: json!({"id": 7}) });
    scene.get("/users/@me").await;
    let findings = scene.sim.take_findings();
    let found = |part: &str| findings.iter().any(|finding| finding.part == part);
    for part in ["request body", "query limit", "query eggs", "answer 200"] {
        assert!(found(part), "{part} is not among {findings:#?}");
    }
    scene.should_be_honest("a_planted_disagreement_is_found");
}

#[tokio::test]
async fn members_are_searched_and_conversations_opened() {
    let scene = Scene::new().await;
    let small = scene.small;
    let found = scene.get(&format!("/guilds/{}/members/search?query=BOB&limit=5", small.guild)).await.1;
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    assert_eq!(found[0]["user"]["id"], small.bob.to_string());
    let one = scene.get(&format!("/guilds/{}/members/search?query=o", small.guild)).await.1;
    assert_eq!(one.as_array().map(Vec::len), Some(1), "without a limit there is one");
    let open = json!({"recipient_id": small.bob});
    let (status, first) = scene.send(Method::POST, "/users/@me/channels", open.clone()).await;
    assert_eq!((status.as_u16(), &first["type"]), (200, &json!(1)));
    assert_eq!(first["recipients"][0]["id"], small.bob.to_string());
    assert_eq!(scene.send(Method::POST, "/users/@me/channels", open).await.1["id"], first["id"]);
    let bot = json!({"recipient_id": scene.get("/users/@me").await.1["id"]});
    assert_eq!(scene.send(Method::POST, "/users/@me/channels", bot).await.1["code"], 50_007);
    scene.should_be_honest("members_are_searched_and_conversations_opened");
}
