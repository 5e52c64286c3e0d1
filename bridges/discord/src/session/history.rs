//! Looks in a channel's history for messages that may have been sent.

use std::time::Duration;

use magpie_common::{ids::RemoteMessageId, platform::DeliverError};
use serde_json::Value;

use super::{
    api::Api,
    head::{Head, answer_line, readings},
    verdict::verdict_on_question,
};
use crate::{
    events::first_snowflake,
    format::CONTENT_UNITS_MAX,
    json::{oldest_first, text},
};

const PAGE_MESSAGES_MAX: usize = 100;

/// A busier channel than this cannot be searched; the message stays uncertain.
const PAGES_MAX: usize = 10;

/// Clocks differ by no more than this.
const SKEW_MS: i64 = 60_000;

/// A request that lost its answer takes effect within this time, so an empty first look is followed by a second one.
const SETTLES_WITHIN: Duration = Duration::from_millis(1000);

/// A shorter text is one part, whatever stands above it: a head takes less than half of what fits.
const CUT_UNITS_MIN: usize = CONTENT_UNITS_MAX / 2;

/// Whoever says the first so many letters of a long text says that text, under whatever name.
const LIKELY_BYTES_MIN: usize = 100;

/// What is looked for.
pub(super) struct Search<'a> {
    /// Where.
    pub channel: &'a str,
    /// Only younger messages can be it.
    pub after: Option<&'a str>,
    /// When it was accepted; it can only be younger.
    pub accepted_ms: i64,
    /// The words of each part, in order.
    pub contents: Vec<&'a str>,
    /// How many of them surely stand, and are not looked for.
    pub done: usize,
    /// What stands above the words of the first part; it may have been another one.
    pub head: &'a Head,
    /// How many files the first part bears.
    pub files: usize,
}

impl Search<'_> {
    /// The parts that are looked for.
    fn wanted(&self) -> &[&str] {
        self.contents.get(self.done..).unwrap_or_default()
    }

    /// What is said in each part.
    fn said(&self) -> impl Iterator<Item = &str> {
        self.contents.iter().enumerate().map(|(nth, words)| match nth {
            0 => self.head.below(words),
            _ => words,
        })
    }

    fn may_begin(&self, message: &Value) -> bool {
        let files = if self.done == 0 { self.files } else { 0 };
        message["attachments"].as_array().map_or(0, Vec::len) == files && !self.head.contradicts(message)
    }
}

/// What stands already.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The ids of the parts, first part first.
    pub ids: Vec<RemoteMessageId>,
    /// Whether that is all of the message, in however many parts.
    pub is_whole: bool,
}

/// Whether we wrote a message, and whether it bears the name under which we would write it now.
type Marks<'a> = (&'a (dyn Fn(&Value) -> bool + Sync), &'a (dyn Fn(&Value) -> bool + Sync));

/// The parts that stand; none when surely nothing stands.
pub(super) async fn find(api: &Api, search: &Search<'_>, marks: Marks<'_>) -> Result<Found, DeliverError> {
    let found = look(api, search, marks).await?;
    if !found.ids.is_empty() {
        return Ok(found);
    }
    tokio::time::sleep(SETTLES_WITHIN).await;
    look(api, search, marks).await
}

