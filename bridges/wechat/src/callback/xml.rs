//! XML as WeChat writes it, read into the same form as JSON: an element with children is an object, one without is a text, and what stands
//! several times is a list.
//!
//! Nothing is resolved: a document type ends the reading, and of entities only the five of XML and numbers are known.

use quick_xml::{
    Reader,
    events::{BytesRef, Event},
};
use serde_json::{Map, Value};

/// Larger documents are refused.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// Deeper ones, too.
const DEPTH_MAX: usize = 16;

/// And those with more elements.
const ELEMENTS_MAX: usize = 4096;

/// Why a document was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no XML as WeChat writes it: {0}")]
pub(crate) struct NotRead(&'static str);

/// An element that is being read.
struct Open {
    name: String,
    words: String,
    children: Map<String, Value>,
}

/// Reads a document; what stands inside of its one outer element comes out.
pub(crate) fn read(document: &str) -> Result<Value, NotRead> {
    if document.len() > BYTES_MAX {
        return Err(NotRead("it is too long"));
    }
    let mut reader = Reader::from_str(document);
    let (mut open, mut elements) = (Vec::<Open>::new(), 0);
    loop {
        let event = reader.read_event().map_err(|_| NotRead("it is not well formed"))?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= DEPTH_MAX || elements > ELEMENTS_MAX {
                    return Err(NotRead("it is too deep"));
                }
                open.push(Open::new(start.name().as_ref()));
            }
            Event::Empty(empty) => {
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(NotRead("it has too many parts"));
                }
                let empty = Open::new(empty.name().as_ref());
                match open.last_mut() {
                    Some(parent) => parent.take(empty),
                    None => return Ok(empty.value()),
                }
            }
            Event::End(_) => {
                let done = open.pop().ok_or(NotRead("it is not well formed"))?;
                match open.last_mut() {
                    Some(parent) => parent.take(done),
                    None => return Ok(done.value()),
                }
            }
            Event::Text(text) => {
                let words = text.decode().map_err(|_| NotRead("it is no text"))?;
                if let Some(current) = open.last_mut() {
                    current.words.push_str(&words);
                }
            }
            Event::CData(data) => {
                let words = data.decode().map_err(|_| NotRead("it is no text"))?;
                if let Some(current) = open.last_mut() {
                    current.words.push_str(&words);
                }
            }
            Event::GeneralRef(reference) => {
                let letter = resolved(&reference)?;
                if let Some(current) = open.last_mut() {
                    current.words.push(letter);
                }
            }
            Event::DocType(_) => return Err(NotRead("it has a document type")),
            Event::Eof => return Err(NotRead("it ends too early")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn resolved(reference: &BytesRef<'_>) -> Result<char, NotRead> {
    let unknown = NotRead("it has an entity of its own");
    match reference.resolve_char_ref() {
        Ok(Some(letter)) => Ok(letter),
        Ok(None) => match reference.as_ref() {
            b"amp" => Ok('&'),
            b"lt" => Ok('<'),
            b"gt" => Ok('>'),
            b"quot" => Ok('"'),
            b"apos" => Ok('\''),
            _ => Err(unknown),
        },
        Err(_) => Err(unknown),
    }
}

impl Open {
    fn new(name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).into_owned();
        Self { name, words: String::new(), children: Map::new() }
    }

    fn take(&mut self, child: Self) {
        let name = child.name.clone();
        let value = child.value();
        match self.children.get_mut(&name) {
            None => drop(self.children.insert(name, value)),
            Some(Value::Array(several)) => several.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }

    fn value(self) -> Value {
        // The blanks between children mean nothing.
        if self.children.is_empty() { Value::String(self.words) } else { Value::Object(self.children) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_become_objects() {
        let read = read(
            "<?xml version=\"1.0\"?>\n<xml><!-- by WeChat --><ToUserName><![CDATA[gh_1]]></ToUserName>\n<MsgId>1234567890123456</MsgId>\
             <Content>a &amp; b &#x1F426; &lt;c&gt;</Content><Empty/><Pic><item>1</item><item>2</item></Pic></xml>",
        );
        assert_eq!(
            read,
            Ok(json!({
                "ToUserName": "gh_1", "MsgId": "1234567890123456", "Content": "a & b 🐦 <c>", "Empty": "", "Pic": {"item": ["1", "2"]},
            }))
        );
    }

    #[test]
    fn nothing_is_resolved_or_grows() {
        let bomb =
            "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><xml><Content>&b;</Content></xml>";
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        let wide = format!("<xml>{}</xml>", "<a/>".repeat(10_000));
        let long = format!("<xml>{}</xml>", "a".repeat(10 * 1024 * 1024));
        for bad in [
            bomb,
            &deep,
            &wide,
            &long,
            "",
            "words",
            "<xml>",
            "<xml><a></xml>",
            "</xml>",
            "<xml>&own;</xml>",
            "<xml>&#x110000;</xml>",
            "<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml>a</xml>",
        ] {
            assert!(read(bad).is_err(), "{}", &bad[..bad.len().min(80)]);
        }
    }
}
