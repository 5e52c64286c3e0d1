//! The rows of WhatsApp's Cloud API, in the order of its fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    FOUR_NETWORKS, Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, No, Yes},
};

const SUITE: &str = "it::whatsapp_cloud_bridge::suite::whatsapp_cloud_passes_the_platform_suite";
const WORDS_IN: &str = "it::whatsapp_cloud_bridge::kinds::words_of_every_kind_arrive";
const FILES_IN: &str = "it::whatsapp_cloud_bridge::kinds::files_of_every_kind_arrive_whole";
const TEXT_IN: &str = "whatsapp::format::tests::reading::markup_is_read";
const TEXT_OUT: &str = "whatsapp::format::tests::writing::trees_are_written";
const WORDS_OUT: &str = "it::whatsapp_cloud_bridge::sending::words_have_signs_and_replies_their_target";
const FILES_OUT: &str = "it::whatsapp_cloud_bridge::sending::files_go_as_what_whatsapp_takes_them_for";
const MARKS_OUT: &str = "it::whatsapp_cloud_bridge::sending::reactions_places_and_receipts_go";
const REACTIONS_IN: &str = "it::whatsapp_cloud_bridge::hearing::a_reaction_takes_the_place_of_the_one_before";
const CHANGES_IN: &str = "it::whatsapp_cloud_bridge::hearing::edits_and_deletions_arrive_once";
const CHANGES_OUT: &str =
    "it::whatsapp_cloud_bridge::sending::a_correction_answers_what_it_corrects_and_a_deletion_is_refused";
const POLLS: &str =
    "it::whatsapp_cloud_bridge::sending::a_poll_becomes_buttons_or_a_list_and_who_presses_one_votes";
const WINDOW: &str =
    "it::whatsapp_cloud_bridge::window::the_window_is_remembered_and_opened_again_by_the_person";
const TEMPLATES: &str = "it::whatsapp_cloud_bridge::sending::a_template_goes_by_command";
const STATUSES: &str = "it::whatsapp_cloud_bridge::doubt::statuses_tell_what_was_read_and_what_failed";
const AGES: &str =
    "it::whatsapp_cloud_bridge::identity::a_person_known_by_a_number_goes_on_under_the_user_id";
const NUMBERS: &str = "it::whatsapp_cloud_bridge::identity::a_changed_number_moves_the_chat";

const STORY: &str = "it::whatsapp_cloud_bridge::real_synapse::a_business_talks_at_a_real_synapse";
const EXAMPLES: &str =
    "it::whatsapp_cloud_bridge::examples::every_official_webhook_is_taken_in_the_words_of_either_year";
const CRASH: &str = "it::crash::whatsapp_cloud::crash_of_the_whatsapp_cloud_bridge_at_every_step_loses_nothing_and_says_nothing_twice";