/// Whether two texts are the same but for what Discord trims and what we put in ourselves.
pub(super) fn same_words(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

async fn look(api: &Api, search: &Search<'_>, (wrote, named): Marks<'_>) -> Result<Found, DeliverError> {
    let earliest = first_snowflake(search.accepted_ms - SKEW_MS).to_string();
    let mut after = search.after.map_or(earliest, str::to_owned);
    let mut ours = Vec::new();
    for _ in 0..PAGES_MAX {
        let path = format!("/channels/{}/messages?after={after}&limit={PAGE_MESSAGES_MAX}", search.channel);
        let messages = oldest_first(api.get(&path).await.map_err(verdict_on_question)?);
        let next = messages.last().filter(|_| messages.len() == PAGE_MESSAGES_MAX);
        let next = next.map(|last| text(&last["id"]));
        ours.extend(messages.into_iter().filter(|message| wrote(message)));
        match next {
            Some(last) => after = last,
            None => return standing(&ours, search, named).ok_or_else(unsure),
        }
    }
    let found = standing(&ours, search, named).ok_or_else(unsure)?;
    let words = "So much was said in the channel since that it cannot be told whether the message arrived.";
    if found.ids.is_empty() { Err(DeliverError::Uncertain(words.to_owned())) } else { Ok(found) }
}

fn unsure() -> DeliverError {
    let words =
        "Something like the message is in Discord, but it cannot be told whether it is this one, and whole.";
    DeliverError::Uncertain(words.to_owned())
}

/// The messages that are the parts, in order; `None` when that cannot be told. Somebody may have another name since, so the name decides only
/// between several, or where there are no words.
fn standing(ours: &[Value], search: &Search<'_>, named: impl Fn(&Value) -> bool) -> Option<Found> {
    let Some((first, body)) = search.wanted().first().zip(search.said().nth(search.done)) else {
        return Some(Found::default());
    };
    let says = |message: &Value| readings(message).iter().any(|said| same_words(said, body));
    let begins: Vec<usize> =
        (0..ours.len()).filter(|nth| search.may_begin(&ours[*nth]) && says(&ours[*nth])).collect();
    if begins.is_empty() {
        return cut_elsewhere(ours, search, named);
    }
    let is_wordless = bare(body).is_empty();
    let kept = |nth: &usize| !is_wordless || answer_line(&ours[*nth]).is_some() == search.head.is_answer;
    let mut by_name = begins.iter().copied().filter(|nth| named(&ours[*nth]) && kept(nth));
    let exact = by_name.clone().find(|nth| same_words(content(&ours[*nth]), first));
    let start = exact.or_else(|| by_name.next()).or(match begins.as_slice() {
        [alone] if !is_wordless => Some(*alone),
        _ => None,
    })?;
    let mut ids = vec![id(&ours[start])];
    for message in ours[start + 1..].iter().filter(|message| begins.len() == 1 || named(message)) {
        let Some(wanted) = search.wanted().get(ids.len()) else { break };
        if same_words(content(message), wanted) {
            ids.push(id(message));
        }
    }
    Some(Found { is_whole: ids.len() == search.wanted().len(), ids })
}

/// The same for a long text that was cut at other places, since another head stood above it. Where only its beginning stands, the rest cannot
/// be sent from a place where the parts of now begin, so that is left in doubt.
fn cut_elsewhere(ours: &[Value], search: &Search<'_>, named: impl Fn(&Value) -> bool) -> Option<Found> {
    if search.contents.iter().map(|words| words.encode_utf16().count()).sum::<usize>() < CUT_UNITS_MIN {
        return Some(Found::default());
    }
    let all: String = search.said().map(letters).collect();
    if search.done > 0 {
        let is_piece = |message: &Value| named(message) && is_piece(&letters(content(message)), &all);
        return if ours.iter().any(is_piece) { None } else { Some(Found::default()) };
    }
    let starts = (0..ours.len()).filter(|nth| search.may_begin(&ours[*nth]));
    let runs: Vec<(&Value, Run)> =
        starts.filter_map(|nth| Some((&ours[nth], run(&ours[nth..], &all)?))).collect();
    let wholes: Vec<&(&Value, Run)> = runs.iter().filter(|(_, run)| run.is_whole).collect();
    let by_name = wholes.iter().find(|(start, _)| named(start));
    if let Some((_, run)) = by_name.or(if wholes.len() == 1 { wholes.first() } else { None }) {
        return Some(Found { ids: run.ids.clone(), is_whole: true });
    }
    let is_likely = |(start, run): &(&Value, Run)| named(start) || run.first_bytes >= LIKELY_BYTES_MIN;
    if runs.iter().any(is_likely) { None } else { Some(Found::default()) }
}

/// Messages of one name that say a text from its beginning.
struct Run {
    ids: Vec<RemoteMessageId>,
    /// How much of it the first one says.
    first_bytes: usize,
    /// Whether they say all of it.
    is_whole: bool,
}

/// What the first of `messages` and later ones of the same name say of a text, if the first one begins it.
fn run(messages: &[Value], all: &str) -> Option<Run> {
    let (first, later) = messages.split_first()?;
    let begun = readings(first).into_iter().enumerate().filter_map(|(nth, said)| {
        let said = letters(said);
        // Nothing but a head may stand in the first part.
        let is_said = nth > 0 || !said.is_empty();
        all.strip_prefix(said.as_str()).filter(|_| is_said)
    });
    let mut rest = begun.min_by_key(|rest| rest.len())?;
    let first_bytes = all.len() - rest.len();
    let mut ids = vec![id(first)];
    for message in later.iter().filter(|it| it["author"]["username"] == first["author"]["username"]) {
        let said = letters(content(message));
        if let Some(after) = rest.strip_prefix(said.as_str()).filter(|_| !said.is_empty()) {
            rest = after;
            ids.push(id(message));
        }
    }
    Some(Run { ids, first_bytes, is_whole: rest.is_empty() })
}

/// Whether it is likely that words are a later part of a text.
fn is_piece(said: &str, all: &str) -> bool {
    !said.is_empty() && (all.ends_with(said) || said.len() >= LIKELY_BYTES_MIN && all.contains(said))
}

/// A text without what is not seen.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\u{200b}' | '\u{200d}')).collect()
}

