//! What followers do. Each deed is told to the account by a callback, where it has named an address.

use bytes::Bytes;

use super::{
    OfficialSim,
    callback::{self, Document},
    state::{Media, State},
    world::Follower,
};

/// How long WeChat keeps a file.
const MEDIA_LIFE_MS: i64 = 3 * 24 * 60 * 60 * 1000;

/// A file that a follower sends.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// `image`, `voice`, `video` or `shortvideo`.
    pub kind: &'static str,
    /// Its type.
    pub mime: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
    /// Fields beside the file's id: `Format`, `Recognition`.
    pub beside: Vec<(&'static str, String)>,
}

impl SentFile {
    /// A file of a kind.
    pub fn new(kind: &'static str, mime: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { kind, mime, bytes: bytes.into(), beside: Vec::new() }
    }

    /// Speech, with what WeChat understood of it.
    pub fn voice(bytes: impl Into<Bytes>, recognition: &str) -> Self {
        let beside = vec![("Format", "amr".to_owned()), ("Recognition", recognition.to_owned())];
        Self { beside, ..Self::new("voice", "audio/amr", bytes) }
    }
}

/// Stores a file.
pub(crate) fn keep(state: &mut State, media: Media) -> String {
    let id = format!("m-{}_{}", state.id(), &state.random()[..8]);
    state.media.insert(id.clone(), media);
    id
}

/// How long a file that comes now is kept.
pub(crate) fn kept_until_ms(state: &State) -> i64 {
    state.now_ms() + MEDIA_LIFE_MS
}

impl OfficialSim {
    /// Writes something. Gives the id of the message.
    pub fn person_says(&self, follower: &Follower, words: &str) -> String {
        self.person_posts(follower, "text", &[("Content", words)])
    }

    /// Sends a file. Gives the ids of the message and of the file.
    pub fn person_sends(&self, follower: &Follower, file: &SentFile) -> (String, String) {
        let media_id = self.inner.change(|state| {
            let kind = if file.kind == "shortvideo" { "video" } else { file.kind };
            let media = Media {
                app_id: follower.app_id.clone(),
                kind: kind.to_owned(),
                mime: file.mime.to_owned(),
                bytes: file.bytes.clone(),
                until_ms: kept_until_ms(state),
            };
            keep(state, media)
        });
        let mut fields = vec![("MediaId", media_id.as_str())];
        fields.extend(file.beside.iter().map(|(name, value)| (*name, value.as_str())));
        if file.kind == "image" {
            fields.push(("PicUrl", "http://mmbiz.qpic.cn/mmbiz_jpg/nothing/0"));
        }
        (self.person_posts(follower, file.kind, &fields), media_id)
    }

    /// Sends speech of which WeChat has a better recording, too. Gives the id of the message.
    pub fn person_speaks(&self, follower: &Follower, plain: &SentFile, better: &SentFile) -> String {
        let [plain_id, better_id] = [plain, better].map(|file| {
            self.inner.change(|state| {
                let media = Media {
                    app_id: follower.app_id.clone(),
                    kind: file.kind.to_owned(),
                    mime: file.mime.to_owned(),
                    bytes: file.bytes.clone(),
                    until_ms: kept_until_ms(state),
                };
                keep(state, media)
            })
        });
        let ids = [("MediaId", plain_id.as_str()), ("MediaId16K", better_id.as_str())];
        let beside = plain.beside.iter().map(|(name, value)| (*name, value.as_str()));
        let fields: Vec<(&str, &str)> = ids.into_iter().chain(beside).collect();
        self.person_posts(follower, "voice", &fields)
    }

    /// Shares a place.
    pub fn person_shares_location(
        &self,
        follower: &Follower,
        (latitude, longitude): (&str, &str),
        label: &str,
    ) -> String {
        let fields = [("Location_X", latitude), ("Location_Y", longitude), ("Scale", "20"), ("Label", label)];
        self.person_posts(follower, "location", &fields)
    }

    /// Shares a link.
    pub fn person_shares_link(&self, follower: &Follower, title: &str, url: &str) -> String {
        self.person_posts(follower, "link", &[("Title", title), ("Description", "All of it."), ("Url", url)])
    }

    /// A message of any kind, with these fields. Gives its id.
    pub fn person_posts(&self, follower: &Follower, kind: &str, fields: &[(&str, &str)]) -> String {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            let id = state.id().to_string();
            state.person_mut(follower).windows.wrote(now_ms);
            let document = Document::new(state, follower, kind).with(fields).with(&[("MsgId", id.as_str())]);
            callback::emit(state, &follower.app_id, document);
            id
        })
    }

    /// Follows the account, perhaps by a code.
    pub fn person_follows(&self, follower: &Follower, scene: &str) {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            let person = state.person_mut(follower);
            person.follows = true;
            person.windows.pressed(now_ms);
        });
        let scene = if scene.is_empty() { String::new() } else { format!("qrscene_{scene}") };
        self.happens(follower, "subscribe", &[("EventKey", scene.as_str()), ("Ticket", "TICKET")]);
    }

    /// Follows it no more.
    pub fn person_leaves(&self, follower: &Follower) {
        self.inner.change(|state| state.person_mut(follower).follows = false);
        self.happens(follower, "unsubscribe", &[("EventKey", "")]);
    }

    /// Wants nothing from the account any more. No callback tells of it.
    pub fn person_blocks(&self, follower: &Follower) {
        self.inner.change(|state| state.person_mut(follower).has_blocked = true);
    }

    /// Presses something in the menu.
    pub fn person_presses(&self, follower: &Follower, key: &str) {
        self.presses(follower, ("CLICK", key));
    }

    /// Scans the account's code, which they follow already.
    pub fn person_scans(&self, follower: &Follower, scene: &str) {
        self.presses(follower, ("SCAN", scene));
    }

    fn presses(&self, follower: &Follower, (event, key): (&str, &str)) {
        self.inner.change(|state| {
            let now_ms = state.now_ms();
            state.person_mut(follower).windows.pressed(now_ms);
        });
        self.happens(follower, event, &[("EventKey", key)]);
    }

    /// Any event about somebody, which gives no right to write.
    pub fn happens(&self, follower: &Follower, event: &str, fields: &[(&str, &str)]) {
        self.inner.change(|state| {
            let document = Document::new(state, follower, "event").with(&[("Event", event)]).with(fields);
            callback::emit(state, &follower.app_id, document);
        });
    }
}
