//! Sessions of linked devices by themselves: what they push and what becomes of what they deliver, down to the ids.

use std::sync::Arc;

use futures_util::StreamExt;
use magpie_common::{
    ids::{RemoteChatId, RemoteFileId, RemoteMessageId},
    message::{
        Attachment, AttachmentKind, ChatChange, Emoji, FileSource, Mention, MentionTarget, Message, Node,
        Outgoing, OutgoingMessage, Person, RemoteEvent, RemoteMessage, RichText,
    },
    platform::{ConnectError, DeliverError, DeliveryKey, EventSink, Platform, SavedLogin, Session, Until},
    testkit::platform_suite::Recorder,
};
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{Fault, FaultKind, LinkedSim, PastChat, PastMessage, Phone, content::text},
};
use serde_json::Value;

use super::{ALICE, BOB, config, link, platform, user};

/// An account with a session.
struct Account {
    phone: Phone,
    saved: SavedLogin,
    device: String,
    recorder: Recorder,
    session: Arc<dyn Session>,
}

impl Account {
    async fn new(sim: &LinkedSim, phone: Phone) -> anyhow::Result<Self> {
        let (saved, device) = link(sim, &phone).await?;
        let recorder = Recorder::default();
        let session = connect(sim, &saved, &recorder).await?;
        Ok(Self { phone, saved, device, recorder, session })
    }

    /// The chat with somebody.
    fn chat(&self, other: &Phone) -> RemoteChatId {
        RemoteChatId::new(format!("{}/{}", self.session.me(), user(other)))
    }

    async fn delivers(&self, chat: &RemoteChatId, nth: &str, what: Outgoing) -> Vec<RemoteMessageId> {
        let done = self.session.deliver(chat, &what, &key(nth)).await;
        done.unwrap_or_else(|error| panic!("{what:?} is not delivered: {error:?}")).ids
    }

    /// Waits for a message with these words.
    async fn gets(&self, words: &str) -> RemoteMessage {
        let seen = |recorder: &Recorder| {
            recorder.messages().into_iter().find(|it| it.message.text.to_plain() == words)
        };
        self.recorder.wait_for(words, seen).await
    }

    /// Waits for an event.
    async fn sees<T>(&self, what: &str, look: impl Fn(RemoteEvent) -> Option<T>) -> T {
        let seen = |recorder: &Recorder| recorder.events().into_iter().find_map(|it| look(it.event));
        self.recorder.wait_for(what, seen).await
    }

    async fn file(&self, id: &RemoteFileId) -> anyhow::Result<Vec<u8>> {
        let mut file = self.session.download(id).await?.stream;
        let mut bytes = Vec::new();
        while let Some(piece) = file.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }
}

async fn connect(
    sim: &LinkedSim,
    saved: &SavedLogin,
    recorder: &Recorder,
) -> anyhow::Result<Arc<dyn Session>> {
    let sink = EventSink::new(saved.id.clone(), Arc::new(recorder.clone()));
    Ok(platform(&config(sim)).connect(saved, sink).await?)
}

fn key(nth: &str) -> DeliveryKey {
    DeliveryKey { key: format!("sample-key-{nth}"), in_doubt: None }
}

fn words(words: &str) -> OutgoingMessage {
    OutgoingMessage { message: Message::text(RichText::plain(words)), author: None, sent_ms: 1 }
}

fn said(text: &str) -> Outgoing {
    Outgoing::Message(words(text))
}

