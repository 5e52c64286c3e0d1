//! What a message answers: another message, by its id, by its words or by both; or a part of one.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Node, RichText, clean_line},
};
use md5::{Digest, Md5};
use serde_json::Value;

use super::id;
use crate::{
    faces,
    ilink::seal::hex,
    json::{number, text},
};

/// So much of what is quoted is shown.
const WORDS_CHARS_MAX: usize = 1_000;

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ilink) struct Quote {
    /// Which message.
    pub id: Option<RemoteMessageId>,
    /// Whose it is, or what, as WeChat shows it.
    title: String,
    /// What it says.
    words: String,
    /// Which part of it is meant.
    part: Option<Part>,
}

/// A part of a message: from the nth time that `start` stands in it to the nth time of `end`, counted from zero.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    start: String,
    end: String,
    start_nth: usize,
    end_nth: usize,
    /// The MD5 of the part, in hex; it may be missing.
    sum: String,
}

impl Quote {
    /// Reads `ref_msg`.
    pub fn read(told: &Value) -> Option<Self> {
        let quoted = &told["message_item"];
        let words = match number(&quoted["type"]) {
            Some(1) => text(&quoted["text_item"]["text"]),
            Some(2) => "[图片]",
            Some(3) => {
                Some(text(&quoted["voice_item"]["text"])).filter(|it| !it.is_empty()).unwrap_or("[语音]")
            }
            Some(4) => {
                Some(text(&quoted["file_item"]["file_name"])).filter(|it| !it.is_empty()).unwrap_or("[文件]")
            }
            Some(5) => "[视频]",
            _ => "",
        };
        let quote = Self {
            id: id(&told["svr_id"]).or_else(|| id(&quoted["msg_id"])),
            title: clean_line(text(&told["title"])),
            words: words.to_owned(),
            part: Part::read(&told["partial_text"]),
        };
        let is_one = quote.id.is_some() || !quote.title.is_empty() || !quote.words.is_empty();
        is_one.then_some(quote)
    }

    /// The part that is meant, where it is one. `known` are the words of the message where those are known.
    pub fn part(&self, known: Option<&str>) -> Option<Node> {
        let whole = self.words_of(known);
        let part = self.part.as_ref()?.of(whole)?;
        (part.trim() != whole.trim()).then(|| quoted(&part))?
    }

    /// All of it, for where nobody can look at the message itself.
    pub fn whole(&self, known: Option<&str>) -> Option<Node> {
        let parts = [self.title.as_str(), self.words_of(known)].into_iter().filter(|words| !words.is_empty());
        quoted(&parts.collect::<Vec<_>>().join(": "))
    }

    fn words_of<'a>(&'a self, known: Option<&'a str>) -> &'a str {
        if self.words.is_empty() { known.unwrap_or_default() } else { self.words.as_str() }
    }
}

fn quoted(words: &str) -> Option<Node> {
    let cut: String = words.chars().take(WORDS_CHARS_MAX).collect();
    let RichText(nodes) = faces::read(cut.trim());
    (!nodes.is_empty()).then_some(Node::Quote(nodes))
}

impl Part {
    fn read(told: &Value) -> Option<Self> {
        let nth = |name: &str| usize::try_from(number(&told[name]).unwrap_or_default()).ok();
        let of = |name: &str| Some(text(&told[name])).filter(|words| !words.is_empty()).map(str::to_owned);
        Some(Self {
            start: of("start")?,
            end: of("end")?,
            start_nth: nth("startindex")?,
            end_nth: nth("endindex")?,
            sum: text(&told["quotemd5"]).to_ascii_lowercase(),
        })
    }

    /// The part of these words. Some apps count `end` from the beginning, some from behind `start`; the sum tells which.
    fn of(&self, whole: &str) -> Option<String> {
        let start = nth_place(whole, &self.start, self.start_nth)?;
        let behind = start + self.start.len();
        let from_beginning = nth_place(whole, &self.end, self.end_nth);
        let from_start = nth_place(&whole[behind..], &self.end, self.end_nth).map(|at| behind + at);
        let parts = [from_beginning, from_start].into_iter().flatten().filter(|end| *end >= start);
        let mut parts = parts.map(|end| &whole[start..end + self.end.len()]);
        let is_it =
            |part: &&str| self.sum.is_empty() || hex(Md5::digest(part.as_bytes()).as_slice()) == self.sum;
        parts.find(is_it).map(str::to_owned)
    }
}

