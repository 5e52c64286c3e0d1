//! Whoever is known by a number goes on under the hidden id, with everything that is known of them.

use magpie_common::{ids::RemoteMessageId, message::RemoteEvent as Event, testkit::platform_suite::Recorder};

use super::{
    super::{Timer, tests::world},
    *,
};
use crate::linked::{place::Writer, session::scene};

fn user(id: &str) -> RemoteUserId {
    RemoteUserId::new(id)
}

fn chat(id: &str) -> RemoteChatId {
    RemoteChatId::new(id)
}

/// Somebody by the addresses `p<number>` and `l<hidden id>`.
fn person(told: &str) -> Person {
    let jid = |word: &str| match word.split_at(1) {
        ("p", digits) => Jid::pn(digits),
        (_, digits) => Jid::lid(digits),
    };
    Person::told(&told.split_whitespace().map(jid).collect::<Vec<_>>())
}

/// What was told of ids: `alias=canonical`, `from>to`.
fn told(recorder: &Recorder) -> String {
    let words = recorder.events().into_iter().filter_map(|recorded| match recorded.event {
        Event::SameUser { canonical, alias } => Some(format!("{alias}={canonical}")),
        Event::Migrated { from, to } => Some(format!("{from}>{to}")),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn ids(person: &Person) -> String {
    let ids = person.ids().expect("there is an id");
    ids.all().map(RemoteUserId::as_str).collect::<Vec<_>>().join(" ")
}

const ONE: &str = "49155=lid-55 lid-1/49155>lid-1/lid-55";
const OTHER: &str = "49166=lid-66 lid-1/49166>lid-1/lid-66";

#[tokio::test]
async fn who_was_known_by_number_goes_on_under_the_hidden_id() {
    for (name, met, expected) in [
        ("by number alone", "p49155 p49155", String::new()),
        ("by hidden id alone", "l55 l55", String::new()),
        ("by number first", "p49155 p49155+l55", ONE.to_owned()),
        ("by hidden id first", "l55 l55+p49155", "49155=lid-55".to_owned()),
        ("by both at once, and again", "p49155+l55 l55+p49155 l55", "49155=lid-55".to_owned()),
        ("told once", "p49155 p49155+l55 p49155+l55 p49155", ONE.to_owned()),
        ("two people", "p49155 p49166 p49166+l66 p49155+l55", format!("{OTHER} {ONE}")),
        ("the account itself", "p491 p491+l1", String::new()),
    ] {
        let recorder = Recorder::default();
        for one in met.split(' ') {
            // Each time by another session.
            world(&recorder).await.met(person(&one.replace('+', " ")), Meeting::Acting).await;
        }
        assert_eq!(told(&recorder), expected, "{name}");
    }
}

#[tokio::test]
async fn who_merely_stands_in_a_list_is_told_only_where_the_number_was_in_use() {
    let recorder = Recorder::default();
    let world = world(&recorder).await;
    world.listed(person("p49155 l55")).await;
    assert_eq!(told(&recorder), "", "nobody was ever called by that number");
    world.listed(person("p49166")).await;
    assert!(world.is_number_alone(&user("49166")));
    world.listed(person("p49166 l66")).await;
    assert_eq!(told(&recorder), OTHER);
    assert!(!world.is_number_alone(&user("49166")) && world.numbers_alone().is_empty());
    assert_eq!(world.whom(&Jid::pn("49166")), Some(user("lid-66")), "a mention of the number means them");
    assert_eq!(
        world.listed(person("p49166")).await.id(),
        Some(user("lid-66")),
        "and so does the number alone"
    );
}

#[tokio::test]
async fn a_number_that_is_given_to_somebody_else_makes_nobody_one() {
    let recorder = Recorder::default();
    let world = world(&recorder).await;
    let first = world.met(person("p49155 l55"), Meeting::Acting).await;
    assert_eq!(ids(&first), "lid-55 49155");
    let second = world.met(person("p49155 l66"), Meeting::Acting).await;
    assert_eq!(ids(&second), "lid-66", "the number is no id of theirs");
    assert_eq!(told(&recorder), "49155=lid-55");
}

#[tokio::test]
async fn a_new_number_or_a_new_hidden_id_leaves_the_person_who_they_are() {
    let both = "49155=lid-55 lid-55=lid-77 lid-1/lid-55>lid-1/lid-77 49177=lid-77";
    for (name, before, new, expected) in [
        ("a number, by one hidden id", "p49155 l55", "p49177 l55", "49155=lid-55 49177=lid-55".to_owned()),
        ("a number that stood alone", "p49155", "p49177 l55", format!("{ONE} 49177=lid-55")),
        ("both", "p49155 l55", "p49177 l77", both.to_owned()),
        ("nobody knows a hidden id", "p49155", "p49177", "49155=49177 lid-1/49155>lid-1/49177".to_owned()),
    ] {
        let recorder = Recorder::default();
        let world = world(&recorder).await;
        let old = world.met(person(before), Meeting::Acting).await;
        let old = (old.phone.as_ref().and_then(id_of), old.lid.as_ref().and_then(id_of));
        let new = person(new);
        // Twice, since WhatsApp repeats itself.
        world.number_changed(old.clone(), &new).await.expect("it is stored");
        world.number_changed(old, &new).await.expect("it is stored");
        let all = told(&recorder);
        assert!(all.starts_with(&expected), "{name}: {all}");
        let met = world.met(new.clone(), Meeting::Acting).await;
        assert_eq!(ids(&met), ids(&new), "{name}: the new number is theirs");
    }
}

#[tokio::test]
async fn what_is_known_of_the_chat_and_the_writer_goes_along() {
    let recorder = Recorder::default();
    let before = world(&recorder).await;
    let (old, new, id) = (chat("lid-1/49155"), chat("lid-1/lid-55"), RemoteMessageId::new("them/A"));
    before.met(person("p49155"), Meeting::Acting).await;
    before.learn_name(&user("49155"), |names| names.contact = Some("Bob".to_owned())).await.expect("stored");
    before.learn_timer(&old, Timer { secs: 60, set_ms: 1 }).await.expect("stored");
    before.note_placeholder(&old, &id).await.expect("stored");
    before.note_seen("A", &old, &id);
    let creator = Jid::pn("49155");
    let poll = super::super::PollMemory { answers: vec!["a".to_owned()], creator, secret: None };
    before.note_poll(&old, &id, &poll).await.expect("stored");
    let group = chat("1-2@g.us");
    let written = scene::message(&before, &group, &Writer::Other(user("49155")), "M");
    before.met(person("p49155 l55"), Meeting::Acting).await;
    assert_eq!(before.seen("A"), Some((new.clone(), id.clone())));
    for world in [before, world(&recorder).await] {
        assert_eq!(world.label(&Jid::lid("55")), "Bob");
        assert_eq!((world.timer_secs(&new), world.timer_secs(&old)), (60, 0));
        assert!(world.has_placeholder(&new, &id) && !world.has_placeholder(&old, &id));
        assert_eq!(world.poll(&new, &id).await, Ok(Some(poll.clone())));
        let again = scene::message(&world, &group, &Writer::Other(user("lid-55")), "M");
        assert_eq!(again, written, "what is about an older message finds it");
        assert_eq!(world.writer_of(&user("49155")), user("lid-55"), "WhatsApp is asked by the id of today");
    }
}

#[tokio::test]
async fn what_could_not_be_told_is_told_the_next_time() {
    let recorder = Recorder::default();
    let world = world(&recorder).await;
    world.met(person("p49155"), Meeting::Acting).await;
    recorder.refuse(true);
    world.met(person("p49155 l55"), Meeting::Acting).await;
    assert_eq!(told(&recorder), "");
    recorder.refuse(false);
    world.met(person("p49155 l55"), Meeting::Acting).await;
    assert_eq!(told(&recorder), ONE);
}
