//! Rules of direction: who may import whom.

use std::collections::BTreeSet;

use syn::{
    ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

use super::{File, Problem, code, production};

/// The layers of `common`, lowest first. `testkit` stands aside.
const LAYERS: [&[&str]; 6] = [
    &["ids", "message", "clock", "config", "steps"],
    &["convert"],
    &["platform", "homeserver", "store", "report"],
    &["media", "puppet", "login", "portal"],
    &["appservice", "commands", "api", "health"],
    &["runtime"],
];
const DOMAIN: usize = 3;
const ASIDE: &str = "testkit";
const FOR_BRIDGES: [&str; 6] = ["ids", "message", "config", "platform", "runtime", "clock"];

pub(super) fn downward(file: &File) -> Vec<Problem> {
    let Some(inside) = file.path.strip_prefix("common/src/").filter(|_| file.is_rust()) else {
        return Vec::new();
    };
    let room = inside.split(['/', '.']).next().unwrap_or_default();
    if room == "lib" || room == ASIDE || file.path.ends_with("tests.rs") {
        return Vec::new();
    }
    let Some(own) = layer(room) else { return vec![file.problem(format!("`{room}` is in no layer"))] };
    let depth = inside.split('/').count();
    let used = match imports(&production(&file.text), "crate", depth) {
        Ok(used) => used,
        Err(why) => return vec![file.problem(why)],
    };
    let mut found = Vec::new();
    for used in used {
        let fault = match layer(&used) {
            _ if used == room || used == ASIDE => continue,
            None => format!("`crate::{used}` is in no layer"),
            Some(theirs) if theirs > own => format!("`{room}` imports `{used}`, which lies above it"),
            Some(DOMAIN) if own == DOMAIN && room != "portal" => {
                format!("`{room}` imports its neighbor `{used}`; only `portal` may")
            }
            Some(_) => continue,
        };
        found.push(file.problem(fault));
    }
    found
}

pub(super) fn bridge_imports(file: &File) -> Vec<Problem> {
    if !file.path.starts_with("bridges/") || !file.is_rust() || file.path.contains("tests") {
        return Vec::new();
    }
    let used = match imports(&production(&file.text), "magpie_common", usize::MAX) {
        Ok(used) => used,
        Err(why) => return vec![file.problem(why)],
    };
    let strange = used.into_iter().filter(|room| !FOR_BRIDGES.contains(&room.as_str()));
    strange.map(|room| file.problem(format!("a bridge may not import `magpie_common::{room}`"))).collect()
}

pub(super) fn nothing_imports_a_bridge(file: &File) -> Vec<Problem> {
    let from = if file.path.starts_with("bridges/") {
        file.path.split('/').nth(1)
    } else if file.path.starts_with("common/") || file.path.starts_with("xtask/") {
        None
    } else {
        return Vec::new();
    };
    let is_source = file.is_rust() || file.path.ends_with("Cargo.toml");
    let bridges =
        ["discord", "telegram", "whatsapp", "wechat"].into_iter().filter(|bridge| Some(*bridge) != from);
    let named = |bridge: &str| {
        let (path, dependency) = (format!("magpie_{bridge}::"), format!("magpie-{bridge}"));
        code(&file.text).any(|(_, line)| {
            if file.is_rust() { line.contains(&path) } else { line.starts_with(&dependency) }
        })
    };
    let found = bridges.filter(|bridge| is_source && named(bridge));
    found.map(|bridge| file.problem(format!("imports the bridge `{bridge}`"))).collect()
}

/// What differs between the rooms that there are and those in the table `| layer | room | duty |`.
pub(super) fn room_problems(rooms: &[String], architecture: &str) -> Vec<String> {
    let second_cell = |line: &str| {
        let cell = line.strip_prefix('|')?.split('|').nth(1)?.trim().to_owned();
        let name = cell.strip_prefix('`')?.split('`').next()?.to_owned();
        Some(name)
    };
    let table =
        architecture.lines().skip_while(|line| !line.replace(' ', "").starts_with("|layer|room|duty"));
    let named: BTreeSet<String> =
        table.take_while(|line| line.starts_with('|')).filter_map(second_cell).collect();
    let there: BTreeSet<String> = rooms.iter().cloned().collect();
    let unnamed = there.difference(&named).map(|room| format!("ARCHITECTURE.md does not name `{room}`"));
    let gone =
        named.difference(&there).map(|room| format!("ARCHITECTURE.md names `{room}`, which is not there"));
    unnamed.chain(gone).collect()
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// The first names behind `root::`, in `use` lines and in paths; `depth` modules up, `super` is the root, too.
fn imports(text: &str, root: &'static str, depth: usize) -> Result<BTreeSet<String>, String> {
    let mut reader = Reader { root, depth, found: BTreeSet::new() };
    let parsed = syn::parse_file(text).map_err(|error| format!("cannot be parsed: {error}"))?;
    reader.visit_file(&parsed);
    // Paths inside macros are not parsed, so the rest is read as text.
    let prefix = format!("{root}::");
    for (_, line) in code(text) {
        for (at, _) in line.match_indices(&prefix) {
            let is_whole = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
            let name: String =
                line[at + prefix.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if is_whole && name.starts_with(|c: char| c.is_ascii_lowercase()) {
                reader.found.insert(name);
            }
        }
    }
    Ok(reader.found)
}

struct Reader {
    root: &'static str,
    depth: usize,
    found: BTreeSet<String>,
}

impl Reader {
    fn names(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => drop(self.found.insert(path.ident.to_string())),
            UseTree::Name(name) => drop(self.found.insert(name.ident.to_string())),
            UseTree::Rename(name) => drop(self.found.insert(name.ident.to_string())),
            UseTree::Glob(_) => {}
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.names(tree)),
        }
    }

    fn behind_root(&mut self, tree: &UseTree, supers: usize) {
        match tree {
            UseTree::Path(path) if path.ident == self.root => self.names(&path.tree),
            UseTree::Path(path) if path.ident == "super" && supers + 1 == self.depth => {
                self.names(&path.tree)
            }
            UseTree::Path(path) if path.ident == "super" => self.behind_root(&path.tree, supers + 1),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.behind_root(tree, supers)),
            UseTree::Path(_) | UseTree::Name(_) | UseTree::Rename(_) | UseTree::Glob(_) => {}
        }
    }
}

