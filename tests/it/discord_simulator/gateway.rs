//! The gateway checks, tells, replays and breaks as Discord's does.

use std::{io::Read, time::Duration};

use flate2::read::ZlibDecoder;
use futures_util::{SinkExt, StreamExt};
use magpie_tests::discord::{
    DiscordSim, GatewayFault, World, intents,
    trouble::{Heartbeats, Resumable},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::Scene;

const ALL: u64 = intents::GUILDS | intents::GUILD_MESSAGES | intents::MESSAGE_CONTENT;

/// A bare gateway client that does nothing by itself.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(sim: &DiscordSim) -> Self {
        let (socket, _) =
            connect_async(format!("{}/?v=10&encoding=json", sim.gateway_url())).await.expect("it upgrades");
        let mut client = Self(socket);
        assert_eq!(client.next().await["op"], 10);
        client
    }

    async fn identified(sim: &DiscordSim, intents: u64) -> (Self, String) {
        let mut client = Self::connect(sim).await;
        client.identify(sim, json!({"intents": intents})).await;
        let ready = client.expect("READY").await;
        client.expect("GUILD_CREATE").await;
        (client, ready["d"]["session_id"].as_str().expect("it has an id").to_owned())
    }

    async fn identify(&mut self, sim: &DiscordSim, more: Value) {
        let mut data = json!({"token": sim.token(), "properties": {"os": "test"}});
        data.as_object_mut()
            .expect("it is an object")
            .extend(more.as_object().expect("it is one too").clone());
        self.send(json!({"op": 2, "d": data})).await;
    }

    async fn resume(sim: &DiscordSim, session: &str, sequence: u64) -> Self {
        let mut client = Self::connect(sim).await;
        client
            .send(json!({"op": 6, "d": {"token": sim.token(), "session_id": session, "seq": sequence}}))
            .await;
        client
    }

    async fn send(&mut self, payload: Value) {
        self.0.send(Message::text(payload.to_string())).await.expect("the socket is open");
    }

    async fn receive(&mut self) -> Option<Message> {
        let next =
            tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("something comes");
        next.and_then(Result::ok)
    }

    async fn next(&mut self) -> Value {
        let text = match self.receive().await {
            Some(Message::Text(text)) => text.to_string(),
            Some(Message::Binary(bytes)) => {
                let mut text = String::new();
                ZlibDecoder::new(&*bytes).read_to_string(&mut text).expect("it is zlib");
                text
            }
            other => panic!("not a payload: {other:?}"),
        };
        serde_json::from_str(&text).unwrap_or_else(|_| json!({"garbage": text}))
    }

    async fn expect(&mut self, kind: &str) -> Value {
        let payload = self.next().await;
        assert_eq!(payload["t"], kind, "{payload}");
        payload
    }

    async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.receive().await? {
                Message::Close(frame) => return frame.map(|frame| frame.code.into()),
                _ => continue,
            }
        }
    }
}

#[tokio::test]
async fn identify_is_checked() {
    let (mut world, small) = World::small();
    world.edit_application().privileged_intents = 0;
    let scene = Scene::of(world, small).await;
    let cases = [
        (json!({"intents": 1, "token": "wrong"}), 4004),
        (json!({"intents": 1_u64 << 40}), 4013),
        (json!({"intents": intents::MESSAGE_CONTENT}), 4014),
        (json!({"intents": 1, "shard": [2, 2]}), 4010),
        (json!({}), 4002),
    ];
    for (identify, code) in cases {
        let mut client = Client::connect(&scene.sim).await;
        client.identify(&scene.sim, identify).await;
        assert_eq!(client.close_code().await, Some(code));
    }
    for (payload, code) in [(json!({"op": 3, "d": {}}), 4003), (json!({"op": 99}), 4001), (json!([]), 4002)] {
        let mut client = Client::connect(&scene.sim).await;
        client.send(payload).await;
        assert_eq!(client.close_code().await, Some(code));
    }
    let (mut client, _) = Client::identified(&scene.sim, 1).await;
    client.identify(&scene.sim, json!({"intents": 1})).await;
    assert_eq!(client.close_code().await, Some(4005));
}

