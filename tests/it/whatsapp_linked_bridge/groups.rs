//! Groups: made, talked in, changed from both sides.

use magpie_common::testkit::fake_homeserver::{FakeHomeserver, FakePerson, Membership};
use magpie_tests::{
    harness::tools::{Component, need},
    whatsapp_linked::{
        Person, Phone,
        content::text,
        faults::{Fault, FaultKind},
        groups::{Addressing, Membership as Members, Switch},
    },
};
use ruma::{OwnedRoomId, OwnedUserId};
use serde_json::{Value, json};

use super::{
    Linked,
    chat::{CAROL, PIXEL, empower},
};

/// A group of Alice and Bob in which Bob has spoken.
struct Group {
    linked: Linked,
    bobs: Person,
    /// Its address.
    jid: String,
    room: OwnedRoomId,
    admin: FakePerson,
    bob: OwnedUserId,
    /// Bob's first words there.
    hello: String,
}

impl Group {
    /// Made by whoever `makes` gives.
    async fn begin(makes: impl FnOnce(&Linked) -> (Phone, Phone)) -> anyhow::Result<Self> {
        let linked = Linked::start().await?;
        let bobs = Person::linked(&linked.on.sim, &linked.on.bob).await?;
        let (maker, other) = makes(&linked);
        let jid = maker.create_group("Choir", &[&other], Addressing::Lid).await?;
        bobs.expect("group", |event| event["id"] == jid.as_str()).await?;
        let hello = bobs.say(&jid, "Hello, all.").await?;
        let (room, admin) = linked.room_with("Hello, all.").await;
        let bob = linked.hears(&room, "Hello, all.").await.sender.clone();
        Ok(Self { linked, bobs, jid, room, admin, bob, hello })
    }

    async fn of_alice() -> anyhow::Result<Self> {
        Self::begin(|linked| (linked.on.alice.clone(), linked.on.bob.clone())).await
    }

    async fn of_bob() -> anyhow::Result<Self> {
        Self::begin(|linked| (linked.on.bob.clone(), linked.on.alice.clone())).await
    }

    fn homeserver(&self) -> &FakeHomeserver {
        &self.linked.on.homeserver
    }

    /// Waits until a piece of the room's state is so.
    async fn shows(&self, event_type: &str, key: &str, wanted: &str) {
        let is_so = |homeserver: &FakeHomeserver| {
            let content = homeserver.state(&self.room, event_type, "")?;
            (content[key] == wanted).then_some(())
        };
        self.homeserver().wait_until(is_so).await;
    }

    /// Waits until somebody stands so in the room.
    async fn has(&self, who: &OwnedUserId, wanted: Membership) {
        let is_so = |homeserver: &FakeHomeserver| {
            (homeserver.membership(&self.room, who) == Some(wanted)).then_some(())
        };
        self.homeserver().wait_until(is_so).await;
    }

    /// What the server has, once it is so.
    async fn is_at_whatsapp(&self, change: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        self.bobs.expect(change, |event| event["id"] == self.jid.as_str() && is_so(event)).await.map(drop)
    }