impl Visit<'_> for Reader {
    fn visit_item_use(&mut self, item: &ItemUse) {
        self.behind_root(&item.tree, 0);
    }

    fn visit_item_mod(&mut self, item: &ItemMod) {
        self.depth = self.depth.saturating_add(1);
        visit::visit_item_mod(self, item);
        self.depth = if self.depth == usize::MAX { usize::MAX } else { self.depth - 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn upward_imports_are_found() {
        let good = "use crate::{ids::A, message::B};\n/// [`crate::runtime`]\nstruct A;\n";
        check(downward, "common/src/store/a.rs", "use crate::portal::A;", good);
        check(downward, "common/src/store.rs", "use crate::{ids::A, runtime};", good);
        check(downward, "common/src/store.rs", "fn f() { crate::runtime::go() }", good);
        check(downward, "common/src/store.rs", "macro_rules! m { () => { crate::api::go() } }", good);
        check(downward, "common/src/store.rs", "use super::runtime::A;", "use super::ids::A;");
        check(downward, "common/src/store/a.rs", "use super::super::runtime::A;", "use super::runtime::A;");
        check(
            downward,
            "common/src/store.rs",
            "mod a { use super::super::api::A; }",
            "mod a { use super::api::A; }",
        );
        assert_ne!(downward(&File { path: "common/src/utils.rs".to_owned(), text: String::new() }), []);
    }

    #[test]
    fn neighbors_in_the_domain_are_for_portal_alone() {
        let neighbor = "use crate::puppet::A;";
        check(downward, "common/src/media.rs", neighbor, "use crate::store::A;");
        check(
            downward,
            "common/src/media.rs",
            neighbor,
            "#[cfg(test)]\nmod tests {\n    use crate::puppet::A;\n}\n",
        );
        assert_eq!(
            downward(&File { path: "common/src/portal.rs".to_owned(), text: neighbor.to_owned() }),
            []
        );
    }

    #[test]
    fn bridges_import_little_and_nobody_imports_them() {
        let good = "use magpie_common::{ids::A, clock::Clock};";
        check(bridge_imports, "bridges/discord/src/lib.rs", "use magpie_common::store::Store;", good);
        check(bridge_imports, "bridges/discord/src/lib.rs", "fn f() { magpie_common::portal::go() }", good);
        check(nothing_imports_a_bridge, "common/src/a.rs", "use magpie_discord::A;", good);
        check(
            nothing_imports_a_bridge,
            "bridges/telegram/src/a.rs",
            "use magpie_discord::A;",
            "use magpie_telegram::A;",
        );
        check(
            nothing_imports_a_bridge,
            "xtask/Cargo.toml",
            "magpie-discord.workspace = true",
            "serde = \"1\"",
        );
    }

    #[test]
    fn rooms_and_their_table_must_agree() {
        let table =
            "# A\n\n| layer | room | duty |\n|---|---|---|\n| words | `ids` | names |\n\n| a | `b` | c |\n";
        let problems =
            |rooms: &[&str]| room_problems(&rooms.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>(), table);
        assert_eq!(problems(&["ids"]), Vec::<String>::new());
        assert_eq!(problems(&["ids", "utils"]), ["ARCHITECTURE.md does not name `utils`"]);
        assert_eq!(problems(&[]), ["ARCHITECTURE.md names `ids`, which is not there"]);
    }
}
