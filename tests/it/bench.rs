//! The benchmark as a test: everything is answered once and in order. The clock is never judged here.

use magpie_tests::{
    bench::{Options, Size, run},
    harness::tools::{Component, need},
};

#[tokio::test]
async fn bench_smoke_everything_is_answered_once_and_in_order() {
    let report = run(&quick(&["sqlite_normal", "sqlite_full"])).await.unwrap();
    must_be_clean(&report.json(), &["limit", "sqlite_normal", "sqlite_full"]);
}

#[tokio::test]
async fn real_bench_smoke_postgres_answers_everything_once_and_in_order() {
    let Some(_) = need(Component::Postgres) else { return };
    let report = run(&quick(&["postgres"])).await.unwrap();
    must_be_clean(&report.json(), &["postgres"]);
}

fn quick(only: &[&str]) -> Options {
    let only = only.iter().map(ToString::to_string).collect();
    Options { size: Size::QUICK, postgres: true, only, growth: false }
}

fn must_be_clean(report: &serde_json::Value, subjects: &[&str]) {
    for subject in subjects {
        let figures = &report[subject];
        for count in ["lost", "doubled", "disordered"] {
            assert_eq!(figures[count], 0, "{subject} {count}: {report:#}");
        }
        assert!(figures["batch100_per_s"].as_f64().is_some_and(|per_s| per_s > 0.0), "{report:#}");
    }
}
