//! The program `magpie-whatsapp`. Everything is in the library and in `magpie_common::runtime`.

use std::process::ExitCode;

fn main() -> ExitCode {
    magpie_common::runtime::main::<magpie_whatsapp::WhatsApp>()
}
