//! A hundred thousand forged callbacks at the real program, in the middle of honest ones: refused, in memory that stays flat, and nothing of them
//! is said.

use std::{collections::BTreeMap, fs};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    harness::bridge::Bridge,
    wechat_official::{Follower, Mode, OfficialSim, Written},
};
use reqwest::StatusCode;

use super::story::Staged;

/// Callbacks that are none of WeChat's.
const FORGED: usize = 100_000;

/// Honest ones among them.
const HONEST: usize = 500;

/// Under way at once.
const AT_ONCE: usize = 32;

/// So many tenths come before memory is judged: until then caches fill, of the database above all.
const WARM_UP: usize = 5;

/// So much more may be in memory at the end, in KiB: keeping a sixth of a KiB of each forgery would be found out.
const GROWTH_KIB_MAX: usize = 8 * 1024;

/// A message of Alice's as WeChat would write it.
fn document(follower: &Follower, nth: usize) -> String {
    format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>{}</FromUserName><CreateTime>{}</CreateTime><MsgType>text</MsgType>\
         <Content>number {nth}.</Content><MsgId>{}</MsgId></xml>",
        follower.openid,
        1_790_000_000 + nth,
        7_000_000_000_000_000_000 + nth
    )
}

/// What is made once, and forged from again and again.
struct Templates {
    good: Written,
    other_body: Written,
    plain: Written,
    for_another: Written,
    old: Written,
    long: String,
}

impl Templates {
    fn new(sim: &OfficialSim, follower: &Follower) -> Self {
        let forged = document(follower, HONEST + 1);
        let good = sim.written(follower, &forged, Mode::Safe);
        let other_body = sim.written(follower, &document(follower, HONEST + 2), Mode::Safe);
        let plain = sim.written(follower, &forged, Mode::Plain);
        let mut envelope = sim.envelope(&follower.app_id);
        let time = good.query.split('&').find_map(|pair| pair.strip_prefix("timestamp=")).unwrap_or_default();
        let signed = |envelope: &magpie_tests::wechat_envelope::Envelope, time: &str, sealed: &str| Written {
            query: format!(
                "signature={}&timestamp={time}&nonce=7&encrypt_type=aes&msg_signature={}",
                envelope.sign(&[time, "7"]),
                envelope.sign(&[time, "7", sealed])
            ),
            body: format!("<xml><Encrypt>{sealed}</Encrypt></xml>"),
        };
        let old = signed(&envelope, "1500000000", &envelope.seal(&forged, [7; 16]));
        envelope.receiver = "wx0000000000000000".to_owned();
        let for_another = signed(&envelope, time, &envelope.seal(&forged, [7; 16]));
        let long = format!("<xml><Encrypt>{}</Encrypt></xml>", "A".repeat(600 * 1024));
        Self { good, other_body, plain, for_another, old, long }
    }

    /// The nth forgery.
    fn forge(&self, nth: usize) -> Written {
        let of = |query: &str, body: &str| Written { query: query.to_owned(), body: body.to_owned() };
        let good = &self.good;
        match nth % 9 {
            0 => of("", &good.body),
            1 => of(
                &format!("signature={nth:040x}&timestamp={nth}&nonce={nth}&msg_signature={nth:040x}"),
                &good.body,
            ),
            2 => of(&good.query, &self.other_body.body),
            3 => of(&self.plain.query, &self.plain.body),
            4 => of(&good.query.replace("nonce=", "nonce=1"), &good.body),
            5 => self.for_another.clone(),
            6 => self.old.clone(),
            7 => of(
                &good.query,
                "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><xml><Encrypt>&a;</Encrypt></xml>",
            ),
            // Long bodies are rarer: they take their time on the way.
            _ if nth.is_multiple_of(40) => of(&good.query, &self.long),
            _ => of(&good.query, &"<a>".repeat(100)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_forged_callbacks_are_refused_in_flat_memory() -> anyhow::Result<()> {
    let Staged { sim, small, homeserver, mut bridge, address, stage: _stage } = Staged::start().await?;
    let templates = Templates::new(&sim, &small.alice);
    let http = reqwest::Client::new();
    let bring = |written: Written| {
        let request = http.post(format!("{address}?{}", written.query)).body(written.body);
        async move { request.send().await.map(|answer| answer.status()) }
    };
    let mut early_kib = 0;
    for part in 0..10 {
        let each = FORGED / 10;
        let answers = stream::iter(part * each..(part + 1) * each).map(|nth| {
            let (forged, bring) = (templates.forge(nth), &bring);
            async move { (nth, bring(forged).await) }
        });
        let mut answers = answers.buffer_unordered(AT_ONCE);
        while let Some((nth, status)) = answers.next().await {
            assert_eq!(status.context("it is answered")?, StatusCode::UNAUTHORIZED, "{nth}");
        }
        drop(answers);
        for nth in part * HONEST / 10..(part + 1) * HONEST / 10 {
            let honest = sim.written(&small.alice, &document(&small.alice, nth), Mode::Safe);
            assert_eq!(bring(honest).await?, StatusCode::OK, "{nth}");
        }
        let kib = resident_kib(&bridge)?;
        println!("after {}: {kib} KiB", (part + 1) * each);
        match part {
            ..WARM_UP => early_kib = kib,
            _ => assert!(kib < early_kib + GROWTH_KIB_MAX, "{kib} KiB, from {early_kib}"),
        }
    }
    let all =
        homeserver.wait_until(|homeserver| Some(said(homeserver)).filter(|said| said.len() >= HONEST)).await;
    assert!(
        all.len() == HONEST && all.values().all(|times| *times == 1),
        "a forgery was said: {}",
        all.len()
    );
    assert!(bridge.log().lines().filter(|line| line.contains("callback")).count() < 100, "they fill the log");
    assert!(bridge.stop().await?.success());
    Ok(())
}

fn resident_kib(bridge: &Bridge) -> anyhow::Result<usize> {
    let status = fs::read_to_string(format!("/proc/{}/status", bridge.id().context("it runs")?))?;
    let now = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel counts")?;
    Ok(now.trim().trim_end_matches(" kB").parse()?)
}

/// What was said in all rooms, and how often.
fn said(homeserver: &FakeHomeserver) -> BTreeMap<String, usize> {
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for room in homeserver.rooms() {
        for (_, body) in homeserver.messages(&room) {
            if body.starts_with("number ") {
                *said.entry(body).or_default() += 1;
            }
        }
    }
    said
}
