//! Look-ups and changes of numbers and accounts, and the forms of the path.

use magpie_tests::whatsapp_cloud::CODE;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Listener, Scene, answer, code};

#[tokio::test]
async fn numbers_and_accounts_are_looked_up() {
    let scene = Scene::new().await;
    let (number, account) = (scene.small.number, scene.small.account);
    let (status, found) = scene.get(&format!("/{number}?fields=display_phone_number,quality_rating")).await;
    let wanted =
        json!({"id": number.to_string(), "display_phone_number": "+15550783881", "quality_rating": "GREEN"});
    assert_eq!((status.as_u16(), found), (200, wanted));
    let (_, profile) = scene.get(&format!("/{number}/whatsapp_business_profile?fields=about")).await;
    assert_eq!(profile["data"][0]["about"], "Birds of all kinds");
    let change = json!({"messaging_product": "whatsapp", "about": "Birds of some kinds"});
    assert_eq!(
        scene.post(&format!("/{number}/whatsapp_business_profile"), &change).await.1,
        json!({"success": true})
    );
    let (_, profile) = scene.get(&format!("/{number}/whatsapp_business_profile")).await;
    assert_eq!(profile["data"][0]["about"], "Birds of some kinds");
    let (_, numbers) = scene.get(&format!("/{account}/phone_numbers")).await;
    assert_eq!(numbers["data"][0]["id"], json!(number.to_string()));
    let (_, found) = scene.get(&format!("/{account}?fields=name")).await;
    assert_eq!(found, json!({"id": account.to_string(), "name": "Birds Ltd"}));
    let (_, templates) = scene.get(&format!("/{account}/message_templates?name=hello&limit=5")).await;
    assert_eq!(templates["data"][0]["name"], "hello_world");
    let (_, none) = scene.get(&format!("/{account}/message_templates?name=other")).await;
    assert_eq!(none, json!({"data": []}));
    scene.should_be_honest("numbers_and_accounts_are_looked_up");
}

#[tokio::test]
async fn a_number_must_be_registered() {
    let scene = Scene::new().await;
    scene.sim.person_says(scene.alice(), "Hello");
    let at = |rest: &str| format!("/{}/{rest}", scene.small.number);
    assert_eq!(answer(scene.request(Method::POST, &at("deregister"))).await.1, json!({"success": true}));
    let text = json!({"type": "text", "text": {"body": "x"}});
    assert_eq!(code(&scene.sends(text.clone()).await.1), 133_010);
    let bad_pin = json!({"messaging_product": "whatsapp", "pin": "12"});
    assert_eq!(code(&scene.post(&at("register"), &bad_pin).await.1), 133_005);
    assert_eq!(
        scene.sim.take_findings().len(),
        2,
        "the description knows the length and the form of the PIN"
    );
    let pin = json!({"messaging_product": "whatsapp", "pin": "123456"});
    assert_eq!(scene.post(&at("register"), &pin).await.1, json!({"success": true}));
    assert_eq!(scene.sends(text).await.0, 200);
    let wanted = json!({"code_method": "SMS", "language": "en_US"});
    assert_eq!(scene.post(&at("request_code"), &wanted).await.1["success"], true);
    assert_eq!(code(&scene.post(&at("verify_code"), &json!({"code": "000000"})).await.1), 136_025);
    assert_eq!(scene.post(&at("verify_code"), &json!({"code": CODE})).await.1["success"], true);
    scene.should_be_honest("a_number_must_be_registered");
}

#[tokio::test]
async fn subscriptions_need_the_handshake() {
    let scene = Scene::new().await;
    let listener = Listener::start(&scene.sim).await;
    let path = format!("/{}/subscribed_apps", scene.small.account);
    let with = |token: &str| json!({"override_callback_uri": listener.address, "verify_token": token});
    let (status, refused) = scene.post(&path, &with("wrong")).await;
    assert_eq!((status.as_u16(), code(&refused)), (400, 2200));
    assert_eq!(scene.sim.subscribe("http://127.0.0.1:1/hook").await, Err("nobody answers there".to_owned()));
    assert_eq!(scene.sim.callback(), Value::Null);
    scene.sim.person_says(scene.alice(), "Nobody hears this");
    assert!(scene.sim.webhooks().is_empty());
    let secrets = scene.sim.secrets();
    assert_eq!(scene.post(&path, &with(&secrets.verify_token)).await.1, json!({"success": true}));
    scene.sim.person_says(scene.alice(), "Hello");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    assert_eq!(listener.messages().len(), 1);
    let (_, apps) = scene.get(&path).await;
    assert_eq!(apps["data"][0]["name"], "Magpie");
    assert_eq!(answer(scene.request(Method::DELETE, &path)).await.1["success"], true);
    assert_eq!(scene.get(&path).await.1, json!({"data": []}));
    scene.sim.person_says(scene.alice(), "Nobody hears this either");
    scene.sim.wait_for_webhooks().await.expect("there are none");
    assert_eq!(listener.messages().len(), 1);
    scene.should_be_honest("subscriptions_need_the_handshake");
}

#[tokio::test]
async fn paths_and_tokens_are_checked_first() {
    let scene = Scene::new().await;
    let number = scene.small.number;
    for (name, url, token, wanted) in [
        (
            "no version",
            format!("{}/{number}", scene.sim.origin()),
            Some(scene.sim.secrets().token),
            (400, 2500),
        ),
        ("no token", format!("{}/{number}", scene.sim.graph_url()), None, (401, 104)),
        (
            "a wrong token",
            format!("{}/{number}", scene.sim.graph_url()),
            Some("EAAother".to_owned()),
            (401, 190),
        ),
        (
            "nothing there",
            format!("{}/17", scene.sim.graph_url()),
            Some(scene.sim.secrets().token),
            (400, 100),
        ),
    ] {
        let mut request = scene.http.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let (status, refusal) = answer(request).await;
        assert_eq!((status.as_u16(), code(&refusal)), wanted, "{name}: {refusal}");
    }
    scene.sim.take_findings();
    scene.sim.revoke_token();
    let (status, refusal) = scene.get(&format!("/{number}")).await;
    assert_eq!(
        (status.as_u16(), code(&refusal), &refusal["error"]["error_subcode"]),
        (401, 190, &json!(467))
    );
    scene.sim.renew_token("EAAfresh");
    assert_eq!(scene.get(&format!("/{number}")).await.0, 200);
    scene.should_be_honest("paths_and_tokens_are_checked_first");
}

#[tokio::test]
async fn webhooks_of_a_number_can_go_elsewhere() {
    let (scene, all) = Scene::with_listener().await;
    let own = Listener::start(&scene.sim).await;
    let path = format!("/{}", scene.small.number);
    let configuration = |address: &str, token: &str| json!({"webhook_configuration": {"override_callback_uri": address, "verify_token": token}});
    assert_eq!(code(&scene.post(&path, &configuration(&own.address, "wrong")).await.1), 2200);
    let token = scene.sim.secrets().verify_token;
    assert_eq!(scene.post(&path, &configuration(&own.address, &token)).await.1, json!({"success": true}));
    scene.sim.person_says(scene.alice(), "Here");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    assert_eq!(scene.post(&path, &configuration("", "")).await.1, json!({"success": true}));
    scene.sim.person_says(scene.alice(), "There");
    scene.sim.wait_for_webhooks().await.expect("they go out");
    let heard = |listener: &Listener| {
        listener.messages().iter().map(|it| it["text"]["body"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((heard(&own), heard(&all)), (vec![json!("Here")], vec![json!("There")]));
    scene.should_be_honest("webhooks_of_a_number_can_go_elsewhere");
}
