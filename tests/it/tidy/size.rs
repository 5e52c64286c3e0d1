//! Rules of shape: how long files and functions are, and how a file begins.

use super::{File, Problem, code, production};

const FILE_LINES_MAX: usize = 400;
const INLINE_TEST_LINES_MAX: usize = 150;
const FUNCTION_LINES_MAX: usize = 70;

pub(super) fn file_cap(file: &File) -> Vec<Problem> {
    let is_test =
        file.path.contains("tests/it/") || file.path.ends_with("tests.rs") || file.path.contains("/tests/");
    let lines = production(&file.text).lines().count();
    if !file.is_rust() || is_test || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![file.problem(format!("{lines} production lines; split it by what its parts are for"))]
}

pub(super) fn inline_tests_cap(file: &File) -> Vec<Problem> {
    let lines = file.text.lines().count() - production(&file.text).lines().count();
    if !file.is_rust() || lines <= INLINE_TEST_LINES_MAX {
        return Vec::new();
    }
    vec![file.problem(format!("{lines} lines of inline tests; move them to a sibling `tests.rs`"))]
}

pub(super) fn function_cap(file: &File) -> Vec<Problem> {
    if !file.is_rust() {
        return Vec::new();
    }
    let lines: Vec<(usize, &str)> = code(&file.text).collect();
    let mut found = Vec::new();
    for (nth, (number, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        // The tool formats all code: a function ends where its indentation comes back with a brace.
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let length = lines[nth..].iter().take_while(|(_, line)| *line != end).count();
        let has_body = lines[nth..].iter().take(length).any(|(_, line)| line.ends_with('{'));
        if has_body && !line.ends_with(['}', ';']) && length > FUNCTION_LINES_MAX {
            found.push(
                file.problem(format!(
                    "line {number}: `{name}` has {length} lines; cut it where its beats are"
                )),
            );
        }
    }
    found
}

pub(super) fn module_doc_first(file: &File) -> Vec<Problem> {
    if !file.is_rust() || file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![file.problem("no module doc: begin with `//! ` and say what the file is for")]
}

pub(super) fn no_mod_rs(file: &File) -> Vec<Problem> {
    if !file.path.ends_with("/mod.rs") {
        return Vec::new();
    }
    vec![file.problem("call it by its folder's name, beside the folder")]
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "fn" => return words.next()?.split(['(', '<']).next(),
            "pub" | "async" | "const" | "extern" | "pub(crate)" | "pub(super)" => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn long_files_and_long_inline_tests_are_found() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    x\n".repeat(140));
        let good = format!("{}{tests}", "x\n".repeat(FILE_LINES_MAX));
        check(file_cap, "common/src/a.rs", &"x\n".repeat(FILE_LINES_MAX + 1), &good);
        let bad = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    x\n".repeat(150));
        check(inline_tests_cap, "common/src/a.rs", &bad, &good);
    }

    #[test]
    fn long_functions_are_found() {
        let body = |lines: usize| {
            format!("impl A {{\n    pub async fn f(a: A) {{\n{}    }}\n}}\n", "        x;\n".repeat(lines))
        };
        check(function_cap, "common/src/a.rs", &body(FUNCTION_LINES_MAX), &body(FUNCTION_LINES_MAX - 1));
    }

    #[test]
    fn missing_module_docs_and_mod_rs_are_found() {
        check(module_doc_first, "common/src/a.rs", "use a;\n", "//! What it is for.\n");
        check(
            module_doc_first,
            "common/src/a.rs",
            "// a\n//! What it is for.\n",
            "//! What it is for.\nuse a;\n",
        );
        assert_ne!(no_mod_rs(&File { path: "common/src/a/mod.rs".to_owned(), text: String::new() }), []);
    }
}
