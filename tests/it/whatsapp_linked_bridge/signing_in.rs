//! Linking to a phone: by picture and by code, from a program and from a chat; and what is shipped links to no stranger's server.

use magpie_common::testkit::fake_homeserver::FakeEvent;
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::staged::{Door, connected},
};
use ruma::user_id;
use serde_json::json;

use super::{ADMIN, ALICE, BOT, Linked, Staged};

#[tokio::test(flavor = "multi_thread")]
async fn real_a_phone_scans_the_code_that_a_program_shows() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let linked = Linked::start().await?;
    let devices = linked.on.alice.devices().await?;
    assert_eq!(
        devices.iter().map(|device| device.jid.clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&linked.device)
    );
    let logins = Door::new(&linked.on.stage.url(), ADMIN)?.get("logins").await?;
    assert_eq!(logins["logins"][0]["name"], format!("+{ALICE}"), "{logins}");
    linked.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_code_is_typed_into_the_phone_that_a_chat_names() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let staged = Staged::start().await?;
    let admin = staged.homeserver.person("admin");
    let desk = admin.creates_direct_chat(user_id!("@whatsappbot:example.org"));
    let answered = async |beginning: &str| {
        let said = |event: &FakeEvent| event.sender == BOT && event.body().starts_with(beginning);
        staged.homeserver.wait_for(&desk, said).await.body()
    };
    answered("This is the WhatsApp bridge.").await;
    admin.sends(&desk, "login code");
    answered("The phone number of the account").await;
    // What is no number with a country code is asked for again.
    admin.sends(&desk, "0151 234567");
    answered("That did not work: That is no phone number with a country code.").await;
    admin.sends(&desk, &format!("+{ALICE}"));
    let shown = answered("Open WhatsApp on your phone").await;
    let code = shown.split("Your code: `").nth(1).and_then(|rest| rest.split('`').next());
    let code = code.expect("a code is shown").replace('-', "");
    // A slip of the finger links nothing, and the code still holds.
    staged.alice.enter_code("ABCD1234").await?;
    staged.sim.expect("code-refused", |event| event["phone"] == ALICE).await?;
    assert_eq!(staged.alice.devices().await?, []);
    staged.alice.enter_code(&code).await?;
    answered(&format!("Signed in to WhatsApp as +{ALICE}")).await;
    let devices = staged.alice.devices().await?;
    assert_eq!(devices.len(), 1);
    connected(&staged.sim, &devices[0].jid).await?;
    staged.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_is_shipped_refuses_a_server_that_whatsapp_did_not_vouch_for() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let staged = Staged::start_with("magpie-whatsapp", Vec::new()).await?;
    let door = Door::new(&staged.stage.url(), ADMIN)?;
    let begun = door.post("login/start/qr?wait_ms=0", &json!({})).await?;
    let failed = door.answer(&begun, &json!({})).await?;
    assert_eq!(failed["stage"]["type"], "failed", "{failed}");
    let words = failed["stage"]["error"].as_str().unwrap_or_default();
    assert!(words.contains("WhatsApp could not be reached"), "{words}");
    assert_eq!(staged.alice.devices().await?, []);
    staged.end().await
}
