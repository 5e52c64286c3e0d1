//! Finds the path template that a concrete path belongs to.
//!
//! Where several fit, the one with more fixed segments wins: `/users/@me` before `/users/{user_id}`. It knows nothing of
//! methods or schemas; see the parent for those.

use serde_json::Value;

/// All templates of a description, cut into segments.
#[derive(Debug, Default)]
pub struct PathTable {
    templates: Vec<(String, Vec<String>)>,
}

impl PathTable {
    /// Reads the templates of a description.
    pub fn new(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let cut = |path: &String| (path.clone(), segments(path).map(str::to_owned).collect());
        Self { templates: paths.map(|(path, _)| cut(path)).collect() }
    }

    /// How many templates there are.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The template of a path, with the arguments by name.
    pub fn find<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a str, Vec<(&'a str, &'p str)>)> {
        let given: Vec<&str> = segments(path).collect();
        let fitting =
            self.templates.iter().filter_map(|(name, cut)| Some((name, cut, arguments(cut, &given)?)));
        let best = fitting.max_by_key(|(_, cut, arguments)| cut.len() - arguments.len());
        best.map(|(name, _, arguments)| (name.as_str(), arguments))
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_matches('/').split('/')
}

fn arguments<'a, 'p>(template: &'a [String], given: &[&'p str]) -> Option<Vec<(&'a str, &'p str)>> {
    if template.len() != given.len() {
        return None;
    }
    let mut found = Vec::new();
    for (wanted, given) in template.iter().zip(given) {
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => found.push((name, *given)),
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_segments_win_over_arguments() {
        let table = PathTable::new(
            &serde_json::json!({"paths": {"/users/{id}": {}, "/users/@me": {}, "/users": {}}}),
        );
        assert_eq!(table.find("/users/@me"), Some(("/users/@me", vec![])));
        assert_eq!(table.find("/users/7"), Some(("/users/{id}", vec![("id", "7")])));
        assert_eq!(table.find("/users/7/x"), None);
    }
}
