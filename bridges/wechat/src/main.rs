//! The WeChat gateway's program.

use std::process::ExitCode;

fn main() -> ExitCode {
    magpie_common::runtime::main::<magpie_wechat::WeChat>()
}
