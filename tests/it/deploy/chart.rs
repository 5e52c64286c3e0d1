//! The Helm chart, judged by Helm's own engine, the schemas of Kubernetes and of the Prometheus operator, checkov, and the bridges themselves.
//!
//! The judges' scripts are in `tests/judges/helm`, with the values files that they render and those that must be refused.

use std::path::Path;

use magpie_tests::{
    harness::{
        bridge::program,
        tools::{Component, need, project},
    },
    openapi::{skip, specs_dir},
};

use super::ask_python;

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
    let bridge = program("magpie-discord").expect("it is built");
    let programs: &Path = bridge.parent().expect("it lies in a folder");
    ask_python(&helm, "helm/configure.py", &[programs]).await.must_be_good();
}

#[tokio::test]
async fn real_deploy_chart_keeps_tokens_through_the_life_of_a_release() {
    let Some(helm) = need(Component::Judge("helm")) else { return };
    ask_python(&helm, "helm/lifecycle.py", &[]).await.must_be_good();
}