type Row = (&'static str, Level, Direction, State);

/// The Cloud API's rows.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "WhatsApp (Cloud API)",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    (
        "webhook handshake",
        Must,
        In,
        Yes("it::whatsapp_cloud_bridge::webhook::the_handshake_wants_the_verify_token"),
    ),
    (
        "signature over the raw body",
        Must,
        In,
        Yes(
            "it::whatsapp_cloud_bridge::webhook::forged_webhooks_are_refused_and_replayed_ones_change_nothing",
        ),
    ),
    (
        "success only for what is stored",
        Must,
        In,
        Yes("it::whatsapp_cloud_bridge::webhook::success_is_answered_when_it_is_stored_and_not_before"),
    ),
    ("payloads with phone numbers and with user ids", Must, In, Yes(AGES)),
    ("every official example of a webhook, in the words of either year", Must, In, Yes(EXAMPLES)),
    (
        "people with a username and no number",
        Must,
        Both,
        Yes("it::whatsapp_cloud_bridge::identity::a_person_with_a_username_needs_no_number"),
    ),
    ("changed numbers keep the room", Must, In, Yes(NUMBERS)),
    (
        "exactly one event each, whatever the order and the repeats",
        Must,
        In,
        Yes("it::whatsapp_cloud_bridge::flood::ten_thousand_webhooks_in_any_order_become_one_event_each"),
    ),
    ("text with formatting", Must, In, Yes(TEXT_IN)),
    ("text with formatting", Must, Out, Yes(TEXT_OUT)),
    ("replies", Must, In, Yes(WORDS_IN)),
    ("replies", Must, Out, Yes(WORDS_OUT)),
    ("images, videos, sounds, documents, stickers", Must, In, Yes(FILES_IN)),
    ("images, videos, sounds, documents, stickers", Must, Out, Yes(FILES_OUT)),
    ("voice messages", Must, In, Yes(FILES_IN)),
    ("voice messages", Must, Out, Yes(FILES_OUT)),
    ("reactions", Must, In, Yes(REACTIONS_IN)),
    ("reactions", Must, Out, Yes(MARKS_OUT)),
    ("locations", Must, In, Yes(WORDS_IN)),
    ("locations", Must, Out, Yes(MARKS_OUT)),
    ("contacts", Must, In, Yes(WORDS_IN)),
    ("orders, advertisements, products, forwards", Must, In, Yes(WORDS_IN)),
    ("read receipts", Must, In, Yes(STATUSES)),
    ("read receipts", Must, Out, Yes(MARKS_OUT)),
    ("typing, together with a read receipt", Must, Out, Yes(MARKS_OUT)),
    ("messages that fail later are told", Must, In, Yes(STATUSES)),
    ("delivered, apart from sent, where `bridge.message_status_events` is on", Must, In, Yes(STORY)),
    ("the 24 hour window, shown and refused with words", Must, Out, Yes(WINDOW)),
    (
        "the 24 hour window, counted down in the room's topic",
        Must,
        In,
        Yes("it::whatsapp_cloud_bridge::window::the_topic_counts_the_window_down"),
    ),
    ("templates by command", Must, Out, Yes(TEMPLATES)),
    ("buttons and lists, as polls", Must, Out, Yes(POLLS)),
    ("pressed buttons and picked rows", Must, In, Yes(POLLS)),
    (
        "error codes as words and retries",
        Must,
        Out,
        Yes("it::whatsapp_cloud_bridge::sending::errors_become_verdicts"),
    ),
    ("edits, as a corrected answer", Must, Out, Yes(CHANGES_OUT)),
    ("deletions, refused with words", Must, Out, Yes(CHANGES_OUT)),
    ("edits and deletions in the app", Must, In, Yes(CHANGES_IN)),
    (
        "what the owner writes in the phone app",
        Must,
        In,
        Yes("it::whatsapp_cloud_bridge::kinds::what_the_owner_writes_on_the_phone_is_ours"),
    ),
    ("relay with names", Must, Out, Yes(SUITE)),
    ("chats begun from Matrix", Must, Out, Yes(SUITE)),
];

const SHOULD: &[Row] = &[
    ("typing", Should, In, Cannot("the Cloud API does not tell it")),
    ("pictures of people", Should, In, Cannot("WhatsApp shows none to businesses")),
    ("what was said before", Should, In, Cannot("the Cloud API has no history")),
    (
        "groups",
        Should,
        Both,
        No(
            "only official business accounts have them, of 8 people at most who come by a link, without edits and read marks; what is \
             told of one is kept and shown as not understood",
        ),
    ),
    ("a list of the account's templates", Should, Out, Yes(TEMPLATES)),
    (
        "a bridge for the number of a business alone",
        Should,
        Both,
        Yes("it::whatsapp_cloud_bridge::alone::without_linked_devices_only_the_cloud_is_left"),
    ),
    (
        "the bridge tells Meta its address",
        Should,
        Out,
        Yes("it::whatsapp_cloud_bridge::webhook::the_bridge_tells_whatsapp_where_it_is"),
    ),
];

const BEYOND: &[Row] = &[
    ("killed at every step, nothing is lost or said twice", Beyond, Both, Yes(CRASH)),
    (
        "killed at random at a real Synapse, nothing is lost or said twice",
        Beyond,
        Both,
        Yes(
            "it::whatsapp_cloud_bridge::real_synapse::nothing_is_lost_or_doubled_at_a_real_synapse_under_kills",
        ),
    ),
    (
        "a send without an answer is settled by its status",
        Beyond,
        Out,
        Yes("it::whatsapp_cloud_bridge::doubt::a_send_without_an_answer_is_settled_by_its_status"),
    ),
    (
        "what is told before its message is shown with it",
        Beyond,
        In,
        Yes("it::whatsapp_cloud_bridge::hearing::what_is_told_before_its_message_is_shown_with_it"),
    ),
    (
        "unknown content never silent",
        Beyond,
        In,
        Yes("it::whatsapp_cloud_bridge::kinds::what_nobody_understands_is_kept"),
    ),
    ("one room with people on other networks", Beyond, Both, Yes(FOUR_NETWORKS)),
];
