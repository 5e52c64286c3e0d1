//! The past is found in order, and what could not be stored at once is stored later.

use magpie_common::{
    ids::{AliasSet, LoginId, RemoteUserId},
    message::{Message, RichText, Sender},
    testkit::platform_suite::Recorder,
};

use super::*;

#[tokio::test]
async fn the_newest_messages_up_to_a_bound_come_oldest_first() {
    let vault = EventSink::new(LoginId::new("1"), Arc::new(Recorder::default())).vault();
    let chat = RemoteChatId::new("1/2");
    for (id, sent_ms) in [("c", 30), ("a", 10), ("d", 40), ("b", 20)] {
        let message = RemoteMessage {
            chat: chat.clone(),
            id: RemoteMessageId::new(id),
            sender: Sender { ids: AliasSet::single(RemoteUserId::new("2")), name: None, avatar: None },
            sent_ms,
            message: Message::text(RichText::plain(id)),
        };
        let row =
            Row { key: id.to_owned(), mark: sent_ms, value: serde_json::to_vec(&message).expect("JSON") };
        vault.keep(vec![Keeping::Put { shelf: shelf(&chat), row }]).await.expect("it is stored");
    }
    let cases = [
        (Until::Before(RemoteMessageId::new("d")), 2, vec!["b", "c"]),
        (Until::Including(RemoteMessageId::new("d")), 2, vec!["c", "d"]),
        (Until::Before(RemoteMessageId::new("new")), 9, vec!["a", "b", "c", "d"]),
        (Until::Before(RemoteMessageId::new("a")), 9, vec![]),
    ];
    for (until, count, wanted) in cases {
        let found =
            messages(&vault, std::slice::from_ref(&chat), &until, count).await.expect("they can be read");
        assert_eq!(found.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), wanted, "{until:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_at_once_is_stored_a_little_later() {
    let recorder = Recorder::default();
    let sink = EventSink::new(LoginId::new("linked-lid-1"), Arc::new(recorder.clone()));
    let world = Arc::new(super::super::world::tests::world(&recorder).await);
    let past = Past::new(Arc::clone(&world), sink);
    let id = RemoteUserId::new("lid-2");
    recorder.refuse(true);
    let (here, name) = (&world, &id);
    let storing = past.patiently(|| {
        async move { here.learn_name(name, |names| names.push = Some("Bob".to_owned())).await.map(drop) }
            .boxed()
    });
    let healing = async {
        tokio::time::sleep(PAUSE_MIN / 2).await;
        recorder.refuse(false);
    };
    tokio::join!(storing, healing);
    assert_eq!(world.vault.all("name").await.expect("rows").len(), 1);
}
