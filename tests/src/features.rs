//! What each bridge carries, and the test that proves it: the table behind `docs/features.md` and `cargo xtask features`.
//!
//! A row is a feature in one direction; every row of a platform's fact sheet is among them. A yes without a test that exists is an error, and
//! so is one whose test was skipped. Next: `features/discord.rs` and its neighbor, the tables; `features/proof.rs`, which looks for the
//! tests.

use std::fmt::Write;

use serde::Serialize;

pub use self::proof::{missing, skipped};

mod discord;
mod proof;
mod telegram;
mod wechat_ilink;
mod wechat_official;
mod wechat_wechaty;
mod wechat_wecom;
mod whatsapp_cloud;
mod whatsapp_linked;

/// What proves that the networks meet.
const FOUR_NETWORKS: &str = "it::four_networks::real_people_on_four_networks_share_a_room";

/// How much a feature matters, as the platform's fact sheet ranks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// People expect it.
    Must,
    /// People miss it sooner or later.
    Should,
    /// Nobody else has it.
    Beyond,
}

/// Which way, as seen from Matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the platform into Matrix.
    In,
    /// From Matrix to the platform.
    Out,
    /// It has no direction, or one test proves both.
    Both,
}

/// Whether a bridge carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does; the test that proves it, with the root of its tests before the module.
    Yes(&'static str),
    /// It does not yet, and what there is instead.
    No(&'static str),
    /// The platform cannot.
    Cannot(&'static str),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// The platform.
    pub platform: &'static str,
    /// What it is, in a few words.
    pub name: &'static str,
    /// How much it matters.
    pub level: Level,
    /// Which way.
    pub direction: Direction,
    /// Whether it is carried.
    pub state: State,
}

/// A row as programs read it.
#[derive(Serialize)]
struct Written {
    platform: &'static str,
    feature: &'static str,
    level: Level,
    direction: Direction,
    state: &'static str,
    test: Option<&'static str>,
    reason: Option<&'static str>,
}

/// Every row of every platform.
pub fn all() -> Vec<Feature> {
    [
        discord::rows(),
        telegram::rows(),
        whatsapp_linked::rows(),
        whatsapp_cloud::rows(),
        wechat_ilink::rows(),
        wechat_official::rows(),
        wechat_wecom::rows(),
        wechat_wechaty::rows(),
    ]
    .concat()
}

/// The rows as a JSON array.
///
/// # Errors
/// Never for these rows; the writer's own error is passed on.
pub fn json(features: &[Feature]) -> serde_json::Result<String> {
    let written = features.iter().map(|feature| {
        let (state, test, reason) = match feature.state {
            State::Yes(test) => ("yes", Some(test), None),
            State::No(reason) => ("no", None, Some(reason)),
            State::Cannot(reason) => ("cannot", None, Some(reason)),
        };
        let Feature { platform, name, level, direction, .. } = *feature;
        Written { platform, feature: name, level, direction, state, test, reason }
    });
    serde_json::to_string_pretty(&written.collect::<Vec<_>>())
}

/// The rows as a page for people.
pub fn page(features: &[Feature]) -> String {
    let mut page = String::from(
        "# What the bridges carry\n\n\
         Generated from the table in `tests/src/features/`; `cargo xtask features` prints it, a test keeps this page equal.\n\
         → into Matrix, ← from Matrix, ↔ both. Each yes is proved by a test, each no has its reason.\n",
    );
    let mut platforms: Vec<&str> = features.iter().map(|feature| feature.platform).collect();
    platforms.dedup();
    for platform in platforms {
        for (level, title) in [(Level::Must, "must"), (Level::Should, "should"), (Level::Beyond, "beyond")] {
            let _ = writeln!(
                page,
                "\n## {platform}: {title}\n\n| feature | | | proof or reason |\n|---|---|---|---|"
            );
            let rows = features.iter().filter(|it| it.platform == platform && it.level == level);
            for Feature { name, direction, state, .. } in rows {
                let arrow = match direction {
                    Direction::In => "→",
                    Direction::Out => "←",
                    Direction::Both => "↔",
                };
                let (state, why) = match state {
                    State::Yes(test) => ("yes", format!("`{test}`")),
                    State::No(reason) => ("not yet", (*reason).to_owned()),
                    State::Cannot(reason) => ("cannot", (*reason).to_owned()),
                };
                let _ = writeln!(page, "| {name} | {arrow} | {state} | {why} |");
            }
        }
    }
    page
}