/// A text without marks, too: those around a place where it is cut are closed and opened anew.
fn letters(text: &str) -> String {
    bare(text).chars().filter(|c| !"*_~|`<>#-\\".contains(*c)).collect()
}

fn content(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

fn id(message: &Value) -> RemoteMessageId {
    RemoteMessageId::new(text(&message["id"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is looked for, and what Ada would write now.
    struct Case<'a> {
        head: Head,
        contents: &'a [&'a str],
        files: usize,
        done: usize,
    }

    impl<'a> Case<'a> {
        fn plain(contents: &'a [&'a str]) -> Self {
            Self { head: Head::default(), contents, files: 0, done: 0 }
        }

        fn reply(contents: &'a [&'a str]) -> Self {
            let head = Head { is_answer: true, url: Some(URL.to_owned()), is_named: false };
            Self { head, contents, files: 0, done: 0 }
        }

        fn with_file(self) -> Self {
            Self { files: 1, ..self }
        }

        /// What is found among messages of these names, words and numbers of files; `+` follows what is whole.
        fn among(&self, ours: &[(&str, &str, usize)]) -> String {
            let messages: Vec<Value> = (1..)
                .zip(ours)
                .map(|(id, (name, words, files))| {
                    let files = vec![json!({}); *files];
                    json!({"id": id, "author": {"username": name}, "content": words, "attachments": files})
                })
                .collect();
            let named = |message: &Value| message["author"]["username"] == "Ada";
            let search = Search {
                channel: "1",
                after: None,
                accepted_ms: 0,
                contents: self.contents.to_vec(),
                done: self.done,
                head: &self.head,
                files: self.files,
            };
            let Some(found) = standing(&messages, &search, named) else { return "unsure".to_owned() };
            let ids: Vec<&str> = found.ids.iter().map(RemoteMessageId::as_str).collect();
            format!("{}{}", ids.join(" "), if found.is_whole { "+" } else { "" })
        }
    }

    const URL: &str = "https://discord.com/channels/1/2/3";
    const BOBBY: &str = "↪ [Bobby](https://discord.com/channels/1/2/3): a question\nhi";
    const BOB: &str = "↪ [bob](https://discord.com/channels/1/2/3): a question";
    const ELSEWHERE: &str = "↪ [Eve](https://discord.com/channels/1/2/4): a question\nhi";

    #[test]
    fn a_name_decides_only_between_several() {
        let hi = Case::plain(&["hi"]);
        assert_eq!(hi.among(&[("Eve", "other", 0), ("Old Ada", "hi", 0)]), "2+");
        assert_eq!(hi.among(&[("Eve", "hi", 0), ("Ada", "hi", 0)]), "2+");
        assert_eq!(hi.among(&[("Eve", "hi", 0), ("Bob", "hi", 0)]), "unsure");
        assert_eq!(hi.among(&[("Ada", "hi", 1), ("Ada", "hi there", 0)]), "");
        let three = Case::plain(&["one", "two", "three"]);
        assert_eq!(three.among(&[("Old Ada", "one", 0), ("Ada", "two", 0)]), "1 2");
    }

    #[test]
    fn what_stands_above_is_no_difference() {
        let now = format!("{BOB}\nhi");
        let now = [now.as_str()];
        let reply = Case::reply(&now);
        assert_eq!(reply.among(&[("Ada", BOBBY, 0)]), "1+");
        assert_eq!(reply.among(&[("Old Ada", BOBBY, 0)]), "1+");
        assert_eq!(reply.among(&[("Ada", "hi", 0)]), "1+");
        assert_eq!(reply.among(&[("Ada", "hi", 0), ("Ada", now[0], 0)]), "2+");
        assert_eq!(reply.among(&[("Eve", BOBBY, 0), ("Ada", BOBBY, 0)]), "2+");
        assert_eq!(reply.among(&[("Eve", BOBBY, 0), ("Bob", BOBBY, 0)]), "unsure");
        assert_eq!(reply.among(&[("Ada", ELSEWHERE, 0)]), "", "it answers something else");
        assert_eq!(reply.among(&[("Ada", "↪ [Bobby](https://discord.com/channels/1/2/3): hi\nho", 0)]), "");
        // The answered message is gone.
        assert_eq!(Case::plain(&["hi"]).among(&[("Ada", BOBBY, 0)]), "1+");
        // A name too long for Discord, and another one since.
        let named = Head { is_named: true, ..Head::default() };
        let named = Case { head: named, contents: &["**Adelaide the Long**\nhi"], files: 0, done: 0 };
        for old in ["**Ada the Very Long**\nhi", "hi"] {
            assert_eq!(named.among(&[("Ada the Ver…", old, 0)]), "1+");
        }
        assert_eq!(Case::plain(&["hi"]).among(&[("Ada the Ver…", "**Ada the Very Long**\nhi", 0)]), "1+");
        assert_eq!(Case::plain(&["hi"]).among(&[("Ada", "**Bold**\nhi", 0)]), "", "she said that herself");
    }

    #[test]
    fn without_words_the_name_and_the_line_decide() {
        let reply = Case::reply(&[BOB]).with_file();
        let bobby = BOBBY.lines().next().unwrap();
        assert_eq!(reply.among(&[("Ada", bobby, 1)]), "1+");
        assert_eq!(reply.among(&[("Old Ada", bobby, 1)]), "unsure");
        assert_eq!(reply.among(&[("Ada", "", 1)]), "unsure");
        assert_eq!(reply.among(&[("Ada", bobby, 2), ("Ada", BOBBY, 1)]), "");
        assert_eq!(reply.among(&[("Ada", ELSEWHERE.lines().next().unwrap(), 1)]), "");
        let plain = Case::plain(&[""]).with_file();
        assert_eq!(plain.among(&[("Eve", "", 1), ("Ada", "", 1)]), "2+");
        assert_eq!(plain.among(&[("Old Ada", "", 1)]), "unsure");
        assert_eq!(plain.among(&[("Ada", bobby, 1)]), "unsure");
    }

    #[test]
    fn a_long_text_that_was_cut_elsewhere_is_found_whole_or_left_in_doubt() {
        let (one, two, three) = ("one ".repeat(200), "two ".repeat(200), "three ".repeat(100));
        let now = [format!("{BOB}\n**{one}**"), format!("**{two}** {three}")];
        let now: Vec<&str> = now.iter().map(String::as_str).collect();
        let reply = Case::reply(&now);
        let before = [format!("↪ Bobby\n**{one} {}**", &two[..400]), format!("**{}** {three}", &two[400..])];
        let [first, second] = [before[0].as_str(), before[1].as_str()];
        assert_eq!(reply.among(&[("Ada", first, 0), ("Ada", "no", 0), ("Ada", second, 0)]), "1 3+");
        assert_eq!(reply.among(&[("Old Ada", first, 0), ("Eve", second, 0), ("Old Ada", second, 0)]), "1 3+");
        assert_eq!(reply.among(&[("Eve", "hi", 0), ("Ada", first, 0)]), "unsure");
        assert_eq!(reply.among(&[("Old Ada", first, 0)]), "unsure");
        let both = [("Eve", first, 0), ("Eve", second, 0), ("Bob", first, 0), ("Bob", second, 0)];
        assert_eq!(reply.among(&both), "unsure");
        // The line alone had a message for itself.
        let apart =
            [("Ada", "↪ Bobby", 0), ("Ada", first.split_once('\n').unwrap().1, 0), ("Ada", second, 0)];
        assert_eq!(reply.among(&apart), "1 2 3+");
        assert_eq!(reply.among(&apart[..1]), "unsure");
        // What is cut at the same places goes on where it ended.
        let same = format!("↪ Bobby\n**{one}**");
        assert_eq!(reply.among(&[("Ada", &same, 0)]), "1");
        assert_eq!(reply.among(&[("Ada", &same, 0), ("Ada", now[1], 0)]), "1 2+");
        // Of what comes behind the first part nothing is sent again either.
        let behind = Case { done: 1, ..Case::reply(&now) };
        assert_eq!(behind.among(&[("Ada", now[1], 0)]), "1+");
        assert_eq!(behind.among(&[("Ada", second, 0)]), "unsure");
        assert_eq!(behind.among(&[("Ada", "three", 0)]), "unsure");
        assert_eq!(behind.among(&[("Ada", "hi", 0), ("Eve", second, 0)]), "");
        // Others begin like that, too.
        assert_eq!(reply.among(&[("Eve", "one", 0), ("Ada", "other", 0), ("Ada", "---", 0)]), "");
    }

    #[test]
    fn marks_that_nobody_sees_are_no_difference() {
        assert!(same_words("D\u{200d}iscord ", "Discord"));
    }
}