    async fn end(self) -> anyhow::Result<()> {
        self.bobs.stop().await?;
        self.linked.end().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_group_is_a_room_that_follows_it() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let group = Group::of_alice().await?;
    let (alice, jid) = (&group.linked.on.alice, &*group.jid);
    group.shows("m.room.name", "name", "Choir").await;
    alice.set_subject(jid, "Big choir").await?;
    group.shows("m.room.name", "name", "Big choir").await;
    alice.set_description(jid, "D1", Some("Tuesdays.")).await?;
    group.shows("m.room.topic", "topic", "Tuesdays.").await;
    alice.set_group_picture(jid, Some(PIXEL)).await?;
    let url = group
        .homeserver()
        .wait_until(|homeserver| {
            let url = homeserver.state(&group.room, "m.room.avatar", "")?["url"].as_str()?.to_owned();
            (!url.is_empty()).then_some(url)
        })
        .await;
    let picture = group.homeserver().media(url.as_str().into()).expect("it is there");
    assert_eq!(&*picture.bytes, PIXEL);

    let carol = group.linked.on.sim.account(CAROL, "Carol").await?;
    alice.change_members(jid, Members::Add, &[&carol]).await?;
    carol.send(jid, text("Am I in?")).await?;
    let carols = group.linked.hears(&group.room, "Am I in?").await.sender.clone();
    group.has(&carols, Membership::Joined).await;
    alice.change_members(jid, Members::Remove, &[&carol]).await?;
    group.has(&carols, Membership::Left).await;
    alice.set_switch(jid, Switch::Timer(604_800)).await?;
    group.linked.hears(&group.room, "disappear on WhatsApp after 7 days").await;

    // The room and everybody in it hear what is said, each once.
    group.admin.sends(&group.room, "From Matrix.");
    let heard = group.bobs.expect("message", |event| event["text"] == "From Matrix.").await?;
    assert_eq!((&heard["chat"], &heard["participant"]), (&json!(jid), &json!(alice.lid)));
    group.bobs.react(jid, heard["id"].as_str().unwrap_or_default(), "👋").await?;
    group
        .homeserver()
        .wait_for(&group.room, |event| event.event_type == "m.reaction" && event.sender == group.bob)
        .await;
    group.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_group_follows_its_room() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let group = Group::of_alice().await?;
    empower(group.homeserver(), &group.room);
    let sim = &group.linked.on.sim;
    group.admin.sets_state(&group.room, "m.room.name", "", &json!({"name": "Small choir"}));
    group.is_at_whatsapp("group-change", |event| event["subject"] == "Small choir").await?;
    group.admin.sets_state(&group.room, "m.room.topic", "", &json!({"topic": "Fridays."}));
    group.is_at_whatsapp("group-change", |event| event["desc"] == "Fridays.").await?;
    assert_eq!(sim.group(&group.jid).await?.description.as_deref(), Some("Fridays."));

    // An admin of the group deletes what somebody else wrote.
    let hello = group.linked.hears(&group.room, "Hello, all.").await.event_id.clone();
    group.admin.redacts(&group.room, &hello);
    let revoked = group.bobs.expect("update", |event| event["id"] == group.hello.as_str()).await?;
    assert_eq!(revoked["messageStubType"], 1);
    group.end().await
}

/// A message that WhatsApp did not take had our key of the group with it: the next one brings a new key, and nobody has to ask.
#[tokio::test(flavor = "multi_thread")]
async fn real_a_key_that_was_lost_with_its_message_is_brought_again() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let group = Group::of_bob().await?;
    let (sim, bob) = (&group.linked.on.sim, &group.linked.on.bob);
    for (nth, kind) in [FaultKind::RefuseMessage(503), FaultKind::Swallow].into_iter().enumerate() {
        sim.inject(Fault::once(kind).of(&group.linked.device)).await?;
        let words = format!("Can you read this? {nth}");
        group.admin.sends(&group.room, &words);
        let is_read =
            |event: &Value| event["phone"] == bob.number.as_str() && event["text"] == words.as_str();
        sim.expect("phone-message", is_read).await?;
        assert_eq!(sim.seen("phone-error"), [] as [Value; 0]);
    }
    group.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn real_where_only_admins_write_others_are_told() -> anyhow::Result<()> {
    let Some(_) = need(Component::Judge("whatsapp")) else { return Ok(()) };
    let group = Group::of_bob().await?;
    let bob = &group.linked.on.bob;
    bob.set_switch(&group.jid, Switch::Announce(true)).await?;
    bob.set_subject(&group.jid, "News").await?;
    group.shows("m.room.name", "name", "News").await;
    group.admin.sends(&group.room, "May I?");
    let told = group.linked.hears(&group.room, "not carried over to WhatsApp").await;
    assert_eq!(
        (&told.content()["msgtype"], told.sender.localpart()),
        (&json!("m.notice"), "whatsappbot"),
        "{told:?}"
    );
    bob.change_members(&group.jid, Members::Promote, &[&group.linked.on.alice]).await?;
    group.bobs.expect("members", |event| event["action"] == "promote").await?;
    bob.set_subject(&group.jid, "Old news").await?;
    group.shows("m.room.name", "name", "Old news").await;
    group.admin.sends(&group.room, "And now?");
    group.bobs.expect("message", |event| event["text"] == "And now?").await?;
    let at_bobs = group.bobs.seen("message");
    assert!(at_bobs.iter().all(|event| event["text"] != "May I?"), "{at_bobs:#?}");
    // Taken out of the group, the room stays as a memory.
    bob.change_members(&group.jid, Members::Remove, &[&group.linked.on.alice]).await?;
    group.bobs.expect("members", |event| event["action"] == "remove").await?;
    group.end().await
}
