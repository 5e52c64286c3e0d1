//! `cargo xtask test`: set-up, then all tests or one area of them.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context;

use crate::{
    run::{build, cargo, run as run_command},
    setup::{Part, Tools},
    static_program, system,
};

/// A part of the tests with a name of its own.
struct Area {
    name: &'static str,
    /// Every test of these packages …
    packages: &'static [&'static str],
    /// … and every test with one of these in its name.
    names: &'static [&'static str],
    needs: &'static [Part],
}

const EVERYTHING: &[Part] = &[Part::Synapse, Part::Postgres, Part::Judges, Part::Deploy];

/// The area whose tests put a static program into an image.
const DEPLOY: &str = "deploy";

const AREAS: &[Area] = &[
    Area { name: "bench", packages: &[], names: &["bench"], needs: &[Part::Postgres] },
    Area { name: "common", packages: &["magpie-common"], names: &[], needs: &[Part::Postgres] },
    Area { name: "convert", packages: &[], names: &["convert"], needs: &[] },
    Area { name: "crash", packages: &[], names: &["crash"], needs: &[Part::Synapse, Part::Postgres] },
    Area {
        name: DEPLOY,
        packages: &[],
        // What operators are given, what they do with it, and the book that tells them.
        names: &["book::", "deploy", "doctor::", "manual::", "operations::", "registrations"],
        needs: EVERYTHING,
    },
    Area { name: "discord", packages: &["magpie-discord"], names: &["discord"], needs: EVERYTHING },
    Area { name: "features", packages: &[], names: &["features"], needs: &[] },
    Area { name: "harness", packages: &[], names: &["harness"], needs: EVERYTHING },
    Area { name: "store", packages: &[], names: &["store"], needs: &[Part::Postgres] },
    Area { name: "telegram", packages: &["magpie-telegram"], names: &["telegram"], needs: EVERYTHING },
    Area { name: "tidy", packages: &[], names: &["tidy"], needs: &[] },
    Area { name: "wechat", packages: &["magpie-wechat"], names: &["wechat"], needs: EVERYTHING },
    Area { name: "whatsapp", packages: &["magpie-whatsapp"], names: &["whatsapp"], needs: EVERYTHING },
];

/// The areas whose tests start the program that takes a simulator for WhatsApp, or hold such a bridge themselves.
const SIMULATED_AREAS: &[&str] = &["crash", "whatsapp"];

/// How that program and those tests are built: apart, so that everything else is what is shipped.
const SIMULATED: &[&str] = &["--workspace", "--features", "magpie-whatsapp/simulator", "--test", "simulated"];
const SIMULATED_PROGRAM: &[&str] = &["--bin", "magpie-whatsapp-simulated"];

/// The table above for `--help`; a test keeps them equal.
pub const AREAS_HELP: &str = "Areas: bench, common, convert, crash, deploy, discord, features, harness, store, telegram, tidy, wechat, whatsapp";

/// Sets up what the chosen tests need and runs them.
pub fn run(tools: &Tools, filter: Option<&str>, quick: bool) -> anyhow::Result<()> {
    let area = AREAS.iter().find(|area| Some(area.name) == filter);
    if !quick {
        set_up(tools, area.map_or(EVERYTHING, |area| area.needs))?;
    }
    let skips = tools.folder.join("skipped");
    fs::create_dir_all(&tools.folder)?;
    fs::write(&skips, "")?;
    // Tests start our programs, and cargo builds a program for the tests of its own package only. All targets at once, so that the tests
    // themselves are built with the same features and not a second time.
    let built = build(tools, &["--workspace", "--all-targets"])?;
    let program = |name: &str| built.programs.get(name).with_context(|| format!("the build made no {name}"));
    let needs = area.map_or(EVERYTHING, |area| area.needs);
    if !quick && area.is_none_or(|area| area.name == DEPLOY) {
        // Before anything else is built, which puts other libraries in the place of these.
        or_skipped(static_program::link(tools, &built))?;
    }
    if may_need_simulated(area, quick) {
        // With its tests, since without any test the whole tree would be built once more with less features.
        let mut build = cargo(tools);
        build.arg("build").args(SIMULATED).args(SIMULATED_PROGRAM);
        run_command(&mut build, "the build failed; see above")?;
    }
    let has_database = !quick && needs.iter().any(|part| matches!(part, Part::Postgres));
    let postgres = match has_database {
        true => Postgres::start(tools, program("magpie-postgres")?),
        false => None,
    };
    let outcome = commands(area, filter, quick).iter().try_for_each(|arguments| {
        let mut command = cargo(tools);
        command.args(arguments).env("MAGPIE_TEST_SKIPPED", &skips);
        if let Some(postgres) = &postgres {
            command.env("MAGPIE_TEST_POSTGRES_URL", &postgres.url);
        }
        if quick {
            command.env("MAGPIE_TEST_QUICK", "1");
        }
        run_command(&mut command, "tests failed; see above")
    });
    report_skips(&fs::read_to_string(&skips).unwrap_or_default(), quick);
    outcome?;
    if filter.is_some() || quick {
        return Ok(());
    }
    prove_features(program("magpie-features")?, &skips)
}

/// Whether the chosen tests may start it. What is no area is a part of a test's name, which can be any; and a quick run starts nothing that
/// needs Node.
fn may_need_simulated(area: Option<&Area>, quick: bool) -> bool {
    !quick && area.is_none_or(|area| SIMULATED_AREAS.contains(&area.name))
}

