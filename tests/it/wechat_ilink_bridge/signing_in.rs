//! Signing in by a QR code: every way in which a code can go.

use magpie_common::{
    config::Secret,
    platform::{LoginProcess, LoginStep, Platform},
};
use magpie_tests::wechat_ilink::Fault;

use super::{Stage, code, done, finish, shown};

/// The field in which a number is asked for.
fn field(step: LoginStep) -> &'static str {
    match step {
        LoginStep::Ask(fields) => {
            assert_eq!(fields.len(), 1, "{fields:?}");
            assert!(!fields[0].label.is_empty());
            fields[0].name
        }
        other => panic!("no number is asked for but {other:?}"),
    }
}

async fn tell(
    process: &mut dyn LoginProcess,
    field: &'static str,
    number: &str,
) -> Result<LoginStep, String> {
    let told = process.step(vec![(field.to_owned(), Secret::new(number))]).await;
    told.map_err(|error| error.to_string())
}

#[tokio::test]
async fn whoever_scans_and_agrees_is_signed_in() {
    let stage = Stage::new().await;
    let (mut process, code) = shown(&stage.platform()).await;
    assert!(code.starts_with("https://"), "the link is what is scanned: {code}");
    stage.sim.person_scans(&code);
    let (login, bot) = tokio::join!(finish(&mut *process), async {
        stage.sim.wait_for_status("scaned").await.expect("the bridge asks");
        stage.sim.person_confirms(&code, stage.small.bob)
    });
    assert_eq!(login.id.as_str(), format!("ilink-{bot}"));
    assert!(!login.name.contains(&stage.sim.token(bot)));
    stage.should_be_right();
}

#[tokio::test]
async fn a_number_on_the_phone_is_asked_for_and_a_wrong_one_is_named() {
    let stage = Stage::new().await;
    let (mut process, code) = shown(&stage.platform()).await;
    stage.sim.phone_shows_number(&code, "42");
    let field = field(process.step(Vec::new()).await.expect("it goes on"));
    let refused = tell(&mut *process, field, "41").await.expect_err("it is the wrong number");
    assert!(refused.chars().count() > 10, "{refused}");
    // Whoever only looks again is asked again; the wrong number is not told once more, as WeChat counts.
    let numbers = || {
        let is_number = |(name, _): &(String, String)| name == "verify_code";
        stage.sim.requests().iter().filter(|request| request.query.iter().any(is_number)).count()
    };
    let before = numbers();
    assert_eq!(self::field(process.step(Vec::new()).await.expect("it goes on")), field);
    assert_eq!(numbers(), before);
    let told = async {
        match tell(&mut *process, field, "42").await.expect("it is the right number") {
            LoginStep::Show { .. } => finish(&mut *process).await,
            other => done(other),
        }
    };
    let (login, bot) = tokio::join!(told, async {
        stage.sim.wait_for_status("scaned").await.expect("the number is right");
        stage.sim.person_confirms(&code, stage.small.bob)
    });
    assert_eq!(login.id.as_str(), format!("ilink-{bot}"));
    stage.should_be_right();
}

#[tokio::test]
async fn too_many_wrong_numbers_lead_to_a_fresh_code() {
    let stage = Stage::new().await;
    let (mut process, first) = shown(&stage.platform()).await;
    stage.sim.phone_shows_number(&first, "42");
    let field = field(process.step(Vec::new()).await.expect("it goes on"));
    for wrong in ["1", "2"] {
        tell(&mut *process, field, wrong).await.expect_err("it is the wrong number");
    }
    let second = code(tell(&mut *process, field, "3").await.expect("there is another code"));
    assert_ne!(first, second);
    let bot = stage.sim.person_confirms(&second, stage.small.bob);
    let login = finish(&mut *process).await;
    assert_eq!(login.id.as_str(), format!("ilink-{bot}"));
    stage.should_be_right();
}

#[tokio::test]
async fn a_code_that_ran_out_is_followed_by_two_others_and_then_by_words() {
    let stage = Stage::new().await;
    let (mut process, first) = shown(&stage.platform()).await;
    let mut codes = vec![first];
    for _ in 0..2 {
        stage.sim.code_expires(&codes[codes.len() - 1]);
        codes.push(code(process.step(Vec::new()).await.expect("there is another code")));
    }
    stage.sim.code_expires(&codes[2]);
    let over = process.step(Vec::new()).await.expect_err("three codes are enough");
    assert!(over.to_string().chars().count() > 10, "{over}");
    codes.dedup();
    assert_eq!(codes.len(), 3);
    stage.should_be_right();
}

#[tokio::test]
async fn a_redirect_is_followed_within_wechat_only() {
    let stage = Stage::new().await;
    let (mut process, first) = shown(&stage.platform()).await;
    stage.sim.code_is_redirected(&first);
    let (login, bot) = tokio::join!(finish(&mut *process), async {
        stage.sim.wait_for_status("scaned_but_redirect").await.expect("the bridge asks");
        stage.sim.person_confirms_elsewhere(&first, stage.small.bob)
    });
    // Everything goes to the other host from now on, or is a finding.
    let session = stage.platform().connect(&login, stage.sink()).await.expect("it connects");
    stage.sim.person_says(bot, "from elsewhere");
    stage.arrived("from elsewhere").await;
    session.close().await;
    stage.should_be_right();

    let (mut process, code) = shown(&stage.platform()).await;
    stage.sim.code_is_redirected_to(&code, "weixin.qq.com.localhost");
    let asked = stage.sim.request_count("get_qrcode_status");
    let refused = process.step(Vec::new()).await.expect_err("that is none of WeChat's");
    assert!(refused.to_string().chars().count() > 10, "{refused}");
    assert_eq!(stage.sim.request_count("get_qrcode_status"), asked + 1);
}

#[tokio::test]
async fn whoever_is_bound_already_keeps_what_is_there() {
    let stage = Stage::new().await;
    let platform = stage.platform();
    let session = platform.connect(&stage.login, stage.sink()).await.expect("it connects");
    let (mut process, code) = shown(&platform).await;
    assert_eq!(stage.sim.person_confirms(&code, stage.small.alice), stage.bot, "its token was named");
    let login = finish(&mut *process).await;
    assert_eq!((&login.id, login.secret.expose()), (&stage.login.id, stage.login.secret.expose()));
    session.close().await;
    stage.should_be_right();
}

#[tokio::test]
async fn broken_polls_count_as_waiting() {
    let stage = Stage::new().await;
    let (mut process, code) = shown(&stage.platform()).await;
    stage.sim.fault("get_qrcode_status", Fault::CutBefore);
    stage.sim.fault("get_qrcode_status", Fault::AnswerAfter { status: 524 });
    let bot = stage.sim.person_confirms(&code, stage.small.bob);
    let login = finish(&mut *process).await;
    assert_eq!(login.id.as_str(), format!("ilink-{bot}"));
    stage.should_be_right();
}