#[tokio::test]
async fn intents_decide_what_is_told() {
    let scene = Scene::new().await;
    let (general, alice) = (scene.small.general, scene.small.alice);
    let (mut blind, _) = Client::identified(&scene.sim, intents::GUILDS | intents::GUILD_MESSAGES).await;
    let (mut reader, _) = Client::identified(&scene.sim, ALL).await;
    scene.sim.person_types(general, alice);
    scene.sim.person_sends(general, alice, "hush");
    scene.sim.person_sends(general, alice, &format!("<@{}>", scene.sim.bot()));
    assert_eq!(reader.expect("MESSAGE_CREATE").await["d"]["content"], "hush");
    let withheld = blind.expect("MESSAGE_CREATE").await;
    assert_eq!(withheld["d"]["content"], "");
    assert_eq!(withheld["d"]["member"]["nick"], Value::Null);
    assert_ne!(blind.expect("MESSAGE_CREATE").await["d"]["content"], "", "who is mentioned may read");
}

#[tokio::test]
async fn a_session_is_resumed_within_its_log_and_not_beyond() {
    let scene = Scene::new().await;
    let (sim, general, alice) = (&scene.sim, scene.small.general, scene.small.alice);
    sim.gateway_replay_max(3);
    let (mut client, session) = Client::identified(sim, ALL).await;
    sim.gateway_close(4000);
    assert_eq!(client.close_code().await, Some(4000));
    sim.wait_for_gateway(0).await.expect("the socket ends");
    sim.person_sends(general, alice, "missed");
    let mut client = Client::resume(sim, &session, 2).await;
    assert_eq!(client.expect("MESSAGE_CREATE").await["s"], 3);
    client.expect("RESUMED").await;
    sim.gateway_cut();
    assert_eq!(client.close_code().await, None, "a cut has no close frame");
    sim.wait_for_gateway(0).await.expect("the socket ends");
    for _ in 0..4 {
        sim.person_sends(general, alice, "lost");
    }
    let mut client = Client::resume(sim, &session, 4).await;
    assert_eq!(client.next().await, json!({"op": 9, "s": null, "t": null, "d": false}));
    client.identify(sim, json!({"intents": ALL})).await;
    client.expect("READY").await;
}

#[tokio::test]
async fn the_gateway_breaks_as_ordered() {
    let scene = Scene::new().await;
    let (sim, general, alice) = (&scene.sim, scene.small.general, scene.small.alice);
    let (mut client, session) = Client::identified(sim, ALL).await;
    let faults =
        [GatewayFault::Duplicate, GatewayFault::Malformed, GatewayFault::Drop, GatewayFault::Garbage];
    for (number, fault) in faults.into_iter().enumerate() {
        sim.gateway_fault("MESSAGE_CREATE", fault);
        sim.person_sends(general, alice, &number.to_string());
    }
    assert_eq!(client.expect("MESSAGE_CREATE").await["d"]["content"], "0");
    assert_eq!(client.expect("MESSAGE_CREATE").await["d"]["content"], "0");
    assert_eq!(client.expect("MESSAGE_CREATE").await["d"]["author"], 7);
    assert!(client.next().await["garbage"].is_string());
    sim.gateway_event("MAGPIE_NESTED", &json!({"eggs": 3}));
    assert_eq!(client.expect("MAGPIE_NESTED").await["d"]["eggs"], 3);
    sim.gateway_reconnect();
    assert_eq!(client.next().await["op"], 7);
    sim.gateway_invalidate(Resumable::No);
    assert_eq!(client.next().await["d"], false);
    let mut late = Client::resume(sim, &session, 1).await;
    assert_eq!(late.next().await["op"], 9);
}

#[tokio::test]
async fn heartbeats_are_answered_unless_told_otherwise() {
    let scene = Scene::new().await;
    let (mut client, _) = Client::identified(&scene.sim, ALL).await;
    client.send(json!({"op": 1, "d": 2})).await;
    assert_eq!(client.next().await["op"], 11);
    scene.sim.gateway_heartbeats(Heartbeats::Ignored);
    client.send(json!({"op": 1, "d": 2})).await;
    scene.sim.gateway_reconnect();
    assert_eq!(client.next().await["op"], 7, "no acknowledgment came before");
    for _ in 0..120 {
        client.send(json!({"op": 1, "d": 2})).await;
    }
    assert_eq!(client.close_code().await, Some(4008), "120 payloads are a minute's share");
    scene.sim.gateway_heartbeat_ms(10);
    let mut silent = Client::connect(&scene.sim).await;
    assert_eq!(silent.close_code().await, Some(4009));
}

#[tokio::test]
async fn payloads_are_compressed_on_request() {
    let scene = Scene::new().await;
    let mut client = Client::connect(&scene.sim).await;
    client.identify(&scene.sim, json!({"intents": ALL, "compress": true})).await;
    let first = client.receive().await;
    assert!(matches!(first, Some(Message::Binary(_))), "{first:?}");
    let guild = client.expect("GUILD_CREATE").await;
    assert_eq!(guild["d"]["channels"].as_array().map(Vec::len), Some(3));
}
