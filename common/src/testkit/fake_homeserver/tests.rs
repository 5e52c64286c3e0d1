//! The fake itself: what it pushes, when, and how often.

use std::sync::atomic::Ordering;

use ruma::{EventId, user_id};
use serde_json::json;

use super::*;
use crate::{
    appservice::{self, Handler, Incoming, NotAccepted, Transaction, registration::Tokens},
    homeserver::{CreateRoom, Homeserver, SendEvent},
};

/// What an application service was told.
#[derive(Default)]
struct Told {
    log: Mutex<Vec<(String, Vec<String>, usize)>>,
    refuse: AtomicU32,
    asked: Mutex<Vec<OwnedUserId>>,
}

impl Handler for Told {
    async fn transaction(&self, transaction: Transaction<'_>) -> Result<(), NotAccepted> {
        let ids = transaction.events.iter().map(|incoming| match incoming {
            Incoming::Event(envelope) => envelope.event_id.to_string(),
            Incoming::Unreadable(unreadable) => unreadable.reason.clone(),
        });
        let entry = (transaction.txn_id.to_owned(), ids.collect(), transaction.ephemeral.len());
        lock(&self.log).push(entry);
        if self.refuse.load(Ordering::Relaxed) > 0 {
            self.refuse.fetch_sub(1, Ordering::Relaxed);
            return Err(NotAccepted("not now".to_owned()));
        }
        Ok(())
    }

    async fn user_exists(&self, user: &UserId) -> bool {
        lock(&self.asked).push(user.to_owned());
        true
    }

    async fn alias_exists(&self, _alias: &str) -> bool {
        false
    }
}

struct Bridge {
    fake: FakeHomeserver,
    homeserver: Homeserver,
    told: Arc<Told>,
    url: String,
}

