//! The simulator as a process of its own, with its control surface.

use std::process::Stdio;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

#[tokio::test]
async fn the_process_tells_its_urls_and_obeys() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_telegram-simulator"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary was built with the test");
    let output = child.stdout.take().expect("it was piped");
    let line =
        BufReader::new(output).lines().next_line().await.expect("it can be read").expect("it tells its URLs");
    let told: Value = serde_json::from_str(&line).expect("it is JSON");
    let control = told["control"].as_str().expect("it is told").to_owned();
    let (client, chat, alice) = (Client::new(), &told["chats"]["supergroup"], &told["users"]["alice"]);
    let post = |what: &str, body: Value| answer(client.post(format!("{control}/{what}")).json(&body));
    let method = |name: &str| {
        let part = |name: &str| told[name].as_str().expect("it is told");
        format!("{}/bot{}/{name}", part("url"), part("token"))
    };

    let (_, said) = post("say", json!({"chat": chat, "user": alice, "text": "hi"})).await;
    post("edit", json!({"chat": chat, "message": said["id"], "text": "ho"})).await;
    let list = format!("{control}/messages/{chat}");
    assert_eq!(answer(client.get(&list)).await.1[0]["text"], "ho");
    let reaction = json!({"chat": chat, "message": said["id"], "user": alice, "emoji": "👍"});
    assert_eq!(post("react", reaction).await.0, StatusCode::OK);
    let fault = json!({"method": "getMe", "kind": "too_many", "retry_after": 9});
    assert_eq!(post("fault", fault).await.0, StatusCode::OK);
    let (status, body) = answer(client.get(method("getMe"))).await;
    assert_eq!((status, &body["parameters"]["retry_after"]), (StatusCode::TOO_MANY_REQUESTS, &json!(9)));
    let update = json!({"bot": told["users"]["bot"], "update": {"odd": {}}});
    assert_eq!(post("update", update).await.0, StatusCode::OK);
    let (_, updates) = answer(client.get(method("getUpdates"))).await;
    let got = updates["result"].as_array().expect("it is a list");
    assert_eq!(got.iter().filter(|update| update.get("odd").is_some()).count(), 1, "{updates}");
    post("delete", json!({"chat": chat, "message": said["id"]})).await;
    let (_, effects) = answer(client.get(format!("{control}/effects"))).await;
    let kinds = effects.as_array().expect("it is a list").iter().map(|effect| effect["kind"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["created", "edited", "deleted"]);
    assert_eq!(post("dance", json!({})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(answer(client.get(format!("{control}/findings"))).await.1, json!([]));
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("the simulator answers");
    (response.status(), response.json().await.expect("answers are JSON"))
}
