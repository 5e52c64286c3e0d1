//! Checks of what a session delivers.

use ruma::owned_user_id;

use super::{
    DeliveryFault, Heard, Recorder, Subject, assert_words, connected,
    samples::{before, key, sample, words},
    within,
};
use crate::{
    ids::RemoteMessageId,
    message::{
        Action, Attachment, AttachmentKind, Author, Authors, FileSource, Filling, Outgoing, OutgoingMessage,
        RelayTemplates, RichText, TemplateKind,
    },
    platform::{DeliverError, Delivered, DeliveryKey, InDoubt, Session},
};

const ATTEMPTS_MAX: usize = 5;
const ACCEPTED_MS: i64 = 1_700_000_000_000;

/// A message arrives exactly once, and the ids that `deliver` gives are those it stands under. A delivery of the same key in
/// doubt, as after a crash, adds nothing; the same words with another key are another message.
pub async fn a_message_is_delivered_once_and_its_id_names_it<S: Subject>(subject: &S) {
    let session = connected(subject, &Recorder::default()).await;
    let once = Outgoing::Message(words("once"));
    let first = delivered(subject, &*session, &once, &key(1)).await.expect("a healthy network takes it");
    assert_eq!(first.ids.len(), 1, "a short message has one part: {first:?}");
    assert_eq!(subject.heard().await, [heard(&first.ids[0], "once")]);

    let doubt = Some(InDoubt { after: None, accepted_ms: ACCEPTED_MS });
    let again = DeliveryKey { in_doubt: doubt, ..key(1) };
    match delivered(subject, &*session, &once, &again).await {
        Ok(second) => assert_eq!(second, first, "the same key gives other ids"),
        Err(DeliverError::Uncertain(words)) => assert_words("uncertain", &words, &subject.login()),
        Err(other) => panic!("a delivery in doubt ends in {other:?}"),
    }
    assert_eq!(subject.heard().await.len(), 1, "a delivery in doubt doubled the message");

    let other = delivered(subject, &*session, &once, &key(2)).await.expect("a healthy network takes it");
    assert_ne!(other.ids, first.ids, "two messages share an id");
    assert_eq!(subject.heard().await, [heard(&first.ids[0], "once"), heard(&other.ids[0], "once")]);
    session.close().await;
}

/// What we deliver is not pushed as if somebody else had said it.
pub async fn own_deliveries_do_not_come_back<S: Subject>(subject: &S) {
    let recorder = Recorder::default();
    let session = connected(subject, &recorder).await;
    for nth in 0..5 {
        let ours = Outgoing::Message(words(&format!("ours, {nth}")));
        delivered(subject, &*session, &ours, &key(nth)).await.expect("a healthy network takes it");
    }
    // The person speaks last: once their words are here, ours would be, too.
    let last = subject.person_says("theirs").await;
    let seen = |recorder: &Recorder| recorder.messages().iter().find(|m| m.id == last).map(|_| ());
    recorder.wait_for("the person's words", seen).await;
    let pushed: Vec<_> = recorder.messages().into_iter().map(|message| message.id).collect();
    assert_eq!(pushed, [last], "our own messages come back as events");
    session.close().await;
}

