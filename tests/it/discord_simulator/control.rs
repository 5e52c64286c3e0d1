//! The simulator as a process of its own, with its control surface.

use std::process::Stdio;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use super::answer;

#[tokio::test]
async fn the_process_tells_its_urls_and_obeys() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_discord-simulator"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary was built with the test");
    let output = child.stdout.take().expect("it was piped");
    let line =
        BufReader::new(output).lines().next_line().await.expect("it can be read").expect("it tells its URLs");
    let told: Value = serde_json::from_str(&line).expect("it is JSON");
    let control = told["control"].as_str().expect("it is told").to_owned();
    let (client, general) = (Client::new(), told["channels"]["general"].clone());
    let post = |what: &str, body: Value| answer(client.post(format!("{control}/{what}")).json(&body));

    let (_, said) =
        post("say", json!({"channel": general, "user": told["users"]["alice"], "text": "hi"})).await;
    post("edit", json!({"channel": general, "message": said["id"], "text": "ho"})).await;
    let list = format!("{control}/messages/{}", general.as_str().expect("it is an id"));
    assert_eq!(answer(client.get(&list)).await.1[0]["content"], "ho");
    assert_eq!(post("fault", json!({"route": "GET /gateway", "kind": "answer", "status": 503})).await.0, 200);
    let gateway = format!("{}/gateway", told["rest"].as_str().expect("it is told"));
    assert_eq!(answer(client.get(&gateway)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer(client.get(&gateway)).await.1["url"], told["gateway"]);
    assert_eq!(post("gateway", json!({"do": "close", "code": 4009})).await.0, 200);
    post("delete", json!({"channel": general, "message": said["id"]})).await;
    let (_, effects) = answer(client.get(format!("{control}/effects"))).await;
    let kinds = effects.as_array().expect("it is a list").iter().map(|effect| effect["kind"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["created", "edited", "deleted"]);
    assert_eq!(post("dance", json!({})).await.0, StatusCode::BAD_REQUEST);
}
