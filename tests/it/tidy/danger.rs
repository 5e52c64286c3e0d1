//! What is shipped never takes a stranger's server for WhatsApp's: the features that switch such checks off are named in one place, which a
//! release refuses to build (`bridges/whatsapp/src/lib.rs`), and nothing in the workspace asks for it.

use super::{File, Problem};

const DANGER: &str = concat!("danger", "-skip");
/// The one feature that may name them, and the file in which it stands.
const FEATURE: &str = "simulator";
const HOME: &str = "bridges/whatsapp/Cargo.toml";

pub(super) fn checks_stay_on(file: &File) -> Vec<Problem> {
    if !file.path.ends_with("Cargo.toml") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (nth, line) in file.text.lines().enumerate() {
        let is_home = file.path == HOME && line.starts_with(&format!("{FEATURE} = ["));
        if line.contains(DANGER) && !is_home {
            found.push(file.problem(format!("line {}: only `{FEATURE}` in {HOME} may name this", nth + 1)));
        }
        // A target that is built only where somebody else asks for it asks for nothing.
        let asks = line.contains(&format!("/{FEATURE}\"")) && !line.starts_with("required-features")
            || line.contains("magpie-whatsapp") && line.contains(&format!("\"{FEATURE}\""))
            || file.path == HOME && line.starts_with("default") && line.contains(FEATURE);
        if asks {
            found.push(file.problem(format!("line {}: no package may ask for `{FEATURE}`", nth + 1)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{super::check, *};

    #[test]
    fn only_the_one_feature_switches_checks_off() {
        let line = format!("{FEATURE} = [\"whatsapp-rust/{DANGER}-cert-chain-verify\"]");
        check(checks_stay_on, HOME, &format!("default = [\"{FEATURE}\"]"), &line);
        check(checks_stay_on, "Cargo.toml", &line, "whatsapp-rust = \"1\"");
        let asks = format!("magpie-whatsapp = {{ path = \"x\", features = [\"{FEATURE}\"] }}");
        check(checks_stay_on, "tests/Cargo.toml", &asks, "magpie-whatsapp.workspace = true");
    }
}
