//! The bridge for tests: it takes any server for WhatsApp's own. Built only with the feature `simulator`, and never in a release.

use std::process::ExitCode;

fn main() -> ExitCode {
    magpie_common::runtime::main::<magpie_whatsapp::WhatsApp>()
}
