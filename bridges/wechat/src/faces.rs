//! Text as WeChat writes it: no markup at all, and faces as codes in words. A code that is not known stays as it is.

use magpie_common::message::{Node, RichText};

/// Faces as WeChat writes them: the code, the name in Chinese, the name in English, and what shows the same.
const FACES: [(&str, &str, &str, &str); 84] = [
    ("/::)", "微笑", "Smile", "🙂"),
    ("/::~", "撇嘴", "Grimace", "😖"),
    ("/::B", "色", "Drool", "😍"),
    ("/::|", "发呆", "Scowl", "😳"),
    ("/:8-)", "得意", "CoolGuy", "😎"),
    ("/::<", "流泪", "Sob", "😭"),
    ("/::$", "害羞", "Shy", "☺️"),
    ("/::X", "闭嘴", "Silent", "🤐"),
    ("/::Z", "睡", "Sleep", "😴"),
    ("/::'(", "大哭", "Cry", "😢"),
    ("/::-|", "尴尬", "Awkward", "😅"),
    ("/::@", "发怒", "Angry", "😡"),
    ("/::P", "调皮", "Tongue", "😜"),
    ("/::D", "呲牙", "Grin", "😁"),
    ("/::O", "惊讶", "Surprise", "😮"),
    ("/::(", "难过", "Frown", "🙁"),
    ("/::Q", "抓狂", "Scream", "😫"),
    ("/::T", "吐", "Puke", "🤮"),
    ("/:,@P", "偷笑", "Chuckle", "🤭"),
    ("/:,@-D", "愉快", "Joyful", "😊"),
    ("/::d", "白眼", "Slight", "🙄"),
    ("/:,@o", "傲慢", "Smug", "😤"),
    ("/:|-)", "困", "Drowsy", "😪"),
    ("/::!", "惊恐", "Panic", "😨"),
    ("/::L", "流汗", "Sweat", "😓"),
    ("/::>", "憨笑", "Laugh", "😄"),
    ("/:,@f", "奋斗", "Determined", "💪"),
    ("/::-S", "咒骂", "Scold", "🤬"),
    ("/:?", "疑问", "Shocked", "❓"),
    ("/:,@x", "嘘", "Shhh", "🤫"),
    ("/:,@@", "晕", "Dizzy", "😵"),
    ("/:!!!", "骷髅", "Skull", "💀"),
    ("/:xx", "敲打", "Hammer", "🔨"),
    ("/:bye", "再见", "Wave", "👋"),
    ("/:handclap", "鼓掌", "Clap", "👏"),
    ("/:B-)", "坏笑", "Trick", "😏"),
    ("/::-O", "哈欠", "Yawn", "🥱"),
    ("/:P-(", "委屈", "Shrunken", "🥺"),
    ("/::*", "亲亲", "Kiss", "😘"),
    ("/:pd", "菜刀", "Cleaver", "🔪"),
    ("/:<W>", "西瓜", "Watermelon", "🍉"),
    ("/:beer", "啤酒", "Beer", "🍺"),
    ("/:basketb", "篮球", "Basketball", "🏀"),
    ("/:oo", "乒乓", "PingPong", "🏓"),
    ("/:coffee", "咖啡", "Coffee", "☕"),
    ("/:eat", "饭", "Rice", "🍚"),
    ("/:pig", "猪头", "Pig", "🐷"),
    ("/:rose", "玫瑰", "Rose", "🌹"),
    ("/:fade", "凋谢", "Wilt", "🥀"),
    ("/:showlove", "嘴唇", "Lips", "💋"),
    ("/:heart", "爱心", "Heart", "❤️"),
    ("/:break", "心碎", "BrokenHeart", "💔"),
    ("/:cake", "蛋糕", "Cake", "🎂"),
    ("/:li", "闪电", "Lightning", "⚡"),
    ("/:bome", "炸弹", "Bomb", "💣"),
    ("/:footb", "足球", "Soccer", "⚽"),
    ("/:ladybug", "瓢虫", "Ladybug", "🐞"),
    ("/:shit", "便便", "Poop", "💩"),
    ("/:moon", "月亮", "Moon", "🌙"),
    ("/:sun", "太阳", "Sun", "☀️"),
    ("/:gift", "礼物", "Gift", "🎁"),
    ("/:hug", "拥抱", "Hug", "🤗"),
    ("/:strong", "强", "ThumbsUp", "👍"),
    ("/:weak", "弱", "ThumbsDown", "👎"),
    ("/:share", "握手", "Shake", "🤝"),
    ("/:v", "胜利", "Peace", "✌️"),
    ("/:@@", "拳头", "Fist", "✊"),
    ("/:lvu", "爱你", "RockOn", "🤟"),
    ("/:ok", "OK", "OK", "👌"),
    ("", "捂脸", "Facepalm", "🤦"),
    ("", "奸笑", "Smirk", "😏"),
    ("", "耶", "Yeah!", "✌️"),
    ("", "破涕为笑", "Lol", "😂"),
    ("", "红包", "Packet", "🧧"),
    ("", "庆祝", "Party", "🎉"),
    ("", "合十", "Worship", "🙏"),
    ("", "加油", "GoForIt", "💪"),
    ("", "天啊", "OMG", "😱"),
    ("", "旺柴", "Doge", "🐶"),
    ("", "烟花", "Fireworks", "🎆"),
    ("", "爆竹", "Firecracker", "🧨"),
    ("", "无语", "Speechless", "😑"),
    ("", "生病", "Sick", "🤒"),
    ("", "翻白眼", "Boring", "🙄"),
];

