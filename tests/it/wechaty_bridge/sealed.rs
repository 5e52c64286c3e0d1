//! A gateway is the right one, or it is not spoken to: by its certificate, by an authority, by its name.

use std::path::Path;

use magpie_common::{clock::Clock, config::Secret, platform::Platform};
use magpie_tests::{
    harness::tools::{Component, need},
    wechaty::{
        Gateway, JUDGE, Tls,
        content::text,
        staged::{WAY, gateway_lines, sign_in},
    },
    whatsapp_linked::staged::Door,
};
use magpie_wechat::{WeChat, WeChatConfig};
use serde_json::{Value, json};

use super::{ADMIN, LI, ME, Signed, Staged};

/// The lines with which this gateway is used when it is known by that.
fn known_by(gateway: &Gateway, more: &[(&str, &Path)]) -> String {
    let start = gateway_lines(gateway, gateway.token());
    let line = |(name, path): &(&str, &Path)| format!("{name}: {}\n", path.display());
    start + &more.iter().map(line).collect::<String>()
}

impl Staged {
    /// The words with which a sign-in fails before anything is said to the gateway.
    async fn refusal(&self) -> anyhow::Result<String> {
        let before = self.gateway.seen("stream").len();
        let failed =
            Door::new(&self.stage.url(), ADMIN)?.post(&format!("login/start/{WAY}"), &json!({})).await?;
        assert_eq!(failed["stage"]["type"], "failed", "{failed}");
        assert_eq!(self.gateway.seen("stream").len(), before, "nobody was told the token");
        Ok(failed["stage"]["error"].as_str().unwrap_or_default().to_owned())
    }

    async fn talks(self) -> anyhow::Result<()> {
        let signed = Signed::of(self).await?;
        signed.on.gateway.says(LI, ME, text("In secret.")).await?;
        let (room, admin) = signed.room_with("In secret.").await;
        admin.sends(&room, "In secret, too.");
        signed.on.gateway.expect_text(LI, "In secret, too.").await?;
        signed.end().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_wechatys_own_certificate_is_taken_where_it_is_pinned() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut staged = Staged::start_with(Tls::Stock, Vec::new()).await?;
    // Everybody has its key, so nobody takes it who was not told to.
    staged.restart_with(known_by(&staged.gateway, &[])).await?;
    let words = staged.refusal().await?;
    assert!(words.contains("certificate"), "{words}");
    let certificate = staged.gateway.certificate()?;
    staged.restart_with(known_by(&staged.gateway, &[("wechaty_certificate", certificate.as_path())])).await?;
    staged.talks().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_certificate_of_ones_own_is_taken_by_itself_and_by_its_authority() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut staged = Staged::start_with(Tls::Own, Vec::new()).await?;
    let authority = staged.gateway.authority()?;
    let lines = known_by(&staged.gateway, &[("wechaty_ca", authority.as_path())]);
    staged.restart_with(lines.clone() + "wechaty_server_name: somebody.else.example\n").await?;
    let words = staged.refusal().await?;
    assert!(words.contains("certificate"), "{words}");
    staged.restart_with(lines.clone() + "wechaty_server_name: localhost\n").await?;
    sign_in(&staged.gateway, &staged.stage.url(), ADMIN, ME).await?;
    // It stays signed in, and is spoken to on the word of the authority alone.
    staged.restart_with(lines).await?;
    staged.gateway.heard_by_somebody().await?;
    let certificate = staged.gateway.certificate()?;
    staged.restart_with(known_by(&staged.gateway, &[("wechaty_certificate", certificate.as_path())])).await?;
    staged.gateway.heard_by_somebody().await?;
    let signed = Signed { on: staged };
    signed.on.gateway.says(LI, ME, text("In secret.")).await?;
    signed.room_with("In secret.").await;
    signed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_the_doctor_warns_of_wechatys_own_certificate_over_a_network() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let (stock, own) = (Gateway::start_with(Tls::Stock).await?, Gateway::start_with(Tls::Own).await?);
    let here = stock.address();
    // There is nobody, which is seen at once, as it is this machine by another name; what it would prove itself by is read all the same.
    let away = "0.0.0.0:1".to_owned();
    let of = |gateway: &Gateway| -> anyhow::Result<[String; 2]> {
        Ok([gateway.certificate()?, gateway.authority()?].map(|path| path.display().to_string()))
    };
    let ([theirs, authority], [ours, our_authority]) = (of(&stock)?, of(&own)?);
    for (endpoint, certificate, ca, is_warned) in [
        (&away, Some(&theirs), None, true),
        (&away, None, Some(&authority), true),
        (&here, Some(&theirs), None, false),
        (&away, Some(&ours), Some(&authority), false),
        (&away, None, Some(&our_authority), false),
        (&away, None, None, false),
    ] {
        let config = WeChatConfig {
            wechaty_endpoint: Some(endpoint.clone()),
            wechaty_token: Some(Secret::new(stock.token())),
            wechaty_certificate: certificate.cloned(),
            wechaty_ca: ca.cloned(),
            ..WeChatConfig::default()
        };
        let findings = WeChat::new(config, Clock::system())?.diagnose().await;
        let faults = findings.into_iter().filter_map(|finding| finding.result.err());
        let warned = faults.filter(|fault| fault.problem.contains("everybody has the key")).count();
        assert_eq!(warned, usize::from(is_warned), "{endpoint} {certificate:?} {ca:?}");
    }
    stock.stop().await?;
    own.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_another_gateway_in_its_place_is_told_nothing() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge(JUDGE)) else { return Ok(()) };
    let mut staged = Staged::start_with(Tls::Own, Vec::new()).await?;
    let stranger = Gateway::start_with(Tls::Own).await?;
    let (theirs, authority) = (stranger.certificate()?, stranger.authority()?);
    for known in [[("wechaty_certificate", theirs.as_path())], [("wechaty_ca", authority.as_path())]] {
        staged.restart_with(known_by(&staged.gateway, &known)).await?;
        let words = staged.refusal().await?;
        assert!(words.contains("certificate") && words.contains("wechaty_"), "what to do: {words}");
    }
    // Nor is a certificate of which nobody has said anything.
    staged.restart_with(known_by(&staged.gateway, &[])).await?;
    staged.refusal().await?;
    assert_eq!(staged.gateway.seen("asked"), Vec::<Value>::new());
    stranger.stop().await?;
    staged.end().await
}