/// A delivery that meets `fault` happens at most once, whatever is tried; when it is said to have happened, exactly once.
pub async fn a_delivery_in_doubt_happens_at_most_once<S: Subject>(subject: &S, fault: DeliveryFault) {
    let recorder = Recorder::default();
    let mut session = connected(subject, &recorder).await;
    let earlier = Outgoing::Message(words("earlier"));
    let earlier = delivered(subject, &*session, &earlier, &key(0)).await.expect("a healthy network takes it");
    subject.fault(fault).await;
    let doubtful = Outgoing::Message(words("doubtful"));
    let mut attempt = key(1);
    let mut outcome = None;
    for _ in 0..ATTEMPTS_MAX {
        match delivered(subject, &*session, &doubtful, &attempt).await {
            Ok(done) => {
                outcome = Some(done);
                break;
            }
            Err(DeliverError::Uncertain(_)) if attempt.in_doubt.is_some() => break,
            Err(DeliverError::Uncertain(words)) => {
                assert_words("uncertain", &words, &subject.login());
                attempt.in_doubt =
                    Some(InDoubt { after: earlier.ids.last().cloned(), accepted_ms: ACCEPTED_MS });
            }
            Err(DeliverError::Retry { .. }) => {
                let there = subject.heard().await.iter().any(|heard| heard.text == "doubtful");
                assert!(!there || attempt.in_doubt.is_some(), "`Retry` though {fault:?} had its effect");
            }
            Err(other) => panic!("{fault:?} ends in {other:?}"),
        }
        session = connected(subject, &recorder).await;
    }
    let stands: Vec<Heard> = subject.heard().await.into_iter().filter(|h| h.text == "doubtful").collect();
    match outcome {
        Some(done) => assert_eq!(stands, [heard(&done.ids[0], "doubtful")], "{fault:?}"),
        None => assert!(stands.len() <= 1, "{fault:?} doubled the message: {stands:?}"),
    }
    assert!(fault != DeliveryFault::Busy || stands.len() == 1, "a busy network makes the message lost");
    session.close().await;
}

/// A text beyond the limit is refused with words, or arrives whole in parts that keep the limit.
pub async fn a_too_long_text_is_not_lost<S: Subject>(subject: &S) {
    let session = connected(subject, &Recorder::default()).await;
    let chars_max = session.limits(&subject.chat()).text_chars_max;
    assert!(chars_max > 0, "a chat that takes messages takes no characters");
    let mut text = String::new();
    while text.chars().count() <= chars_max {
        text.push_str(&format!("word{} ", text.len()));
    }
    let text = text.trim_end().to_owned() + " and more";
    let long = Outgoing::Message(words(&text));
    let outcome = delivered(subject, &*session, &long, &key(1)).await;
    let stands = subject.heard().await;
    match outcome {
        Ok(Delivered { ids }) => {
            let there: Vec<_> = stands.iter().map(|heard| heard.id.clone()).collect();
            assert_eq!(there, ids, "the parts that arrived are not those that were named");
            assert!(stands.iter().all(|part| part.text.chars().count() <= chars_max), "a part is too long");
            let joined: Vec<_> = stands.iter().map(|part| part.text.as_str()).collect();
            let without_space = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(without_space(&joined.concat()), without_space(&text), "words are lost");
        }
        Err(DeliverError::Rejected(words)) => {
            assert_words("the refusal of a long text", &words, &subject.login());
            assert_eq!(stands, [], "a refused text arrived in part");
        }
        Err(other) => panic!("a long text ends in {other:?}"),
    }
    let exact = Outgoing::Message(words(&"x".repeat(chars_max)));
    delivered(subject, &*session, &exact, &key(2)).await.expect("a text as long as the limit says is taken");
    session.close().await;
}

/// What is said for somebody names them, whatever they are called: beside the words where `limits` say that authors are shown there, and in
/// the words, as the portal has written them, where not. What is said for nobody names nobody.
pub async fn a_relay_names_its_author<S: Subject>(subject: &S) {
    // Nothing in a name is markup, or pings anybody.
    const NAME: &str = "Ada** _b_ ~c~ <b>d</b> `e`";
    let session = connected(subject, &Recorder::default()).await;
    let author =
        Author { user_id: owned_user_id!("@ada:example.org"), name: NAME.to_owned(), avatar_url: None };
    let (said, expected) = match session.limits(&subject.chat()).authors {
        Authors::Shown => {
            let said = OutgoingMessage { author: Some(author), ..words("hello") };
            (said, ("hello".to_owned(), Some(NAME.to_owned())))
        }
        Authors::InWords => {
            let mut said = words("");
            let filling =
                Filling { name: NAME, user_id: &author.user_id, message: RichText::plain("hello"), file: "" };
            said.message.text = RelayTemplates::default().write(TemplateKind::Text, filling, usize::MAX);
            (said, (format!("{NAME}: hello"), None))
        }
    };
    for (nth, (said, (text, author))) in
        [(said, expected), (words("for nobody"), ("for nobody".to_owned(), None))].into_iter().enumerate()
    {
        let done = delivered(subject, &*session, &Outgoing::Message(said), &key(nth)).await;
        let id = only_id(done, Action::Message);
        let stands = subject.heard().await.pop();
        assert_eq!(stands, Some(Heard { id, text, author }), "the author is not shown as `limits` say");
    }
    session.close().await;
}

