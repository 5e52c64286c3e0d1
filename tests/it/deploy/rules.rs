//! Alerts and dashboard: Prometheus' own tool reads them, each alert has a page, a test and a copy in the chart, and each metric is one of ours.

use std::{collections::BTreeSet, ffi::OsStr, fs, path::Path};

use magpie_common::testkit::fake_homeserver::FakeHomeserver;
use magpie_tests::{
    harness::tools::{Component, need, project},
    stage::{Cast, Stage},
};
use serde_json::Value;

use super::ask;

/// What Synapse counts, for the alert that compares both sides.
const OF_SYNAPSE: &str = "synapse_appservice_api_sent_events_total";

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands after `key: ` in the lines that begin with it.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

/// The names that begin with `magpie_` or `synapse_`, without what a histogram adds to its name.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("magpie_") || word.starts_with("synapse_"));
    let bare = |word: &str| word.trim_end_matches("_bucket").trim_end_matches("_count").to_owned();
    ours.map(bare).collect()
}

/// Every query of the dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("it has panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("a panel asks something"));
    targets.map(|target| target["expr"].as_str().expect("it asks Prometheus").to_owned()).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana/magpie.json")).expect("it is JSON")
}

/// All names that some file registers as a metric.
fn registered() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["common/src", "bridges"] {
        collect(&project().join(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("it is text");
            if text.contains("prometheus::") {
                found.extend(text.split('"').filter(|text| text.starts_with("magpie_")).map(str::to_owned));
            }
        }
    }
}

#[test]
fn deploy_rules_have_pages_tests_and_a_copy() {
    let rules = read("deploy/prometheus/magpie.rules.yaml");
    let alerts = values(&rules, "alert");
    assert!(alerts.len() >= 10, "{alerts:?}");
    let tests = read("deploy/prometheus/magpie.tests.yaml");
    for alert in &alerts {
        let page = read(&format!("docs/runbooks/{alert}.md"));
        assert!(page.starts_with(&format!("# {alert}\n")) && page.contains("**What to do.**"), "{alert}");
        let speaks = format!("alertname: {alert}\n    exp_alerts:\n    - ");
        assert!(tests.contains(&speaks), "no test lets {alert} speak");
        assert!(
            tests.contains(&format!("alertname: {alert}, exp_alerts: [] }}")),
            "no test keeps {alert} silent"
        );
    }
    let book = read("docs/monitoring.md");
    for alert in &alerts {
        assert!(
            book.contains(&format!("| [{alert}](runbooks/{alert}.md) |")),
            "the book does not list {alert}"
        );
    }
    let pages = fs::read_dir(project().join("docs/runbooks")).expect("there are pages").count();
    assert_eq!(pages, alerts.len(), "a page is about no alert");
    assert_eq!(read("helm/magpie/files/magpie.rules.yaml"), rules, "the chart has other rules");
}

#[test]
fn deploy_rules_and_dashboard_ask_for_metrics_that_there_are() {
    let registered = registered();
    assert!(registered.contains("magpie_logins"), "the walk does not find them: {registered:?}");
    let queries = queries(&dashboard()).join("\n");
    let asked =
        metrics(&(values(&read("deploy/prometheus/magpie.rules.yaml"), "expr").join("\n") + &queries));
    let strange: Vec<_> =
        asked.iter().filter(|name| *name != OF_SYNAPSE && !registered.contains(*name)).collect();
    assert!(strange.is_empty(), "nobody registers {strange:?}");
    let told: Vec<_> = registered.difference(&metrics(&read("docs/monitoring.md"))).cloned().collect();
    assert!(told.is_empty(), "docs/monitoring.md does not tell of {told:?}");
    let shown = metrics(&queries);
    let unseen: Vec<_> = registered.difference(&shown).collect();
    assert!(unseen.is_empty(), "the dashboard does not show {unseen:?}");
}

