//! The table of features is true, and the page made from it is fresh.

use std::{env, fs};

use magpie_tests::{
    features::{self, Level, State},
    openapi::project_root,
};
use serde_json::Value;

/// What must be carried and is not yet. It only shrinks once a bridge is there.
const STILL_MISSING: [&str; 0] = [];

#[test]
fn every_yes_names_a_test_that_exists() {
    assert_eq!(features::missing(&features::all()), [""; 0]);
}

#[test]
fn every_must_is_proved() {
    let all = features::all();
    let open = all.iter().filter(|it| it.level == Level::Must && !matches!(it.state, State::Yes(_)));
    assert_eq!(open.map(|feature| feature.name).collect::<Vec<_>>(), STILL_MISSING);
}

#[test]
fn programs_can_read_it() {
    let all = features::all();
    let json = features::json(&all).expect("the rows have a JSON form");
    let rows: Vec<Value> = serde_json::from_str(&json).expect("it is an array");
    assert_eq!(rows.len(), all.len());
    for row in rows {
        let keys: Vec<&str> = row.as_object().expect("it is an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["direction", "feature", "level", "platform", "reason", "state", "test"]);
        assert_eq!(row["state"] == "yes", row["test"].is_string(), "{row}");
        assert_ne!(row["test"].is_null(), row["reason"].is_null(), "{row}");
    }
}

/// `MAGPIE_BLESS=1` writes the page anew.
#[test]
fn the_page_regenerates_unchanged() {
    let (file, page) = (project_root().join("docs/features.md"), features::page(&features::all()));
    if env::var_os("MAGPIE_BLESS").is_some() {
        fs::write(&file, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/features.md is old: run the test with MAGPIE_BLESS=1");
}
