//! What is decided of what stands.

use ruma::{OwnedEventId, owned_room_id};

use super::*;

fn row(id: &str, state: MessageState) -> MessageRow {
    MessageRow {
        id: JournalId::new(1),
        origin: Direction::FromRemote,
        room_id: Some(owned_room_id!("!r:example.org")),
        event_id: Some(OwnedEventId::try_from(format!("${}", id.replace('/', "-"))).unwrap()),
        chat: Some(RemoteChatId::new("c")),
        remote_id: Some(RemoteMessageId::new(id)),
        part: 0,
        sender: Some("u".to_owned()),
        state,
        reason: None,
        sent_ms: 1,
    }
}

fn stands(ids: &[&str]) -> Vec<Stands> {
    ids.iter().map(|id| Stands { id: RemoteMessageId::new(*id), reactions: None }).collect()
}

#[test]
fn what_is_in_the_stretch_and_does_not_stand_was_deleted() {
    use MessageState::{Delivered, Failed, Gone, Open};
    /// What it shows, the stretch, what stands in it, and what was deleted.
    type Case<'a> = (&'a str, (&'a str, &'a str), &'a [&'a str], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        ("in the middle", ("20", "40"), &["20", "40"], &["30"]),
        ("the newest", ("20", "40"), &["20", "30"], &["40"]),
        ("all", ("20", "40"), &[], &["20", "30", "40"]),
        ("nothing", ("20", "40"), &["20", "30", "40"], &[]),
        ("what is older is not looked at", ("30", "40"), &["40"], &["30"]),
        ("what is younger came meanwhile", ("20", "30"), &["20", "30"], &[]),
        ("ids of another length", ("100", "400"), &[], &[]),
        ("a message that is named by something older than the stretch", ("30", "40"), &["10", "40"], &["30"]),
        ("a thread", ("7/20", "7/40"), &["7/20"], &["7/40"]),
    ];
    for (what, (first, last), standing, gone) in cases {
        let mut rows: Vec<_> =
            ["10", "20", "30", "40", "7/20", "7/40", "8/30"].map(|id| row(id, Delivered)).into();
        rows.extend([row("25", Gone), row("26", Open), row("27", Failed)]);
        let stretch = (RemoteMessageId::new(*first), RemoteMessageId::new(*last));
        let standing = stands(standing);
        let found: Vec<_> =
            deleted(&rows, &stretch, &standing).into_iter().map(RemoteMessageId::as_str).collect();
        assert_eq!(found, *gone, "{what}");
    }
}

#[test]
fn only_reactions_of_the_network_change() {
    let row = |origin, sender: &str, emoji: &str| ReactionRow {
        chat: RemoteChatId::new("c"),
        target: RemoteMessageId::new("1"),
        origin,
        sender: sender.to_owned(),
        emoji: Emoji::unicode(emoji),
        room_id: owned_room_id!("!r:example.org"),
        event_id: OwnedEventId::try_from(format!("${sender}")).unwrap(),
    };
    let known = [
        row(Direction::FromRemote, "u", "❤️"),
        row(Direction::FromRemote, "v", "👍"),
        row(Direction::FromMatrix, "@a:example.org", "👍"),
    ];
    // A variation selector is no difference.
    let standing =
        [("u", "❤"), ("w", "👍")].map(|(who, emoji)| (RemoteUserId::new(who), Emoji::unicode(emoji)));
    let (gone, new) = changed(&known, &standing);
    assert_eq!(gone.iter().map(|row| row.sender.as_str()).collect::<Vec<_>>(), ["v"]);
    assert_eq!(new.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["w"]);
}
