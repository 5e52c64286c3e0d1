//! The Helm chart, judged by Helm's own engine, the schemas of Kubernetes and of the Prometheus operator, checkov, and the bridges themselves.
//!
//! The judges' scripts are in `tests/judges/helm`, with the values files that they render and those that must be refused.

use std::{collections::BTreeMap, fs, path::PathBuf};

use magpie_tests::{
    harness::{
        bridge::program,
        synapse::{Synapse, SynapseOptions},
        tools::{Component, need, project},
    },
    openapi::{skip, specs_dir},
};

use serde_json::{Value, json};

use super::ask_python;

/// What the second registration's bot is called, which speaks for the homeserver's own people.
const FOR_PEOPLE: &str = "magpie-double-puppets";

/// The server name of the values files.
const SERVER: &str = "example.org";

/// The folder with the bridges' programs.
fn programs() -> PathBuf {
    let bridge = program("magpie-discord").expect("it is built");
    bridge.parent().expect("it lies in a folder").to_owned()
}

#[tokio::test]
async fn real_deploy_chart_renders_what_kubernetes_takes() {
    let Some(helm) = need(Component::Judge("helm")) else { return };
    // checkov passes over folders whose names begin with a dot.
    let objects = tempfile::Builder::new().prefix("magpie-objects-").tempdir().expect("a folder can be made");
    ask_python(&helm, "helm/render.py", &[objects.path()]).await.must_be_good();
    let Some(checkov) = need(Component::Judge("checkov")) else { return };
    let containers = project().join("deploy/container");
    ask_python(&checkov, "checkov/judge.py", &[objects.path(), &containers]).await.must_be_good();
}

#[tokio::test]
async fn real_deploy_chart_monitors_please_the_operator() {
    let Some(helm) = need(Component::Judge("helm")) else { return };
    let specs = specs_dir();
    if !specs.join("servicemonitor-v1.schema.json").exists() {
        return skip("real_deploy_chart_monitors_please_the_operator", "the operator's schemas are not here");
    }
    ask_python(&helm, "helm/monitors.py", &[&specs]).await.must_be_good();
}

#[tokio::test]
async fn real_deploy_chart_refuses_wrong_values_with_words() {
    let Some(helm) = need(Component::Judge("helm")) else { return };
    ask_python(&helm, "helm/refuse.py", &[]).await.must_be_good();
}

#[tokio::test]
async fn real_deploy_chart_writes_what_the_bridges_read() {
    let Some(helm) = need(Component::Judge("helm")) else { return };
    ask_python(&helm, "helm/configure.py", &[&programs()]).await.must_be_good();
}

#[tokio::test]
async fn real_deploy_chart_keeps_tokens_through_the_life_of_a_release() {
    let Some(helm) = need(Component::Judge("helm")) else { return };
    ask_python(&helm, "helm/lifecycle.py", &[&programs()]).await.must_be_good();
}

/// Whom the homeserver takes the bearer of `token` for.
async fn whoami(synapse: &Synapse, token: &str, user: &str) -> Value {
    let url = format!("{}/_matrix/client/v3/account/whoami", synapse.url());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let request = client.get(url).query(&[("user_id", user)]).bearer_auth(token);
    request.send().await.expect("it answers").json().await.expect("it is JSON")
}

/// What comes of it when the bearer of `token` makes an account of this name: the user, or the error's code.
async fn registers(synapse: &Synapse, token: &str, localpart: &str) -> String {
    let url = format!("{}/_matrix/client/v3/register", synapse.url());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let wanted =
        json!({ "type": "m.login.application_service", "username": localpart, "inhibit_login": true });
    let request = client.post(url).bearer_auth(token).json(&wanted);
    let answer: Value = request.send().await.expect("it answers").json().await.expect("it is JSON");
    let words = answer["user_id"].as_str().or(answer["errcode"].as_str());
    words.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn real_deploy_chart_registrations_are_read_by_synapse() -> anyhow::Result<()> {
    let (Some(helm), Some(_)) = (need(Component::Judge("helm")), need(Component::Synapse)) else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    ask_python(&helm, "helm/registrations.py", &[folder.path()]).await.must_be_good();
    let tokens: BTreeMap<String, String> =
        serde_json::from_str(&fs::read_to_string(folder.path().join("tokens.json"))?)?;
    let files =
        fs::read_dir(folder.path())?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    let registrations: Vec<PathBuf> =
        files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    assert_eq!((tokens.len(), registrations.len()), (5, 5), "four bridges, and one for people");
    let options =
        SynapseOptions { registrations, server_name: SERVER.to_owned(), ..SynapseOptions::default() };
    let synapse = Synapse::start(options).await?;
    let alice = synapse.person("alice").await?;
    for (bot, token) in &tokens {
        let user = if bot == FOR_PEOPLE { alice.id().to_owned() } else { format!("@{bot}:{SERVER}") };
        let answer = whoami(&synapse, token, &user).await;
        assert_eq!(answer["user_id"], user, "{answer}");
    }
    // Each makes its own ghosts, and those of no other bridge.
    let bridges: Vec<&str> = tokens.keys().filter_map(|bot| bot.strip_suffix("bot")).collect();
    assert_eq!(bridges, ["discord", "telegram", "wechat", "whatsapp"]);
    for (bot, token) in tokens.iter().filter(|(bot, _)| *bot != FOR_PEOPLE) {
        for bridge in &bridges {
            let ghost = format!("{bridge}_of.{bot}=2f");
            let wanted = if *bot == format!("{bridge}bot") {
                format!("@{ghost}:{SERVER}")
            } else {
                "M_EXCLUSIVE".to_owned()
            };
            assert_eq!(registers(&synapse, token, &ghost).await, wanted, "{bot} makes {ghost}");
        }
    }
    Ok(())
}
