//! The figures, as one JSON object or as a table with the goal beside each.

use serde_json::{Map, Value, json};

use super::{subject::Kind, tally::Counts};

/// Everything about one subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) batch100_per_s: Rounds,
    pub(super) batch1_per_s: Rounds,
    pub(super) p50_ms: Rounds,
    pub(super) p99_ms: Rounds,
    pub(super) cpu_ms_per_1000: Rounds,
    pub(super) rss_idle_mib: f64,
    pub(super) rss_anon_mib: f64,
    pub(super) rss_after_50k_mib: f64,
    pub(super) start_ms: Rounds,
    pub(super) counts: Counts,
}

/// One figure in each round.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds(pub(super) Vec<f64>);

/// The whole run.
#[derive(Debug, Default)]
pub struct Report {
    pub(super) subjects: Vec<(Kind, Figures)>,
    pub(super) rss_touched_mib: Option<f64>,
    pub(super) binary_mb: f64,
    /// What one wait for the disk costs.
    pub(super) commit_ms: f64,
    pub(super) growth: Option<(f64, f64)>,
}

/// What one figure should be.
struct Goal {
    figure: &'static str,
    measured: f64,
    goal: f64,
    /// Whether more is better.
    more: bool,
    note: &'static str,
}

impl Rounds {
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// The median of what each round says about itself.
    fn over(&self, limit: &Self) -> f64 {
        let ratios = self.0.iter().zip(&limit.0).filter(|(_, limit)| **limit > 0.0);
        Self(ratios.map(|(figure, limit)| figure / limit).collect()).median()
    }
}

impl Figures {
    fn first_five(&self) -> [(&'static str, &Rounds); 5] {
        [
            ("batch100_per_s", &self.batch100_per_s),
            ("batch1_per_s", &self.batch1_per_s),
            ("p50_ms", &self.p50_ms),
            ("p99_ms", &self.p99_ms),
            ("cpu_ms_per_1000", &self.cpu_ms_per_1000),
        ]
    }

    fn json(&self, limit: &Self) -> Value {
        let mut all = Map::new();
        for (name, rounds) in self.first_five() {
            all.insert(name.to_owned(), rounded(rounds.median()));
        }
        let memory = [
            ("rss_idle_mib", self.rss_idle_mib),
            ("rss_anon_mib", self.rss_anon_mib),
            ("rss_after_50k_mib", self.rss_after_50k_mib),
            ("start_ms", self.start_ms.median()),
        ];
        all.extend(memory.map(|(name, figure)| (name.to_owned(), rounded(figure))));
        let Counts { lost, doubled, disordered } = self.counts;
        let counts = [("lost", lost), ("doubled", doubled), ("disordered", disordered)];
        all.extend(counts.map(|(name, count)| (name.to_owned(), json!(count))));
        let ratios = self.first_five().into_iter().zip(limit.first_five());
        let ratios: Map<String, Value> =
            ratios.map(|((name, ours), (_, limit))| (name.to_owned(), rounded(ours.over(limit)))).collect();
        all.insert("x_limit".to_owned(), ratios.into());
        all.into()
    }
}

impl Report {
    /// Whether every message of every run was answered exactly once and in order.
    pub fn is_clean(&self) -> bool {
        self.subjects.iter().all(|(_, figures)| figures.counts.is_clean())
    }

    /// One object.
    pub fn json(&self) -> Value {
        let limit = self.figures(Kind::Limit).cloned().unwrap_or_default();
        let mut all: Map<String, Value> = self
            .subjects
            .iter()
            .map(|(kind, figures)| (kind.name().to_owned(), figures.json(&limit)))
            .collect();
        all.insert(
            "rss_touched_10k_portals_100k_ghosts_mib".to_owned(),
            self.rss_touched_mib.map_or(Value::Null, rounded),
        );
        all.insert("binary_mb".to_owned(), rounded(self.binary_mb));
        all.into()
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut lines = vec![format!(
            "{:58} {:>10} {:>12}",
            "Figure (medians; x = times the limit of the same round)", "measured", "goal"
        )];
        for (kind, figures) in &self.subjects {
            lines.push(format!("\n{}", kind.name()));
            for (name, rounds) in figures.first_five() {
                lines.push(format!("  {name:56} {:>10.3}", rounds.median()));
            }
            lines.push(format!("  {:56} {:>10.3}", "start_ms", figures.start_ms.median()));
            lines.push(format!("  {:56} {:>10.3}", "rss_idle_mib", figures.rss_idle_mib));
            lines.extend(self.goals(*kind, figures).iter().map(Goal::line));
            let Counts { lost, doubled, disordered } = figures.counts;
            lines.push(format!("  lost {lost}, doubled {doubled}, disordered {disordered}"));
        }
        lines.push("\nall".to_owned());
        lines.extend(self.common_goals().iter().map(Goal::line));
        lines.push(format!("  one wait for the disk: {:.3} ms", self.commit_ms));
        if let Some((before, after)) = self.growth {
            let percent = (after / before - 1.0) * 100.0;
            lines.push(format!("  memory from 50,000 to 500,000 hops: {before:.1} to {after:.1} MiB ({percent:+.1} %, goal 2 %)"));
        }
        lines.join("\n")
    }

