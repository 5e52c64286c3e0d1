//! The bridge to nowhere: answers every message, so that any load tool can drive the whole path.

use std::process::ExitCode;

use magpie_tests::echo::Echo;

fn main() -> ExitCode {
    magpie_common::runtime::main::<Echo>()
}
