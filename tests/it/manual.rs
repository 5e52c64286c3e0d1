//! The users' page about commands is what the table of commands says.

use std::{env, fs};

use magpie_common::commands::Commands;
use magpie_tests::openapi::project_root;

/// `MAGPIE_BLESS=1` writes the page anew.
#[test]
fn the_page_of_commands_regenerates_unchanged() {
    let (file, page) = (project_root().join("docs/user/commands.md"), Commands::manual());
    if env::var_os("MAGPIE_BLESS").is_some() {
        fs::write(&file, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/user/commands.md is old: run the test with MAGPIE_BLESS=1");
}
