//! What every database behind the store must do, as stories.
//!
//! [`all`] asks for an empty database for each story, so that none sees what another left. A story panics when it fails.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use ruma::{OwnedEventId, OwnedRoomId};

use crate::{
    clock::Clock,
    ids::{RemoteChatId, RemoteMessageId, RemoteUserId},
    message::{RoomTemplates, Template, TemplateKind},
    store::{
        Direction, Done, Feed, JournalId, Links, MatrixEvent, OpenRow, Outcome, PushOrder, RemoteRow, Store,
        StoreSettings,
    },
};

mod accounts;
mod changes;
mod echoes;
mod identities;
mod journal;
mod moving;
mod rows;
mod shelves;
mod submitting;

/// Runs every story, each on the empty database that `fresh` answers.
pub async fn all<F, Fut>(fresh: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = StoreSettings>,
{
    submitting::order_is_kept_and_duplicates_are_known(&fresh().await).await;
    submitting::unreadable_events_are_parked_and_not_fed(&fresh().await).await;
    submitting::one_bad_operation_costs_no_other(&fresh().await).await;
    submitting::a_cursor_moves_with_its_event(&fresh().await).await;
    submitting::any_text_is_accepted(&fresh().await).await;
    submitting::thousands_at_once_keep_their_order(&fresh().await).await;
    submitting::a_closed_store_says_so(&fresh().await).await;
    echoes::one_event_becomes_many_messages(&fresh().await).await;
    echoes::one_message_becomes_many_events(&fresh().await).await;
    echoes::an_echo_that_was_stored_first_goes_away(&fresh().await).await;
    echoes::an_id_that_is_taken_for_good_is_left_out(&fresh().await).await;
    echoes::a_returning_event_closes_its_work(&fresh().await).await;
    journal::failed_work_is_parked_retried_and_dropped(&fresh().await).await;
    journal::a_late_failure_does_not_reopen_delivered_work(&fresh().await).await;
    journal::open_work_survives_a_restart(&fresh().await).await;
    journal::a_second_process_is_refused(&fresh().await).await;
    journal::lanes_are_read_on_in_pieces(&fresh().await).await;
    journal::statistics_count_what_is_open(&fresh().await).await;
    changes::reactions_are_found_from_both_sides(&fresh().await).await;
    changes::what_was_taken_back_stays_known(&fresh().await).await;
    changes::an_edit_can_drop_and_add_parts(&fresh().await).await;
    changes::held_work_is_stored_and_fed_to_nobody(&fresh().await).await;
    moving::one_thing_about_a_portal_changes_alone(&fresh().await).await;
    moving::a_forgotten_portal_is_new_again(&fresh().await).await;
    moving::a_chat_goes_on_under_another_id(&fresh().await).await;
    moving::two_portals_become_one(&fresh().await).await;
    moving::what_waits_to_be_shown_again_is_known_by_what_was_shown(&fresh().await).await;
    moving::no_number_is_given_again_while_its_work_waits(&fresh().await).await;
    rows::portals_are_found_by_chat_and_by_room(&fresh().await).await;
    identities::a_ghost_is_found_by_every_id_of_its_person(&fresh().await).await;
    identities::two_people_become_one_and_chains_end_at_one_ghost(&fresh().await).await;
    identities::somebody_gets_another_address(&fresh().await).await;
    rows::small_values_are_kept(&fresh().await).await;
    rows::a_trace_tells_everything(&fresh().await).await;
    shelves::rows_of_bytes_are_kept_sealed(&fresh().await).await;
    shelves::changes_are_made_together_and_in_order(&fresh().await).await;
    accounts::logins_are_kept_with_their_secrets_sealed(&fresh().await).await;
    accounts::a_login_that_goes_leaves_nothing_behind(&fresh().await).await;
    accounts::one_of_somebodys_logins_is_preferred_in_a_chat(&fresh().await).await;
    accounts::what_is_kept_of_people(&fresh().await).await;
}

/// A feed that remembers what it was given.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<OpenRow>>);

impl Feed for Recorder {
    fn stored(&self, rows: Vec<OpenRow>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
    }
}

impl Recorder {
    /// Takes what was fed since the last call.
    pub fn take(&self) -> Vec<OpenRow> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, bodies only.
    pub fn bodies(&self) -> Vec<String> {
        self.take().into_iter().map(|row| row.body).collect()
    }
}

/// When stories begin.
const NOON_MS: i64 = 1_000_000;

struct Opened {
    store: Store,
    feed: Arc<Recorder>,
    clock: Clock,
}

async fn open(settings: &StoreSettings) -> Opened {
    let feed = Arc::new(Recorder::default());
    let clock = Clock::fixed(NOON_MS, 1);
    let store = Store::open(settings, clock.clone(), feed.clone()).await.expect("the database opens");
    Opened { store, feed, clock }
}

impl Opened {
    async fn accept(&self, events: &[&str]) -> Vec<JournalId> {
        let events = events.iter().map(|event_id| event(event_id)).collect();
        self.store.accept(events).await.expect("the events are stored");
        self.feed.take().iter().map(|row| row.id).collect()
    }

    async fn push(&self, remote_id: &str) -> JournalId {
        self.store
            .push(remote(remote_id), &PushOrder::default())
            .await
            .stored()
            .await
            .expect("the event is stored");
        self.feed.take().pop().expect("a new event is fed").id
    }

    async fn finish(&self, id: JournalId, outcome: Outcome, links: Links) {
        self.store.finish(Done { id, outcome, links }).await.expect("the record is stored");
    }

    /// Waits until all that was submitted is committed.
    async fn settled(&self) {
        self.store.accept(Vec::new()).await.expect("the writer works");
    }
}

fn event(event_id: &str) -> MatrixEvent {
    MatrixEvent {
        event_id: event_id.to_owned(),
        room_id: "!room:example.org".to_owned(),
        sender: "@alice:example.org".to_owned(),
        sent_ms: 5,
        lane: "!room:example.org".into(),
        body: format!("body of {event_id}"),
        parked: None,
    }
}

fn remote(remote_id: &str) -> RemoteRow {
    RemoteRow {
        lane: "chat".into(),
        guard: Some((chat(), message(remote_id))),
        sender: Some(RemoteUserId::new("bob")),
        sent_ms: 6,
        body: format!("body of {remote_id}"),
        cursor: None,
        held: false,
    }
}

fn chat() -> RemoteChatId {
    RemoteChatId::new("chat")
}

fn templates(texts: &[(TemplateKind, &str)]) -> RoomTemplates {
    let mut templates = RoomTemplates::default();
    for (kind, text) in texts {
        templates.set(*kind, Template::read(*kind, text).expect("a template"));
    }
    templates
}

fn message(id: &str) -> RemoteMessageId {
    RemoteMessageId::new(id)
}

fn room() -> OwnedRoomId {
    OwnedRoomId::try_from("!room:example.org").expect("a valid room id")
}

fn event_id(id: &str) -> OwnedEventId {
    OwnedEventId::try_from(id).expect("a valid event id")
}

fn to_remote(ids: &[&str]) -> Links {
    Links::Remote { chat: chat(), ids: ids.iter().map(|id| message(id)).collect() }
}

fn to_matrix(ids: &[&str]) -> Links {
    Links::Matrix { room_id: room(), event_ids: ids.iter().map(|id| event_id(id)).collect() }
}

async fn open_bodies(store: &Store, direction: Direction, lane: &str) -> Vec<String> {
    let rows = store.lane_rows(direction, lane, None, 100).await.expect("the lane can be read");
    rows.into_iter().map(|row| row.body).collect()
}
