//! Finds the word that somebody probably meant.

/// The one of `choices` that is nearest to `word`, when it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).clamp(1, 3);
    let word = word.to_lowercase();
    choices
        .into_iter()
        .map(|choice| (distance(&word, &choice.to_lowercase()), choice))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, choice)| choice)
}

/// How many letters must be added, taken away, changed or swapped with their neighbor to turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let above = &rows[i - 1];
            let change = above[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = change.min(row[j - 1] + 1).min(above[j] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let choices = ["url", "server_name", "listen"];
        assert_eq!(nearest("server_nam", choices), Some("server_name"));
        assert_eq!(nearest("Listen", choices), Some("listen"));
        assert_eq!(nearest("ulr", choices), Some("url"));
        assert_eq!(nearest("tokne", ["token"]), Some("token"));
        assert_eq!(nearest("uri", choices), Some("url"));
        assert_eq!(nearest("banana", choices), None);
        assert_eq!(nearest("", choices), None);
    }
}