#[test]
fn deploy_dashboard_is_whole() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    let rules = read("deploy/prometheus/magpie.rules.yaml");
    let words: String = panels.iter().filter_map(|panel| panel["description"].as_str()).collect();
    for alert in values(&rules, "alert") {
        assert!(words.contains(alert), "no panel names {alert}");
    }
    for panel in panels {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
}

#[tokio::test]
async fn real_deploy_promtool_checks_rules_and_dashboard() {
    let Some(promtool) = need(Component::Promtool) else { return };
    let folder = project().join("deploy/prometheus");
    let check = ["check", "rules", "--lint=all", "--lint-fatal", "magpie.rules.yaml"].map(OsStr::new);
    ask(&promtool, &check, &folder).await.must_be_good();
    ask(&promtool, &["test", "rules", "magpie.tests.yaml"].map(OsStr::new), &folder).await.must_be_good();
    let scratch = tempfile::tempdir().expect("a folder can be made");
    fs::copy(folder.join("magpie.rules.yaml"), scratch.path().join("magpie.rules.yaml"))
        .expect("it is there");
    let book = read("docs/monitoring.md");
    let shown = book
        .split_once("```yaml\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .expect("the book shows one");
    fs::write(scratch.path().join("prometheus.yaml"), shown.0).expect("it can be written");
    let check = ["check", "config", "prometheus.yaml"].map(OsStr::new);
    ask(&promtool, &check, scratch.path()).await.must_be_good();
    // The dashboard's queries, as rules.
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (nth, query) in queries(&dashboard()).iter().enumerate() {
        let query = query.replace("$__rate_interval", "5m");
        rules.push_str(&format!("  - record: magpie:panel{nth}\n    expr: {}\n", Value::from(query)));
    }
    let path = scratch.path().join("dashboard.yaml");
    fs::write(&path, &rules).expect("it can be written");
    let check = [OsStr::new("check"), OsStr::new("rules"), path.as_os_str()];
    ask(&promtool, &check, scratch.path()).await.must_be_good();
    fs::write(&path, rules.replace("sum by (", "sum by ((")).expect("it can be written");
    assert!(!ask(&promtool, &check, scratch.path()).await.is_good, "a broken query is not seen");
}

#[tokio::test]
async fn real_deploy_promtool_checks_the_metrics_of_a_running_bridge() {
    let Some(promtool) = need(Component::Promtool) else { return };
    let cast = Cast {
        id: "echo",
        server_name: "example.org".to_owned(),
        homeserver: "http://127.0.0.1:9".to_owned(),
        database: None,
        durability: "normal",
        admin: "@alice:example.org".to_owned(),
        platform: String::new(),
        environment: Vec::new(),
    };
    let mut stage = Stage::set(cast).expect("it can be set");
    let fake = FakeHomeserver::start(stage.fake_settings()).await.expect("it starts");
    stage.set_homeserver(&fake.url());
    let mut bridge = stage.start().await.expect("it starts");
    let metrics = reqwest::get(format!("{}/metrics", stage.url())).await.expect("it answers");
    let metrics = metrics.text().await.expect("it is text");
    // A counter that appears with its first count is no increase for Prometheus: all stand from the start.
    let registered = registered();
    let counters: Vec<_> = registered.iter().filter(|name| name.ends_with("_total")).collect();
    assert!(counters.len() > 15, "{counters:?}");
    let stands = |name: &str| metrics.contains(&format!("\n# TYPE {name} counter\n{name}"));
    let missing: Vec<_> = counters.into_iter().filter(|name| !stands(name)).collect();
    assert!(missing.is_empty(), "{missing:?} do not stand from the start:\n{metrics}");
    let scratch = tempfile::tempdir().expect("a folder can be made");
    fs::write(scratch.path().join("metrics"), metrics).expect("it can be written");
    let check = |file: &str| format!("exec \"$0\" check metrics < {file}");
    let ok = check("metrics");
    let arguments = [OsStr::new("-c"), OsStr::new(&ok), promtool.as_os_str()];
    ask("sh", &arguments, scratch.path()).await.must_be_good();
    assert!(bridge.stop().await.expect("it stops").success());
}