/// What the other side's phone has with these words, as often as it has it.
fn read_by(sim: &LinkedSim, phone: &Phone, words: &str) -> Vec<Value> {
    let all = sim.seen("phone-message").into_iter();
    all.filter(|event| event["phone"] == phone.number.as_str() && event["text"] == words).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_the_phone_says_is_ours_and_the_past_is_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let sim = LinkedSim::start().await?;
    let (phone, bob) = (sim.account(ALICE, "Alice").await?, sim.account(BOB, "Bob").await?);
    let old = PastMessage {
        id: "OLD1".to_owned(),
        is_own: false,
        author: None,
        at: 1_700_000_000,
        name: Some("Bob".to_owned()),
        content: text("long ago"),
    };
    phone.keep_history(&[PastChat::new(&bob.lid).with(old)]).await?;
    let alice = Account::new(&sim, phone).await?;
    let chat = alice.chat(&bob);
    alice.phone.send(&bob.lid, text("from my phone")).await?;
    let own = alice.gets("from my phone").await;
    assert_eq!((&own.chat, &own.sender.ids.primary), (&chat, &alice.session.me()));
    let is_told = |event| match event {
        RemoteEvent::ChatChanged { chat: at, change: ChatChange::Present(info) } => {
            (at == chat && info.newest.is_some()).then_some(())
        }
        _ => None,
    };
    alice.sees("the past", is_told).await;
    let history = alice.session.history().expect("phones tell the past");
    let past = history.messages(&chat, &Until::Before(own.id.clone()), 10).await?;
    let past: Vec<_> = past.iter().map(|one| (one.id.as_str(), one.message.text.to_plain())).collect();
    assert_eq!(past, [("them/OLD1", "long ago".to_owned())]);
    alice.session.close().await;
    sim.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_the_same_key_is_the_same_message_also_after_a_lost_answer() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let sim = LinkedSim::start().await?;
    let bob = sim.account(BOB, "Bob").await?;
    let alice = Account::new(&sim, sim.account(ALICE, "Alice").await?).await?;
    let chat = alice.chat(&bob);
    let once = alice.delivers(&chat, "once", said("hello")).await;
    assert_eq!(alice.delivers(&chat, "once", said("hello")).await, once);
    sim.inject(Fault::once(FaultKind::CutAfter).of(&alice.device)).await?;
    let lost = alice.session.deliver(&chat, &said("maybe"), &key("maybe")).await;
    assert!(matches!(lost, Err(DeliverError::Uncertain(_))), "{lost:?}");
    // The line comes back by itself; then the same message is sent again under the same id.
    sim.expect("login", |event| event["device"] == alice.device.as_str()).await?;
    sim.expect("login", |event| event["device"] == alice.device.as_str()).await?;
    let mut again = alice.session.deliver(&chat, &said("maybe"), &key("maybe")).await;
    while let Err(DeliverError::Retry { .. } | DeliverError::Uncertain(_)) = again {
        again = alice.session.deliver(&chat, &said("maybe"), &key("maybe")).await;
    }
    let id = again.expect("it is delivered").ids[0].clone();
    alice.delivers(&chat, "last", said("that was all")).await;
    sim.expect("phone-message", |event| event["phone"] == BOB && event["text"] == "that was all").await?;
    let ids = |words: &str| -> Vec<String> {
        let mut ids: Vec<_> =
            read_by(&sim, &bob, words).iter().map(|event| event["id"].to_string()).collect();
        ids.dedup();
        ids
    };
    assert_eq!(ids("hello").len(), 1, "one id, so one message");
    assert_eq!(ids("maybe"), [format!("\"{}\"", id.as_str().trim_start_matches("me/"))]);
    alice.session.close().await;
    sim.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_what_is_not_stored_is_told_again_to_the_next_session() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let sim = LinkedSim::start().await?;
    let bob = sim.account(BOB, "Bob").await?;
    let alice = Account::new(&sim, sim.account(ALICE, "Alice").await?).await?;
    bob.send(&alice.phone.lid, text("stored")).await?;
    alice.gets("stored").await;
    alice.recorder.refuse(true);
    let full = bob.send(&alice.phone.lid, text("while full")).await?;
    let why = alice.session.ended().await;
    assert!(matches!(why, ConnectError::Transient(_)), "{why:?}");
    let acked = sim.seen("acked").into_iter().any(|event| event["id"] == full.as_str());
    assert!(!acked, "WhatsApp keeps what was not stored");
    alice.recorder.refuse(false);
    bob.send(&alice.phone.lid, text("while away")).await?;
    let session = connect(&sim, &alice.saved, &alice.recorder).await?;
    alice.gets("while away").await;
    let got: Vec<_> = alice.recorder.messages().iter().map(|it| it.message.text.to_plain()).collect();
    assert_eq!(got, ["stored", "while full", "while away"]);
    session.close().await;
    sim.stop().await
}

