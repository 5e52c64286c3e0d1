//! Stories of what happens to messages later: reactions, edits, deletions, and work that its own pusher does.

use super::{chat, event_id, message, open, open_bodies, remote, room, to_remote};
use crate::{
    ids::RemoteFileId,
    message::{Emoji, FileSource},
    store::{
        Direction, Done, MessageState, Outcome, PushOrder, ReactionRow, RemoteRow, StoreSettings, Stored,
    },
};

pub(super) async fn reactions_are_found_from_both_sides(settings: &StoreSettings) {
    let store = open(settings).await.store;
    assert_eq!(store.reactions(&chat(), &message("m")).await, Ok(Vec::new()));
    let source = FileSource::Remote(RemoteFileId::new("emoji/1"));
    let custom = Emoji::Custom { name: "wave".to_owned(), source };
    let reaction = |origin, sender: &str, emoji: &Emoji, event: &str| ReactionRow {
        chat: chat(),
        target: message("m"),
        origin,
        sender: sender.to_owned(),
        emoji: emoji.clone(),
        room_id: room(),
        event_id: event_id(event),
    };
    let ours = reaction(Direction::FromMatrix, "@alice:example.org", &custom, "$1");
    let theirs = reaction(Direction::FromRemote, "bob", &Emoji::unicode("👍"), "$2");
    for row in [&ours, &theirs, &ours] {
        store.save_reaction(row).await.expect("the reaction is stored");
    }
    assert_eq!(store.reaction_by_event(&event_id("$1")).await, Ok(Some(ours.clone())));
    let mut all = store.reactions(&chat(), &message("m")).await.expect("reactions can be read");
    all.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    assert_eq!(all, [ours, theirs.clone()]);
    store.remove_reaction(&event_id("$1")).await.expect("the reaction is forgotten");
    store.remove_reaction(&event_id("$1")).await.expect("forgetting twice does no harm");
    assert_eq!(store.reaction_by_event(&event_id("$1")).await, Ok(None));
    assert_eq!(store.reactions(&chat(), &message("m")).await, Ok(vec![theirs]));
    store.close().await;
}

pub(super) async fn what_was_taken_back_stays_known(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1", "$2"]).await;
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "b"])).await;
    opened.finish(ids[1], Outcome::Delivered, to_remote(&["c"])).await;
    opened.store.event_taken_back(&event_id("$1")).await.expect("it is remembered");
    opened.store.remote_taken_back(&chat(), &message("c")).await.expect("it is remembered");
    for event in ["$1", "$2"] {
        let rows = opened.store.message_by_event(&event_id(event)).await.expect("the map can be read");
        assert!(rows.iter().all(|row| row.state == MessageState::Gone), "{rows:?}");
    }
    let again = opened.store.push(remote("b"), &PushOrder::default()).await.stored().await;
    assert_eq!(again, Ok(Stored::Known));
    opened.store.close().await;
}

pub(super) async fn an_edit_can_drop_and_add_parts(settings: &StoreSettings) {
    let opened = open(settings).await;
    let ids = opened.accept(&["$1"]).await;
    let parts = async || {
        let rows = opened.store.message_by_event(&event_id("$1")).await.expect("the map can be read");
        rows.into_iter().filter_map(|row| row.remote_id).collect::<Vec<_>>()
    };
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "b", "c"])).await;
    opened.store.drop_parts(&event_id("$1"), 1).await.expect("the parts are dropped");
    assert_eq!(parts().await, [message("a")]);
    opened.finish(ids[0], Outcome::Delivered, to_remote(&["a", "d", "e"])).await;
    assert_eq!(parts().await, ["a", "d", "e"].map(message));
    opened.store.close().await;
}

pub(super) async fn held_work_is_stored_and_fed_to_nobody(settings: &StoreSettings) {
    let opened = open(settings).await;
    let row = RemoteRow { held: true, ..remote("old") };
    let push = async || opened.store.push(row.clone(), &PushOrder::default()).await.stored().await;
    assert_eq!(push().await, Ok(Stored::New));
    assert_eq!(push().await, Ok(Stored::Known));
    assert_eq!(opened.feed.bodies(), [""; 0]);
    assert_eq!(open_bodies(&opened.store, Direction::FromRemote, "chat").await, ["body of old"]);
    let rows = opened.store.message_by_remote(&chat(), &message("old")).await.expect("the map can be read");
    let done = Done { id: rows[0].id, outcome: Outcome::Delivered, links: super::to_matrix(&["$1"]) };
    opened.store.finish(done).await.expect("the record is stored");
    assert_eq!(open_bodies(&opened.store, Direction::FromRemote, "chat").await, [""; 0]);
    opened.store.close().await;
}