impl Bridge {
    async fn start() -> Self {
        let fake = FakeHomeserver::start(FakeSettings::with_bridge("@discord_", "discordbot")).await.unwrap();
        let homeserver = Homeserver::new(fake.client_settings()).unwrap();
        let told = Arc::new(Told::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tokens = Tokens {
            as_token: Secret::new("as-token-for-tests"),
            hs_token: Secret::new("hs-token-for-tests"),
            previous: None,
            secrets_key: None,
        };
        let router = appservice::router(tokens, Clock::system(), Arc::clone(&told));
        tokio::spawn(appservice::serve(listener, router, CancellationToken::new()));
        Self { fake, homeserver, told, url }
    }

    /// A room with alice and the bot in it, all of it pushed.
    async fn room(&self) -> (OwnedRoomId, FakePerson) {
        self.fake.set_appservice_url(&self.url);
        let alice = self.fake.person("alice");
        let invite = vec![alice.user_id().to_owned()];
        let room =
            self.homeserver.create_room(&CreateRoom { invite, ..CreateRoom::default() }).await.unwrap();
        self.fake.wait_until_pushed().await;
        lock(&self.told.log).clear();
        (room, alice)
    }

    fn told(&self) -> Vec<(String, Vec<String>, usize)> {
        lock(&self.told.log).clone()
    }
}

fn ids(events: &[impl AsRef<EventId>]) -> Vec<String> {
    events.iter().map(|event| event.as_ref().to_string()).collect()
}

#[tokio::test]
async fn events_are_pushed_in_order_a_hundred_at_a_time() {
    let bridge = Bridge::start().await;
    let (room, alice) = bridge.room().await;
    bridge.fake.pause_pushes();
    let sent: Vec<_> = (0..150).map(|n| alice.sends(&room, &n.to_string())).collect();
    bridge.fake.resume_pushes();
    bridge.fake.wait_until_pushed().await;
    let told = bridge.told();
    assert_eq!((told.len(), told[0].1.len()), (2, 100));
    let order: Vec<_> = told.into_iter().flat_map(|entry| entry.1).collect();
    assert_eq!(order, ids(&sent));
}

#[tokio::test]
async fn a_transaction_comes_again_under_its_id_until_it_is_accepted() {
    let bridge = Bridge::start().await;
    let (room, alice) = bridge.room().await;
    bridge.told.refuse.store(2, Ordering::Relaxed);
    bridge.fake.lose_push_answers(1);
    let sent = alice.sends(&room, "hello");
    bridge.fake.wait_until_pushed().await;
    let told = bridge.told();
    assert_eq!(told.len(), 4, "two refusals, one lost answer, one success");
    assert!(told.iter().all(|entry| entry.0 == told[0].0 && entry.1 == ids(std::slice::from_ref(&sent))));
}

#[tokio::test]
async fn ephemeral_events_come_once_even_if_refused() {
    let bridge = Bridge::start().await;
    let (room, alice) = bridge.room().await;
    bridge.fake.pause_pushes();
    let sent = alice.sends(&room, "hello");
    alice.types(&room, true);
    alice.reads(&room, &sent);
    bridge.told.refuse.store(1, Ordering::Relaxed);
    bridge.fake.resume_pushes();
    bridge.fake.wait_until_pushed().await;
    let counts: Vec<_> = bridge.told().iter().map(|entry| (entry.1.len(), entry.2)).collect();
    assert_eq!(counts, [(1, 2), (1, 0)]);
}

#[tokio::test]
async fn the_ghosts_own_events_come_back() {
    let bridge = Bridge::start().await;
    let (room, _alice) = bridge.room().await;
    let content = json!({ "msgtype": "m.text", "body": "from the bot" });
    let event = SendEvent {
        room_id: &room,
        event_type: "m.room.message",
        txn_id: "1",
        content: &content,
        sent_ms: None,
    };
    let sent = bridge.homeserver.bot().send(event).await.unwrap();
    bridge.fake.wait_until_pushed().await;
    assert_eq!(bridge.told()[0].1, ids(&[sent]));
}

#[tokio::test]
async fn what_is_pushed_raw_arrives_as_it_is() {
    let bridge = Bridge::start().await;
    let (room, alice) = bridge.room().await;
    bridge.fake.pause_pushes();
    bridge.fake.push_raw("5");
    let sent = alice.sends(&room, "hello");
    bridge.fake.resume_pushes();
    bridge.fake.wait_until_pushed().await;
    let told = bridge.told();
    assert!(told[0].1[0].contains("invalid type: integer"), "{told:?}");
    assert_eq!(told[0].1[1], sent.as_str());
}

#[tokio::test]
async fn rooms_without_our_users_are_not_ours_to_hear() {
    let bridge = Bridge::start().await;
    bridge.room().await;
    let alice = bridge.fake.person("alice");
    let bob = bridge.fake.person("bob");
    let private = alice.creates_direct_chat(bob.user_id());
    bob.sends(&private, "secret");
    bridge.fake.wait_until_pushed().await;
    assert!(bridge.told().is_empty());
}

#[tokio::test]
async fn an_invitation_of_an_unknown_ghost_asks_first() {
    let bridge = Bridge::start().await;
    let (room, alice) = bridge.room().await;
    let ghost = user_id!("@discord_7:example.org");
    alice.invites(&room, ghost).await;
    assert_eq!(*lock(&bridge.told.asked), [ghost]);
    assert_eq!(bridge.fake.membership(&room, ghost), Some(Membership::Invited));
}

#[tokio::test]
async fn a_ping_comes_back_or_says_why_not() {
    let bridge = Bridge::start().await;
    bridge.fake.set_appservice_url("http://127.0.0.1:9");
    let unreachable = bridge.homeserver.ping("magpie", "1").await.unwrap_err();
    assert!(unreachable.is_transient(), "{unreachable}");
    bridge.fake.set_appservice_url(&bridge.url);
    bridge.homeserver.ping("magpie", "1").await.unwrap();
}

#[tokio::test]
async fn without_keeping_events_they_are_counted_seen_and_pushed() {
    let seen = Arc::new(AtomicU64::new(0));
    let mut settings = FakeSettings::with_bridge("@discord_", "discordbot");
    settings.keep_events = false;
    let counter = Arc::clone(&seen);
    settings.observer = Some(Arc::new(move |_event| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let fake = FakeHomeserver::start(settings).await.unwrap();
    let alice = fake.person("alice");
    let room = alice.creates_direct_chat(user_id!("@discordbot:example.org"));
    alice.sends(&room, "hello");
    assert!(fake.events(&room).is_empty());
    assert_eq!(fake.event_count(), seen.load(Ordering::Relaxed));
    assert_eq!(fake.state(&room, "m.room.member", "@alice:example.org").unwrap()["membership"], "join");
    fake.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_vain_ends_whether_it_is_quiet_or_something_goes_on() {
    let settings = FakeSettings::with_bridge("@discord_", "discordbot");
    let homeserver = FakeHomeserver::start(settings).await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(homeserver.wait_while_busy(|_| None::<()>).await, None);
    assert_eq!(began.elapsed().as_secs(), QUIET_MAX.as_secs());
    let began = tokio::time::Instant::now();
    let goes_on = async {
        for _ in 0..100 {
            tokio::time::sleep(QUIET_MAX / 2).await;
            homeserver.0.announce();
        }
    };
    tokio::select! {
        found = homeserver.wait_while_busy(|_| None::<()>) => assert_eq!(found, None),
        () = goes_on => panic!("it waits for ever"),
    }
    assert_eq!(began.elapsed().as_secs(), WAIT_MAX.as_secs());
    homeserver.stop().await;
}
