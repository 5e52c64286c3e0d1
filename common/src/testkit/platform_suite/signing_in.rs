//! Checks of the ways to sign in.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Answers, Recorder, Subject, assert_words, within};
use crate::{
    config::Secret,
    platform::{EventSink, LoginFlow, LoginProcess, LoginStep, Platform, SavedLogin},
};

const STEPS_MAX: usize = 10;

/// Longer codes do not fit into a QR code that a phone can read from a screen.
const QR_BYTES_MAX: usize = 1_000;

/// There is a way in, every flow has a name and words of its own, and an unknown flow is refused with words.
pub async fn configuration_or_flow_leads_in<S: Subject>(subject: &S) {
    let platform = subject.platform();
    let flows = platform.login_flows();
    assert!(!flows.is_empty() || !platform.configured_logins().is_empty(), "there is no way in");
    let names: BTreeSet<_> = flows.iter().map(|flow| flow.id).collect();
    assert_eq!(names.len(), flows.len(), "two flows share a name");
    for flow in &flows {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(!flow.id.is_empty() && flow.id.chars().all(plain), "`{}` is no name to type", flow.id);
        assert_words("a flow", flow.description, &subject.login());
    }
    match platform.begin_login("no-such-flow").await {
        Err(error) => assert_words("the refusal of an unknown flow", &error.to_string(), &subject.login()),
        Ok(_) => panic!("a flow that does not exist begins"),
    }
}

/// Every flow that can be gone here refuses a wrong answer with words, takes the right one, and ends in a login that connects.
pub async fn a_login_flow_leads_to_a_session<S: Subject>(subject: &S) {
    for flow in flows(subject) {
        let begun = within("the beginning of a login", subject.platform().begin_login(flow.id)).await;
        let mut process = begun.expect("a flow that is offered begins");
        let Some(login) = walk(subject, flow.id, &mut *process).await else { continue };
        let sink = EventSink::new(login.id.clone(), Arc::new(Recorder::default()));
        let session = subject.platform().connect(&login, sink).await.expect("a finished login connects");
        assert!(!login.id.as_str().is_empty() && !login.name.is_empty(), "a login without a name: {login:?}");
        session.close().await;
    }
}

/// The flows that can be gone here.
fn flows<S: Subject>(subject: &S) -> Vec<LoginFlow> {
    let mut flows = subject.platform().login_flows();
    flows.retain(|flow| subject.goes(flow.id));
    flows
}

async fn walk<S: Subject>(subject: &S, flow: &str, process: &mut dyn LoginProcess) -> Option<SavedLogin> {
    let mut step = process.step(Vec::new()).await.expect("the first step needs no answers");
    for _ in 0..STEPS_MAX {
        match &step {
            LoginStep::Done(login) => return Some(login.clone()),
            LoginStep::Ask(fields) => {
                assert!(!fields.is_empty(), "{flow} asks for nothing");
                if let Some(wrong) = subject.answer(flow, &step, Answers::Wrong).await {
                    let refused = process.step(secrets(wrong)).await;
                    let error = refused.expect_err("a wrong answer is refused");
                    assert_words("the refusal of an answer", &error.to_string(), &subject.login());
                }
            }
            LoginStep::Show { .. } => assert_shown(subject, &step),
        }
        let answers = subject.answer(flow, &step, Answers::Right).await?;
        step =
            within("the next step", process.step(secrets(answers))).await.expect("a right answer is taken");
    }
    panic!("{flow} does not end after {STEPS_MAX} steps");
}

/// Whoever is asked to confirm a code and says no ends the sign-in, with words.
pub async fn a_refused_code_is_over<S: Subject>(subject: &S) {
    for flow in flows(subject) {
        let Some((mut process, step)) = to_code(subject, flow.id).await else { continue };
        if subject.answer(flow.id, &step, Answers::Wrong).await.is_none() {
            continue;
        }
        match within("what follows a refusal", process.step(Vec::new())).await {
            Err(error) => assert_words("the refusal of a code", &error.to_string(), &subject.login()),
            Ok(step) => panic!("{} goes on after a refusal: {step:?}", flow.id),
        }
    }
}

/// A code whose time is over is followed by a fresh one, and in the end by words; what stays away for ever does not get codes for ever.
pub async fn a_code_is_renewed_or_over_when_its_time_is<S: Subject>(subject: &S) {
    for flow in flows(subject) {
        let Some((mut process, mut step)) = to_code(subject, flow.id).await else { continue };
        let mut codes = BTreeSet::new();
        let over = loop {
            assert_shown(subject, &step);
            let LoginStep::Show { code, .. } = &step else { panic!("{} shows no code: {step:?}", flow.id) };
            assert!(codes.insert(code.clone()), "{} shows a code again that ran out", flow.id);
            assert!(codes.len() <= STEPS_MAX, "{} shows codes for ever", flow.id);
            if subject.answer(flow.id, &step, Answers::Late).await.is_none() {
                break None;
            }
            match within("what follows a code that ran out", process.step(Vec::new())).await {
                Ok(next) => step = next,
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = over {
            assert_words("the end of codes", &error.to_string(), &subject.login());
        }
    }
}

/// Begins a sign-in and goes rightly as far as its first code, if it has one.
async fn to_code<S: Subject>(subject: &S, flow: &str) -> Option<(Box<dyn LoginProcess>, LoginStep)> {
    let begun = within("the beginning of a login", subject.platform().begin_login(flow)).await;
    let mut process = begun.expect("a flow that is offered begins");
    let mut step = process.step(Vec::new()).await.expect("the first step needs no answers");
    for _ in 0..STEPS_MAX {
        match &step {
            LoginStep::Done(_) => return None,
            LoginStep::Show { .. } => return Some((process, step)),
            LoginStep::Ask(_) => {
                let answers = subject.answer(flow, &step, Answers::Right).await?;
                let next = within("the next step", process.step(secrets(answers))).await;
                step = next.expect("a right answer is taken");
            }
        }
    }
    panic!("{flow} does not end after {STEPS_MAX} steps");
}

/// What a person is shown can be read, scanned and understood.
fn assert_shown<S: Subject>(subject: &S, step: &LoginStep) {
    let LoginStep::Show { code, qr, instructions, valid_for, .. } = step else { return };
    assert_words("the instructions", instructions, &subject.login());
    assert!(!code.is_empty(), "there is nothing to scan or to type");
    assert!(!qr || code.len() <= QR_BYTES_MAX, "a code of {} bytes cannot be scanned", code.len());
    assert!(*valid_for > Duration::ZERO, "the code never holds");
}

fn secrets(answers: Vec<(String, String)>) -> Vec<(String, Secret)> {
    answers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}