/// Two bridges, each linked to one of two people: what the one delivers the other pushes.
#[tokio::test(flavor = "multi_thread")]
async fn real_two_linked_bridges_understand_each_other() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let sim = LinkedSim::start().await?;
    let alice = Account::new(&sim, sim.account(ALICE, "Alice").await?).await?;
    let bob = Account::new(&sim, sim.account(BOB, "Bob").await?).await?;
    let (to_bob, to_alice) = (alice.chat(&bob.phone), bob.chat(&alice.phone));

    let mut hello = words("");
    let target = MentionTarget::Person(Person::Remote(bob.session.me()));
    hello.message.text = RichText(vec![
        Node::Strong(vec![Node::Text("bold".into())]),
        Node::Text(" for ".into()),
        Node::Mention(Mention { target, label: "Bob".into() }),
    ]);
    let hello = alice.delivers(&to_bob, "hello", Outgoing::Message(hello)).await;
    let at_bob = |recorder: &Recorder| recorder.messages().into_iter().find(|it| it.chat == to_alice);
    let got = bob.recorder.wait_for("hello", at_bob).await;
    assert!(matches!(&got.message.text.0[0], Node::Strong(_)), "{:?}", got.message.text);
    assert_eq!(got.message.text.mentions().len(), 1, "{:?}", got.message.text);

    votes(&alice, &bob).await;
    for (nth, emoji) in [("r1", "👍"), ("r2", "🎉")] {
        let emoji = Emoji::unicode(emoji);
        bob.delivers(&to_alice, nth, Outgoing::React { target: got.id.clone(), emoji, author: None }).await;
    }
    // The first is gone already, and so nothing is taken back.
    for (nth, emoji) in [("r3", "👍"), ("r4", "🎉")] {
        let emoji = Emoji::unicode(emoji);
        bob.delivers(&to_alice, nth, Outgoing::Unreact { target: got.id.clone(), emoji, author: None }).await;
    }
    let marks = |recorder: &Recorder| {
        let names = recorder.events().into_iter().map(|it| it.event.name());
        let names: Vec<_> = names.filter(|name| matches!(*name, "react" | "unreact")).collect();
        (names == ["unreact", "react", "unreact", "react", "unreact"]).then_some(())
    };
    alice.recorder.wait_for("one reaction after the other", marks).await;

    alice.delivers(&to_bob, "pin", Outgoing::Pin { target: hello[0].clone() }).await;
    let is_pinned = |event| match event {
        RemoteEvent::Pin { target, pinned: true, .. } => (target == got.id).then_some(()),
        _ => None,
    };
    bob.sees("a pin", is_pinned).await;
    let description = "Harbor".to_owned();
    let place = Outgoing::Location { latitude: 1.5, longitude: 2.5, description, author: None };
    alice.delivers(&to_bob, "place", place).await;
    let is_place = |recorder: &Recorder| {
        recorder.messages().into_iter().find(|it| it.message.text.to_plain().contains("Harbor"))
    };
    bob.recorder.wait_for("a place", is_place).await;
    files(&sim, &alice, &bob).await?;

    let directory = alice.session.directory().expect("people can be found");
    let found = directory.resolve(&format!("+{BOB}")).await?.expect("Bob is on WhatsApp");
    assert!(found.ids.contains(&user(&bob.phone)), "{found:?}");
    assert_eq!(directory.resolve("+12025550199").await?, None, "nobody has this number");
    alice.session.close().await;
    bob.session.close().await;
    sim.stop().await
}

async fn votes(alice: &Account, bob: &Account) {
    let (to_bob, to_alice) = (alice.chat(&bob.phone), bob.chat(&alice.phone));
    let answers = ["now", "then"].map(str::to_owned).to_vec();
    let poll = Outgoing::Poll { question: "When?".to_owned(), answers, choices_max: 2, author: None };
    let ours = alice.delivers(&to_bob, "poll", poll).await[0].clone();
    let asked = |event| match event {
        RemoteEvent::Poll { message, answers, .. } => Some((message.id, answers)),
        _ => None,
    };
    let (theirs, answers) = bob.sees("a poll", asked).await;
    assert_eq!(answers, ["now", "then"]);
    let vote = |event| match event {
        RemoteEvent::Vote { target, sender, answers, .. } => Some((target, sender, answers)),
        _ => None,
    };
    bob.delivers(&to_alice, "vote", Outgoing::Vote { target: theirs.clone(), answers: vec![1] }).await;
    assert_eq!(alice.sees("a vote", vote).await, (ours.clone(), bob.session.me(), vec![1]));
    alice.delivers(&to_bob, "own vote", Outgoing::Vote { target: ours, answers: vec![0, 1] }).await;
    assert_eq!(bob.sees("a vote", vote).await, (theirs, alice.session.me(), vec![0, 1]));
}

/// Files of every kind arrive whole, and again after WhatsApp has let go of them, since the phone still has them.
async fn files(sim: &LinkedSim, alice: &Account, bob: &Account) -> anyhow::Result<()> {
    use AttachmentKind::{File, Image, Sticker, Video, Voice};
    let to_bob = alice.chat(&bob.phone);
    let bytes = vec![9_u8; 70_000];
    let mut last = None;
    for (kind, mime, name) in [
        (Voice, "audio/ogg", "v.ogg"),
        (File, "application/pdf", "a.pdf"),
        (Sticker, "image/webp", "s.webp"),
        (Video, "video/mp4", "m.mp4"),
        (Image, "image/jpeg", "p.jpg"),
    ] {
        let source = FileSource::Matrix(alice.recorder.add_file(name, bytes.clone()));
        let mut file = Attachment::new(kind, source, name);
        file.mime = Some(mime.to_owned());
        file.info.duration_ms = Some(2_500);
        let mut with_file = words("");
        with_file.message.attachments.push(file);
        alice.delivers(&to_bob, name, Outgoing::Message(with_file)).await;
        let has_it = |recorder: &Recorder| {
            let files = recorder.messages().into_iter().flat_map(|it| it.message.attachments);
            files.into_iter().find(|file| file.kind == kind)
        };
        let got = bob.recorder.wait_for(name, has_it).await;
        let FileSource::Remote(id) = got.source else { panic!("it lies at WhatsApp: {got:?}") };
        assert_eq!(bob.file(&id).await?, bytes, "{name} is whole");
        last = Some(id);
    }
    sim.expire_media().await?;
    let id = last.expect("there are files");
    assert_eq!(bob.file(&id).await?, bytes, "the phone gives it once more");
    Ok(())
}
