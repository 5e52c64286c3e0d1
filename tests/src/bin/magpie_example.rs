//! The bridge of the tutorial.

use std::process::ExitCode;

use magpie_tests::example::Example;

fn main() -> ExitCode {
    magpie_common::runtime::main::<Example>()
}
