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

/// How many letters must be added, taken away or changed to turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let change = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let choices = ["url", "server_name", "listen"];
        assert_eq!(nearest("server_nam", choices), Some("server_name"));
        assert_eq!(nearest("Listen", choices), Some("listen"));
        assert_eq!(nearest("ulr", ["url"]), None);
        assert_eq!(nearest("uri", choices), Some("url"));
        assert_eq!(nearest("banana", choices), None);
        assert_eq!(nearest("", choices), None);
    }
}