/// The longest name between brackets, in letters.
const NAME_CHARS_MAX: usize = 12;

/// A smaller limit is not kept: nothing could be written sensibly.
const PART_BYTES_MIN: usize = 64;

/// What somebody wrote on WeChat.
pub(crate) fn read(words: &str) -> RichText {
    // WeChat puts this blank behind a mention.
    RichText::plain(&with_emoji(&words.replace('\u{2005}', " ").replace('\r', "")))
}

/// The same words with emoji in the place of codes.
fn with_emoji(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = rest.find(['[', '/']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        if before.ends_with(':') && here.starts_with("//") {
            // Parts of addresses look like codes.
            let is_after = |letter: char| letter == '[' || letter.is_whitespace() || !letter.is_ascii();
            let (address, after) = here.split_at(here.find(is_after).unwrap_or(here.len()));
            out.push_str(address);
            rest = after;
            continue;
        }
        match named(here).or_else(|| coded(here)) {
            Some((emoji, length)) => {
                out.push_str(emoji);
                rest = &here[length..];
            }
            None => {
                out.push_str(&here[..1]);
                rest = &here[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A face by its name in brackets, and how long that is.
fn named(words: &str) -> Option<(&'static str, usize)> {
    let inside = words.strip_prefix('[')?;
    let end = inside.char_indices().take(NAME_CHARS_MAX + 1).find(|(_, letter)| *letter == ']')?.0;
    let name = &inside[..end];
    let face = FACES.iter().find(|(_, chinese, english, _)| *chinese == name || *english == name)?;
    Some((face.3, end + 2))
}

/// A face by its code. Some codes begin like others, so the longest counts; one that ends in a letter is none in the middle of a word.
fn coded(words: &str) -> Option<(&'static str, usize)> {
    let goes_on = |code: &str| {
        // `/::D` and its like stand right before letters, too.
        let is_word = code.bytes().skip(2).all(|byte| byte.is_ascii_alphabetic());
        is_word && words[code.len()..].starts_with(|next: char| next.is_ascii_alphanumeric())
    };
    let fits =
        FACES.iter().filter(|(code, ..)| !code.is_empty() && words.starts_with(code) && !goes_on(code));
    let (code, .., emoji) = fits.max_by_key(|(code, ..)| code.len())?;
    Some((emoji, code.len()))
}

/// Words for WeChat, in parts of at most so many bytes.
pub(crate) fn write(text: &RichText, part_bytes_max: usize) -> Vec<String> {
    let words = RichText(revealed(&text.0)).to_plain();
    let part_bytes_max = part_bytes_max.max(PART_BYTES_MIN);
    let mut parts = Vec::new();
    let mut rest = words.trim();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(part_end(rest, part_bytes_max));
        parts.push(part.trim_end().to_owned());
        rest = after.trim_start();
    }
    parts
}

/// Where the first part ends: at an empty line if there is one in its later half, else at a line, a word, a letter.
pub(crate) fn part_end(words: &str, bytes_max: usize) -> usize {
    if words.len() <= bytes_max {
        return words.len();
    }
    let full = words.floor_char_boundary(bytes_max);
    let half = words.ceil_char_boundary(full / 2).max(1);
    let Some(later) = words.get(half..full) else { return full };
    let found = ["\n\n", "\n"].into_iter().find_map(|separator| later.rfind(separator));
    let found = found.or_else(|| later.rfind(char::is_whitespace)).filter(|at| half + at > 0);
    found.map_or(full, |at| half + at)
}

/// Nothing can be hidden on WeChat, and words must not be lost.
fn revealed(nodes: &[Node]) -> Vec<Node> {
    let fence = || Node::Text("||".to_owned());
    let mut out = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Spoiler { children, .. } => {
                out.push(fence());
                out.extend(revealed(children));
                out.push(fence());
            }
            Node::Strong(children)
            | Node::Emphasis(children)
            | Node::Strike(children)
            | Node::Underline(children) => {
                out.extend(revealed(children));
            }
            Node::Quote(children) => out.push(Node::Quote(revealed(children))),
            Node::Heading { level, children } => {
                out.push(Node::Heading { level: *level, children: revealed(children) });
            }
            Node::Link { url, children } => {
                out.push(Node::Link { url: url.clone(), children: revealed(children) });
            }
            Node::List { start, items } => {
                let items = items.iter().map(|item| revealed(item)).collect();
                out.push(Node::List { start: *start, items });
            }
            leaf @ (Node::Text(_)
            | Node::Code(_)
            | Node::CodeBlock { .. }
            | Node::Mention(_)
            | Node::CustomEmoji { .. }
            | Node::LineBreak) => out.push(leaf.clone()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn faces_become_emoji() {
        for (written, shown) in [
            ("[微笑]", "🙂"),
            ("好[强][强]", "好👍👍"),
            ("[Smile]", "🙂"),
            ("/::)", "🙂"),
            ("a/::Db", "a😁b"),
            ("/:share", "🤝"),
            ("/::-O /::O", "🥱 😮"),
            ("[不是]", "[不是]"),
            ("[微笑", "[微笑"),
            ("https://example.org/a", "https://example.org/a"),
            ("https://x.org/:version /:v", "https://x.org/:version ✌️"),
            ("看https://x.org/:v,[强]\n[强]", "看https://x.org/:v,👍\n👍"),
            ("/users/:link /users/:id/:sun2", "/users/:link /users/:id/:sun2"),
            ("/:lvu/:v/:ok!", "🤟✌️👌!"),
            ("/:v好", "✌️好"),
            ("@鸟\u{2005}你好", "@鸟 你好"),
            ("[[微笑]]", "[🙂]"),
            ("[", "["),
            ("/", "/"),
        ] {
            assert_eq!(read(written).to_plain(), shown, "{written}");
        }
    }

    #[test]
    fn no_face_is_named_twice() {
        for (nth, (code, chinese, english, _)) in FACES.iter().enumerate() {
            let others = || FACES.iter().skip(nth + 1);
            assert!(code.is_empty() || others().all(|other| other.0 != *code), "{code}");
            assert!(others().all(|other| other.1 != *chinese && other.2 != *english), "{chinese} {english}");
        }
    }

    #[test]
    fn formatting_falls_away_and_words_stay() {
        let text = |words: &str| Node::Text(words.to_owned());
        let tree = RichText(vec![
            Node::Strong(vec![text("bold ")]),
            Node::Spoiler { reason: None, children: vec![text("hidden")] },
            Node::List { start: None, items: vec![vec![text("one")], vec![text("two")]] },
            Node::Link { url: "https://example.org".to_owned(), children: vec![text("there")] },
        ]);
        assert_eq!(write(&tree, 1000), ["bold ||hidden||\n- one\n- two\nthere (https://example.org)"]);
    }

    #[test]
    fn parts_end_where_it_reads_well() {
        let words = format!("{}\n\n{}", "a".repeat(60), "b".repeat(60));
        assert_eq!(write(&RichText::plain(&words), 100), ["a".repeat(60), "b".repeat(60)]);
        let chinese = "鸟".repeat(100);
        let parts = write(&RichText::plain(&chinese), 100);
        assert!(parts.iter().all(|part| part.len() <= 100) && parts.concat() == chinese, "{parts:?}");
    }

    proptest! {
        #[test]
        fn no_part_is_too_long_and_no_letter_is_lost(words in any::<String>(), bytes_max in 64_usize..400) {
            let parts = write(&RichText::plain(&words), bytes_max);
            assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= bytes_max));
            let letters = |words: &str| words.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
            assert_eq!(letters(&parts.concat()), letters(&words));
            let _ = read(&words);
        }
    }
}