/// A database server for tests of packages that cannot start one. It ends when it is dropped.
struct Postgres {
    url: String,
    child: Child,
}

impl Postgres {
    /// `None` where there is no PostgreSQL; what needs it is skipped then, and with CI=true fails.
    fn start(tools: &Tools, program: &Path) -> Option<Self> {
        let mut command = Command::new(program);
        command.current_dir(&tools.root).env("MAGPIE_TOOLS", &tools.folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let mut url = String::new();
        let told = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut url));
        if !matches!(told, Some(Ok(1..))) {
            let _ = child.wait();
            return None;
        }
        Some(Self { url: url.trim().to_owned(), child })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A feature whose proof was skipped is not proved by this run.
fn prove_features(program: &Path, skips: &Path) -> anyhow::Result<()> {
    let mut check = Command::new(program);
    check.args(["--check", "--skipped"]).arg(skips);
    let proved = run_command(&mut check, "some features are not proved by this run; see above");
    match proved {
        Err(error) if env::var("CI").is_ok_and(|value| value == "true") => Err(error),
        Err(error) => {
            eprintln!("warning: {error:#}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// A missing part stops a run with CI=true; elsewhere its tests are skipped and named.
fn set_up(tools: &Tools, parts: &[Part]) -> anyhow::Result<()> {
    parts.iter().try_for_each(|part| or_skipped(tools.set_up(*part)))
}

fn or_skipped(outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error) if env::var("CI").is_ok_and(|value| value == "true") => Err(error),
        Err(error) => {
            eprintln!("warning: {error:#}. Tests that need it will be skipped.");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn commands(area: Option<&Area>, filter: Option<&str>, quick: bool) -> Vec<Vec<String>> {
    let nextest = system::works("cargo", &["nextest", "--version"]);
    let names: Vec<&str> = area.map_or(filter.into_iter().collect(), |area| area.names.to_vec());
    let packages = area.map_or(&[][..], |area| area.packages);
    let mut all = if nextest { with_nextest(packages, &names) } else { with_cargo(packages, &names) };
    if may_need_simulated(area, quick) {
        all.push(simulated(if packages.is_empty() { &names } else { &[] }));
    }
    all
}

/// The tests in there; these names among them.
fn simulated(names: &[&str]) -> Vec<String> {
    let mut tests = words(&["test"]);
    tests.extend(words(SIMULATED));
    tests.extend(words(&["--no-fail-fast", "--"]));
    tests.extend(words(names));
    tests
}

fn with_nextest(packages: &[&str], names: &[&str]) -> Vec<Vec<String>> {
    let packages_terms = packages.iter().map(|package| format!("package({package})"));
    let terms: Vec<String> = packages_terms.chain(names.iter().map(|name| format!("test({name})"))).collect();
    let mut tests = words(&["nextest", "run", "--workspace"]);
    if terms.is_empty() {
        // nextest does not run the examples in the documentation.
        return vec![tests, words(&["test", "--workspace", "--doc", "--quiet"])];
    }
    tests.extend(["-E".to_owned(), terms.join(" | ")]);
    vec![tests]
}

fn with_cargo(packages: &[&str], names: &[&str]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for package in packages {
        all.push(words(&["test", "--package", package, "--no-fail-fast"]));
    }
    if !names.is_empty() || packages.is_empty() {
        let mut tests = words(&["test", "--workspace", "--no-fail-fast", "--"]);
        tests.extend(words(names));
        all.push(tests);
    }
    all
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// In a quick run the skips are wanted, so their number is enough.
fn report_skips(skips: &str, quick: bool) {
    let lines: BTreeSet<&str> = skips.lines().collect();
    if lines.is_empty() {
        return;
    }
    eprintln!("\n{} tests with real software were skipped", lines.len());
    for line in lines.into_iter().filter(|_| !quick) {
        eprintln!("  {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_area() {
        let names: Vec<&str> = AREAS.iter().map(|area| area.name).collect();
        assert_eq!(AREAS_HELP, format!("Areas: {}", names.join(", ")));
    }

    #[test]
    fn only_what_may_need_the_simulated_program_builds_it() {
        let of = |name: &str| AREAS.iter().find(|area| area.name == name);
        assert!(may_need_simulated(None, false));
        assert!(SIMULATED_AREAS.iter().all(|name| of(name).is_some() && may_need_simulated(of(name), false)));
        assert!(!may_need_simulated(of("store"), false));
        assert!(!may_need_simulated(None, true));
    }

    #[test]
    fn areas_become_filters() {
        let nextest = |packages: &[&str], names: &[&str]| with_nextest(packages, names).remove(0).join(" ");
        assert_eq!(nextest(&[], &[]), "nextest run --workspace");
        assert_eq!(nextest(&["a"], &["b", "c"]), "nextest run --workspace -E package(a) | test(b) | test(c)");
        let cargo =
            |packages: &[&str], names: &[&str]| with_cargo(packages, names).last().map(|all| all.join(" "));
        assert_eq!(cargo(&[], &[]).as_deref(), Some("test --workspace --no-fail-fast --"));
        assert_eq!(cargo(&["a"], &["b"]).as_deref(), Some("test --workspace --no-fail-fast -- b"));
        assert_eq!(cargo(&["a"], &[]).as_deref(), Some("test --package a --no-fail-fast"));
    }
}