fn nth_place(words: &str, wanted: &str, nth: usize) -> Option<usize> {
    words.match_indices(wanted).nth(nth).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sum(words: &str) -> String {
        hex(Md5::digest(words.as_bytes()).as_slice())
    }

    fn plain(node: Option<Node>) -> Option<String> {
        node.map(|node| RichText(vec![node]).to_plain())
    }

    #[test]
    fn a_quote_is_known_by_id_or_by_words() {
        let quote = |told: Value| Quote::read(&told).expect("it is one");
        let by_id = quote(json!({"svr_id": u64::MAX}));
        assert_eq!(by_id.id, Some(RemoteMessageId::new(u64::MAX.to_string())));
        assert_eq!((by_id.part(None), by_id.whole(None)), (None, None), "nothing can be shown of it");
        assert_eq!(plain(by_id.whole(Some("words"))).as_deref(), Some("> words"));
        let whole =
            quote(json!({"title": "Ada", "message_item": {"type": 1, "text_item": {"text": "hello[微笑]"}}}));
        assert_eq!((whole.id.clone(), plain(whole.whole(None)).as_deref()), (None, Some("> Ada: hello🙂")));
        let file =
            quote(json!({"message_item": {"type": 4, "msg_id": "8", "file_item": {"file_name": "a.pdf"}}}));
        assert_eq!(file.id, Some(RemoteMessageId::new("8")));
        assert_eq!(plain(file.whole(None)).as_deref(), Some("> a.pdf"));
        for none in [Value::Null, json!({}), json!({"svr_id": "0"}), json!("x")] {
            assert_eq!(Quote::read(&none), None, "{none}");
        }
    }

    #[test]
    fn a_part_is_read_in_both_ways_and_the_sum_decides() {
        let whole = "a bird, a bird and a bird";
        let quote = |end_nth: u64, sum: &str| {
            let part = json!({"start": "bird", "end": "bird", "startindex": 1, "endindex": end_nth, "quotemd5": sum});
            Quote::read(&json!({"svr_id": "1", "partial_text": part})).expect("it is one")
        };
        let meant = "bird and a bird";
        for end_nth in [2, 0] {
            let shown = plain(quote(end_nth, &sum(meant)).part(Some(whole)));
            assert_eq!(shown.as_deref(), Some("> bird and a bird"), "{end_nth}");
        }
        let shown = plain(quote(2, &sum(meant).to_uppercase()).part(Some(whole)));
        assert_eq!(shown.as_deref(), Some("> bird and a bird"));
        assert_eq!(plain(quote(2, "").part(Some(whole))).as_deref(), Some("> bird and a bird"));
        assert_eq!(quote(2, &sum("something else")).part(Some(whole)), None);
        assert_eq!(quote(2, &sum(meant)).part(None), None, "its words are not known");
    }

    proptest! {
        #[test]
        fn any_part_is_found_again(before in "[a-d鸟]{0,12}", part in "[a-d鸟]{1,12}", after in "[a-d鸟]{0,12}") {
            let whole = format!("{before}{part}{after}");
            let first = part.chars().next().map(String::from).unwrap_or_default();
            let last = part.chars().last().map(String::from).unwrap_or_default();
            let start_nth = before.matches(&first).count();
            let end_nth = format!("{before}{part}").matches(&last).count() - 1;
            let told = Part { start: first, end: last, start_nth, end_nth, sum: sum(&part) };
            prop_assert_eq!(told.of(&whole), Some(part));
        }

        #[test]
        fn no_part_makes_the_reader_panic(whole in any::<String>(), start in any::<String>(), end in any::<String>(), nth in 0_usize..4) {
            prop_assume!(!start.is_empty() && !end.is_empty());
            let _ = Part { start, end, start_nth: nth, end_nth: nth, sum: String::new() }.of(&whole);
        }
    }
}
