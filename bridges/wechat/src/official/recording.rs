//! Recordings of what people said: WeChat may have two of one, and the better one counts where it can be read.
//!
//! The better one has 16,000 samples in a second, as AMR or as bare Speex, which no program but WeChat's own reads. Which one it is only its
//! first bytes tell. Reference:
//! <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html>.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use magpie_common::{
    ids::RemoteFileId,
    message::{AttachmentKind, FileSource, Message},
    platform::Download,
};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    api::Api,
    json::text,
    media,
    said::{self, is_media_id},
};

/// What the name of a recording begins with of which there are two.
const TWO: &str = "voice/";

/// How long the better one may take to begin; the other one is there, too.
const BEGIN_WITHIN: Duration = Duration::from_secs(20);

/// How the recordings begin that programs can read: AMR, AMR-WB, Ogg, MP3, SILK.
const HEADS: [&[u8]; 6] = [b"#!AMR\n", b"#!AMR-WB\n", b"OggS", b"ID3", b"#!SILK_V3", b"\x02#!SILK_V3"];

/// So many bytes tell what it is.
const HEAD_BYTES: usize = 10;

/// What somebody said, as a message.
pub(super) fn message(told: &Value, (name, mime): (&str, Option<&str>)) -> Option<Message> {
    let mut message = said::file(&told["MediaId"], AttachmentKind::Voice, (name, mime))?;
    let (better, plain) = (text(&told["MediaId16K"]), text(&told["MediaId"]));
    if is_media_id(better)
        && let Some(file) = message.attachments.first_mut()
    {
        file.source = FileSource::Remote(RemoteFileId::new(format!("{TWO}{better}/{plain}")));
    }
    Some(message)
}

/// The ids of the better and the plain one, where there are two.
pub(super) fn read(file: &RemoteFileId) -> Option<(&str, &str)> {
    let (better, plain) = file.as_str().strip_prefix(TWO)?.split_once('/')?;
    (is_media_id(better) && is_media_id(plain)).then_some((better, plain))
}

/// Opens the better one; `None` where it cannot be had in time, or not be read.
pub(super) async fn open(api: &Api, media_id: &str) -> Option<Download> {
    timeout(BEGIN_WITHIN, begin(api, media_id)).await.unwrap_or_default()
}

async fn begin(api: &Api, media_id: &str) -> Option<Download> {
    let opened = api.open(media_id).await;
    let answer = opened.inspect_err(|error| tracing::debug!(%error, "There is no better recording.")).ok()?;
    let Download { mime, size_bytes, stream: mut rest } = media::download(answer);
    let mut head = BytesMut::new();
    while head.len() < HEAD_BYTES {
        match rest.next().await {
            Some(piece) => head.extend_from_slice(&piece.ok()?),
            None => break,
        }
    }
    let head = head.freeze();
    let is_readable = HEADS.iter().any(|known| head.starts_with(known));
    let stream = stream::iter([Ok(head)]).chain(rest).boxed();
    is_readable.then_some(Download { mime, size_bytes, stream })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source(told: &Value) -> String {
        let message = message(told, ("voice message", None)).expect("it is one");
        let FileSource::Remote(file) = &message.attachments[0].source else { panic!("it is on WeChat") };
        file.to_string()
    }

    #[test]
    fn the_better_recording_is_named_beside_the_plain_one() {
        let two = source(&json!({"MediaId": "plain", "MediaId16K": "bet-ter_"}));
        assert_eq!(read(&RemoteFileId::new(two)), Some(("bet-ter_", "plain")));
        for bad in [json!({"MediaId": "plain"}), json!({"MediaId": "plain", "MediaId16K": "../x"})] {
            assert_eq!(read(&RemoteFileId::new(source(&bad))), None, "{bad}");
        }
        assert_eq!(message(&json!({"MediaId16K": "better"}), ("x", None)), None);
        for bad in ["voice/a", "voice/a/b/c", "voice//b", "media/a/b"] {
            assert_eq!(read(&RemoteFileId::new(bad)), None, "{bad}");
        }
    }
}
