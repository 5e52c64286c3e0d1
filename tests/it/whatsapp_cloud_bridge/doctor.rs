//! What the doctor says of a number: whether the token may do what the bridge does, and whether its app hears of the business account.

use magpie_common::platform::{Fault as Fails, Finding, Platform};
use magpie_tests::whatsapp_cloud::Fault;

use super::Stage;

const RIGHTS: &str = "rights of the access token";
const SUBSCRIPTION: &str = "subscription to webhooks";

async fn diagnosed(stage: &Stage) -> Vec<Finding> {
    stage.platform().diagnose().await
}

fn of<'a>(findings: &'a [Finding], check: &str) -> &'a Result<String, Fails> {
    let found = findings.iter().find(|finding| finding.check == check);
    &found.unwrap_or_else(|| panic!("{check} is not in {findings:?}")).result
}

/// One fault there is, of this check, with these words of what is wrong and of what to do.
fn must_name(findings: &[Finding], check: &str, (problem, remedy): (&str, &str)) {
    let fault = of(findings, check).as_ref().expect_err("it is a fault");
    assert!(fault.problem.contains(problem), "{}", fault.problem);
    assert!(fault.remedy.contains(remedy), "{}", fault.remedy);
    assert_eq!(findings.iter().filter(|finding| finding.result.is_err()).count(), 1, "{findings:?}");
}

#[tokio::test]
async fn a_right_that_the_token_lacks_is_named_by_the_doctor() {
    let stage = Stage::new().await;
    let healthy = diagnosed(&stage).await;
    assert!(healthy.iter().all(|finding| finding.result.is_ok()), "{healthy:?}");
    assert_eq!(of(&healthy, RIGHTS).as_deref(), Ok("all that is needed"));
    let account = stage.small.account.to_string();
    assert!(of(&healthy, SUBSCRIPTION).as_ref().is_ok_and(|detail| detail.contains(&account)), "{healthy:?}");
    stage.sim.takes_right("whatsapp_business_messaging");
    let words = ("whatsapp_business_messaging, and so nothing can be sent", "system user");
    must_name(&diagnosed(&stage).await, RIGHTS, words);
    stage.should_be_honest("a_right_that_the_token_lacks_is_named_by_the_doctor");
}

#[tokio::test]
async fn an_app_that_hears_of_no_account_is_named_by_the_doctor() {
    let stage = Stage::new().await;
    stage.sim.unsubscribes();
    must_name(&diagnosed(&stage).await, SUBSCRIPTION, ("no message comes", "subscribed_apps"));
    stage.should_be_honest("an_app_that_hears_of_no_account_is_named_by_the_doctor");
}

#[tokio::test]
async fn what_meta_does_not_tell_is_no_fault() {
    let stage = Stage::new().await;
    stage.sim.fault("GET /debug_token", Fault::Refuse(100));
    let findings = diagnosed(&stage).await;
    assert!(findings.iter().all(|finding| finding.result.is_ok()), "{findings:?}");
    assert!(
        of(&findings, RIGHTS).as_ref().is_ok_and(|detail| detail.contains("does not tell")),
        "{findings:?}"
    );
}
