//! The chart's README lists every explained value, taken from values.yaml. `MAGPIE_TEST_WRITE=1` writes it anew.

use std::{env, fmt::Write as _, fs};

use magpie_tests::harness::tools::project;

const BEGIN: &str = "<!-- values -->\n";
const END: &str = "<!-- /values -->\n";
const MARK: &str = "# -- ";

/// A value with its place, what it is when nothing is said, and what it means.
#[derive(Debug, PartialEq, Eq)]
struct Explained {
    path: String,
    default: String,
    words: String,
}

/// The values that have a line `# -- …` above them. Reads the block form that the file is written in, nothing else of YAML.
fn explained(text: &str) -> Vec<Explained> {
    let mut found = Vec::new();
    let mut place: Vec<(usize, &str)> = Vec::new();
    let mut words = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if let Some(text) = line.strip_prefix(MARK) {
            words = Some(text.to_owned());
            continue;
        }
        let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with(['#', '-'])) else {
            continue;
        };
        place.retain(|(outer, _)| *outer < indent);
        place.push((indent, key));
        let Some(words) = words.take() else { continue };
        let path = place.iter().map(|(_, key)| *key).collect::<Vec<_>>().join(".");
        let default = if value.trim().is_empty() { "see the file" } else { value.trim() };
        found.push(Explained { path, default: default.to_owned(), words });
    }
    found
}

fn table(values: &[Explained]) -> String {
    let mut table = "| value | default | meaning |\n|---|---|---|\n".to_owned();
    for Explained { path, default, words } in values {
        let default = if default == "see the file" { default.clone() } else { format!("`{default}`") };
        writeln!(table, "| `{path}` | {default} | {words} |").expect("a text takes all");
    }
    table
}

/// The README with `table` in its place.
fn with_table(readme: &str, table: &str) -> String {
    let (before, rest) = readme.split_once(BEGIN).expect("the table's place begins");
    let (_, after) = rest.split_once(END).expect("the table's place ends");
    format!("{before}{BEGIN}{table}{END}{after}")
}

#[test]
fn deploy_chart_readme_lists_the_values() {
    let chart = project().join("helm/magpie");
    let values = explained(&fs::read_to_string(chart.join("values.yaml")).expect("the values are there"));
    assert!(values.len() > 60, "only {} values are explained", values.len());
    let readme = fs::read_to_string(chart.join("README.md")).expect("the README is there");
    let wanted = with_table(&readme, &table(&values));
    if env::var_os("MAGPIE_TEST_WRITE").is_some() {
        fs::write(chart.join("README.md"), &wanted).expect("it can be written");
    }
    let readme = fs::read_to_string(chart.join("README.md")).expect("the README is there");
    assert!(readme == wanted, "values.yaml says something else; MAGPIE_TEST_WRITE=1 writes the README anew");
}

#[test]
fn deploy_chart_values_are_read_with_their_places() {
    let text = "# Not this.\na:\n  # -- First.\n  b: 1\n  c: 2\n  # -- Second.\n  d:\n    e: 3\n# -- Third.\nf: \"x\"\n";
    let of = |path: &str, default: &str, words: &str| Explained {
        path: path.to_owned(),
        default: default.to_owned(),
        words: words.to_owned(),
    };
    let expected =
        [of("a.b", "1", "First."), of("a.d", "see the file", "Second."), of("f", "\"x\"", "Third.")];
    assert_eq!(explained(text), expected);
}