    fn figures(&self, wanted: Kind) -> Option<&Figures> {
        self.subjects.iter().find(|(kind, _)| *kind == wanted).map(|(_, figures)| figures)
    }

    fn goals(&self, kind: Kind, figures: &Figures) -> Vec<Goal> {
        let (Some(limit), Some((batch100, batch1, slack_p50, slack_p99))) =
            (self.figures(Kind::Limit), speed_goals(kind, self.commit_ms))
        else {
            return Vec::new();
        };
        let more = |figure, measured, goal| Goal { figure, measured, goal, more: true, note: "x" };
        let less = |figure, measured, goal, note| Goal { figure, measured, goal, more: false, note };
        let mut goals = vec![more(
            "hops/s in transactions of 100",
            figures.batch100_per_s.over(&limit.batch100_per_s),
            batch100,
        )];
        if let Some(batch1) = batch1 {
            goals.push(more(
                "hops/s in transactions of 1",
                figures.batch1_per_s.over(&limit.batch1_per_s),
                batch1,
            ));
        }
        let (p50, p99) = (limit.p50_ms.median() + slack_p50, limit.p99_ms.median() + slack_p99);
        goals.push(less("p50 at 100 messages/s", figures.p50_ms.median(), p50, "ms"));
        goals.push(less("p99 at 100 messages/s", figures.p99_ms.median(), p99, "ms"));
        goals.push(less(
            "processor time per 1,000 hops",
            figures.cpu_ms_per_1000.over(&limit.cpu_ms_per_1000),
            6.5,
            "x",
        ));
        goals.push(less("memory idle", figures.rss_idle_mib, 13.0, "MiB"));
        goals.push(less("of which anonymous", figures.rss_anon_mib, 4.0, "MiB"));
        let grown = figures.rss_after_50k_mib - figures.rss_idle_mib;
        goals.push(less("memory after 50,000 hops, beyond idle", grown, 6.0, "MiB"));
        goals.push(less("start to the first transaction", figures.start_ms.median(), 40.0, "ms"));
        goals
    }

    fn common_goals(&self) -> Vec<Goal> {
        let size = Goal {
            figure: "size of the program",
            measured: self.binary_mb,
            goal: 16.0,
            more: false,
            note: "MB",
        };
        let before = self.figures(Kind::SqliteNormal).map(|figures| figures.rss_after_50k_mib);
        let touched = self.rss_touched_mib.zip(before).map(|(after, before)| Goal {
            figure: "10,000 portals and 100,000 ghosts touched: more memory",
            measured: after - before,
            goal: 4.0,
            more: false,
            note: "MiB",
        });
        touched.into_iter().chain([size]).collect()
    }
}

impl Goal {
    fn line(&self) -> String {
        let Self { figure, measured, goal, more, note } = self;
        let reached = if *more { measured >= goal } else { measured <= goal };
        let verdict = if reached { "reached" } else { "NOT reached" };
        format!("  {figure:56} {measured:>10.3} {goal:>12.3} {note:3} {verdict}")
    }
}

/// Hops at 100 and at 1 as shares of the limit's, and how much longer than the limit's the latencies may be.
fn speed_goals(kind: Kind, commit_ms: f64) -> Option<(f64, Option<f64>, f64, f64)> {
    let slack = 2.0 * commit_ms + 0.5;
    match kind {
        Kind::Limit => None,
        Kind::SqliteNormal => Some((0.15, Some(0.5), 0.35, 1.2)),
        Kind::SqliteFull => Some((0.14, Some(0.16), slack, slack)),
        Kind::Postgres => Some((0.08, None, slack, slack)),
    }
}

/// Three decimals are more than a benchmark knows.
fn rounded(figure: f64) -> Value {
    json!((figure * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ours = Rounds(vec![10.0, 30.0, 2.0]);
        assert_eq!(ours.over(&Rounds(vec![100.0, 100.0, 10.0])).to_bits(), 0.2_f64.to_bits());
        assert_eq!(ours.median().to_bits(), 10.0_f64.to_bits());
    }
}