/// For every action: `deliver` performs it when `limits` lists it, and answers `Unsupported` when not.
pub async fn limits_and_deliver_agree_on_every_action<S: Subject>(subject: &S) {
    let session = connected(subject, &Recorder::default()).await;
    for (nth, action) in Action::ALL.into_iter().enumerate() {
        let limits = session.limits(&subject.chat());
        let supported = limits.support(action).is_some();
        let mut target = RemoteMessageId::new("0");
        if supported {
            let ready = Outgoing::Message(words(&format!("for {action:?}")));
            target = only_id(delivered(subject, &*session, &ready, &key(nth * 10)).await, action);
        }
        if let Some(first) = before(action).filter(|first| supported && limits.support(*first).is_some()) {
            let first = sample(first, subject, &target);
            let done = delivered(subject, &*session, &first, &key(nth * 10 + 1)).await;
            target = done.expect("what limits list is done").ids.first().cloned().unwrap_or(target);
        }
        let outgoing = sample(action, subject, &target);
        assert_eq!(outgoing.action(), action, "the sample is of another action");
        match (supported, delivered(subject, &*session, &outgoing, &key(nth * 10 + 2)).await) {
            (true, Ok(_)) => {}
            (false, Err(DeliverError::Unsupported(words))) => {
                assert_words("unsupported", &words, &subject.login());
            }
            (true, other) => panic!("limits list {action:?}, but deliver answers {other:?}"),
            (false, other) => panic!("limits do not list {action:?}, but deliver answers {other:?}"),
        }
    }
    session.close().await;
}

/// A file of a kind that `limits` do not list is refused, and never dropped from its message.
pub async fn files_agree_with_limits<S: Subject>(subject: &S) {
    use AttachmentKind::{Audio, File, Image, Sticker, Video, Voice};
    let session = connected(subject, &Recorder::default()).await;
    let limits = session.limits(&subject.chat());
    let carries = limits.files_per_message_max > 0;
    assert_eq!(carries, !limits.files_bytes_max.is_empty(), "limits contradict themselves: {limits:?}");
    for (nth, kind) in [Image, Video, Audio, Voice, Sticker, File].into_iter().enumerate() {
        if limits.files_bytes_max.contains_key(&kind) {
            continue;
        }
        let mut said = words("with a file");
        let source = FileSource::Matrix("mxc://example.org/file".into());
        said.message.attachments =
            vec![Attachment { size_bytes: Some(1), ..Attachment::new(kind, source, "file") }];
        match delivered(subject, &*session, &Outgoing::Message(said), &key(nth)).await {
            Err(DeliverError::Unsupported(words) | DeliverError::Rejected(words)) => {
                assert_words("the refusal of a file", &words, &subject.login());
            }
            other => panic!("limits do not list {kind:?}, but deliver answers {other:?}"),
        }
    }
    assert_eq!(subject.heard().await, [], "words arrived without their file");
    session.close().await;
}

async fn delivered<S: Subject>(
    subject: &S,
    session: &dyn Session,
    outgoing: &Outgoing,
    key: &DeliveryKey,
) -> Result<Delivered, DeliverError> {
    within("an answer to a delivery", session.deliver(&subject.chat(), outgoing, key)).await
}

fn only_id(outcome: Result<Delivered, DeliverError>, action: Action) -> RemoteMessageId {
    let delivered = match outcome {
        Ok(delivered) => delivered,
        Err(error) => panic!("a message for {action:?} is not delivered: {error:?}"),
    };
    delivered.ids.into_iter().next().expect("a message has an id")
}

fn heard(id: &RemoteMessageId, text: &str) -> Heard {
    Heard { id: id.clone(), text: text.to_owned(), author: None }
}
