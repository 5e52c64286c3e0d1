//! Words below a file: a caption where they fit into one, messages behind it where they do not; and what becomes of a file that Telegram
//! does not take.

use magpie_common::{
    ids::RemoteMessageId,
    message::{Attachment, AttachmentKind, FileSource, Message, Outgoing, OutgoingMessage, RichText},
    platform::DeliverError,
};
use magpie_tests::telegram::Fault;

use super::{Stage, ids, in_doubt, key, message};

impl Stage {
    /// A file of Matrix with these words.
    fn with_file(&self, words: &str) -> Outgoing {
        let source = FileSource::Matrix(self.recorder.add_file("nest", b"a nest".to_vec()));
        let attachments = vec![Attachment::new(AttachmentKind::File, source, "nest.zip")];
        message(Message { attachments, ..Message::text(RichText::plain(words)) })
    }

    /// What stands in the supergroup under those ids: whether it bears a file, and its words.
    fn stands(&self, ids: &[String]) -> Vec<(bool, String)> {
        let stands = |id: &String| {
            let id = id.parse().expect("it is a number");
            let message = self.sim.message(self.small.supergroup, id).expect("it is there");
            (message.field("document").is_object(), message.text().to_owned())
        };
        ids.iter().map(stands).collect()
    }
}

/// The words of a message are changed; its file stays, and does not come along.
fn changed(parts: &[String], words: &str) -> Outgoing {
    let parts = parts.iter().map(|id| RemoteMessageId::new(id.as_str())).collect();
    let new = Message::text(RichText::plain(words));
    Outgoing::Edit { parts, new: OutgoingMessage { message: new, author: None, sent_ms: 1 } }
}

fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

#[tokio::test]
async fn words_below_a_file_can_be_changed_whatever_their_length() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    let (long, longer) = (words(300), words(310));
    let mut sent = ids(session.deliver(&chat, &stage.with_file("short"), &key(0)).await);
    assert_eq!(stage.stands(&sent), [(true, "short".to_owned())]);
    for (nth, (new, expected)) in [
        ("other", vec![(true, "other")]),
        // Beyond what a caption holds, the words stand behind the file.
        (&*long, vec![(true, ""), (false, &*long)]),
        (&*longer, vec![(true, ""), (false, &*longer)]),
        ("short again", vec![(true, "short again")]),
    ]
    .into_iter()
    .enumerate()
    {
        sent = ids(session.deliver(&chat, &changed(&sent, new), &key(nth + 1)).await);
        let expected: Vec<_> =
            expected.into_iter().map(|(is_file, text)| (is_file, text.to_owned())).collect();
        assert_eq!(stage.stands(&sent), expected, "{new}");
    }
    assert_eq!(stage.sim.texts(stage.small.supergroup).len(), 1, "what is too much goes");
    session.close().await;
    stage.should_be_honest("words_below_a_file_can_be_changed_whatever_their_length");
}

#[tokio::test]
async fn a_message_that_grows_by_an_edit_goes_on_after_a_pause() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    let chat = stage.id(stage.small.supergroup);
    let sent = ids(session.deliver(&chat, &super::said("short"), &key(0)).await);
    stage.sim.fault("sendMessage", Fault::TooMany { retry_after: 1 });
    let long = changed(&sent, &words(1_500));
    let first = session.deliver(&chat, &long, &key(1)).await;
    assert!(matches!(first, Err(DeliverError::Uncertain(_))), "{first:?}");
    let whole = ids(session.deliver(&chat, &long, &in_doubt(1)).await);
    assert_eq!((whole.len(), stage.sim.texts(stage.small.supergroup).len()), (2, 2), "{whole:?}");
    session.close().await;
}

#[tokio::test]
async fn a_file_that_telegram_does_not_take_is_refused_where_nothing_can_be_linked() {
    let stage = Stage::new().await;
    let session = stage.connect().await;
    stage.sim.settings(|settings| settings.upload_bytes_max = 5);
    let sent = session.deliver(&stage.id(stage.small.supergroup), &stage.with_file("see"), &key(1)).await;
    let Err(DeliverError::Rejected(words)) = sent else { panic!("{sent:?}") };
    assert!(words.contains("appservice.public_url"), "{words}");
    assert!(
        stage.sim.texts(stage.small.supergroup).is_empty(),
        "the words alone would pretend that all is there"
    );
    session.close().await;
}
