//! The rows of WhatsApp's linked devices, in the order of the fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, No, Yes},
};

const SIGNING_IN_QR: &str =
    "it::whatsapp_linked_bridge::signing_in::real_a_phone_scans_the_code_that_a_program_shows";
const SIGNING_IN_CODE: &str =
    "it::whatsapp_linked_bridge::signing_in::real_a_code_is_typed_into_the_phone_that_a_chat_names";
const TALKING: &str = "it::whatsapp_linked_bridge::talking::real_words_go_both_ways_once_and_in_order";
const WORDS_IN: &str =
    "it::whatsapp_linked_bridge::hearing::real_words_have_their_form_and_replies_their_target";
const WORDS_OUT: &str =
    "it::whatsapp_linked_bridge::answering::real_words_go_with_their_form_and_what_they_answer";
const CHANGES_IN: &str =
    "it::whatsapp_linked_bridge::hearing::real_words_are_changed_taken_back_and_reacted_to";
const CHANGES_OUT: &str =
    "it::whatsapp_linked_bridge::answering::real_words_are_changed_taken_back_and_reacted_to";
const OTHERS_IN: &str =
    "it::whatsapp_linked_bridge::hearing::real_what_matrix_has_no_form_for_is_told_in_words";
const MARKS_IN: &str = "it::whatsapp_linked_bridge::hearing::real_typing_and_reading_are_seen";
const MARKS_OUT: &str = "it::whatsapp_linked_bridge::answering::real_places_typing_and_reading_are_told";
const POLLS: &str = "it::whatsapp_linked_bridge::answering::real_polls_of_matrix_are_voted_in";
const TIMER: &str = "it::whatsapp_linked_bridge::answering::real_words_disappear_when_the_chat_wants_it";
const PINS: &str = "it::whatsapp_linked_bridge::answering::real_messages_are_pinned_both_ways";
const PHONE: &str = "it::whatsapp_linked_bridge::hearing::real_what_alice_does_on_her_phone_is_hers";
const CALLS: &str = "it::whatsapp_linked_bridge::hearing::real_calls_are_told";
const FILES_IN: &str = "it::whatsapp_linked_bridge::files::real_files_of_every_kind_come_whole";
const FILES_OUT: &str = "it::whatsapp_linked_bridge::files::real_files_of_every_kind_go_whole";
const ALBUM: &str = "it::whatsapp_linked_bridge::files::real_an_album_comes_as_its_files";
const EXPIRED: &str =
    "it::whatsapp_linked_bridge::files::real_files_that_have_expired_come_back_from_the_phone";
const ONCE: &str = "it::whatsapp_linked_bridge::files::real_what_may_be_seen_once_comes_where_that_is_wanted";
const GROUP_IN: &str = "it::whatsapp_linked_bridge::groups::real_a_group_is_a_room_that_follows_it";
const GROUP_OUT: &str = "it::whatsapp_linked_bridge::groups::real_a_group_follows_its_room";
const ADMINS: &str = "it::whatsapp_linked_bridge::groups::real_where_only_admins_write_others_are_told";
const PAST: &str = "it::whatsapp_linked_bridge::past::real_what_was_said_before_fills_the_rooms";
const UNREAD: &str =
    "it::whatsapp_linked_bridge::past::real_what_cannot_be_read_is_awaited_and_then_stands_in_its_place";
const TWICE: &str = "it::whatsapp_linked_bridge::past::real_what_comes_twice_stands_once";
const OWN: &str = "it::whatsapp_linked_bridge::keeping::real_what_alice_keeps_for_herself_is_kept_for_her";
const NAMES: &str =
    "it::whatsapp_linked_bridge::keeping::real_people_are_called_as_the_address_book_has_them";
const NUMBER: &str = "it::whatsapp_linked_bridge::keeping::real_a_new_number_keeps_the_room";
const COMMUNITIES: &str =
    "it::whatsapp_linked_bridge::communities::real_groups_of_a_community_are_in_its_space";
const ONE_ROOM: &str = "it::whatsapp_linked_bridge::identity::real_whoever_is_told_by_lid_and_by_number_has_one_room_and_one_ghost";
const PHONE_AWAY: &str =
    "whatsapp::linked::session::phone::tests::a_phone_that_is_away_is_warned_of_from_the_tenth_day";
const PROXY: &str = "it::whatsapp_linked_bridge::proxied::real_the_connection_goes_through_the_proxy";
const FEEDS: &str =
    "it::whatsapp_linked_bridge::feeds::real_channels_and_the_status_are_rooms_in_which_others_write";
const RELAY: &str =
    "it::whatsapp_linked_bridge::keeping::real_somebody_without_an_account_is_introduced_by_name";

type Row = (&'static str, Level, Direction, State);

/// The linked devices' rows.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "WhatsApp (linked device)",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    ("login by QR code", Must, Both, Yes(SIGNING_IN_QR)),
    ("login by pair code", Must, Both, Yes(SIGNING_IN_CODE)),
    ("direct chats", Must, Both, Yes(TALKING)),
    ("groups", Must, Both, Yes(GROUP_IN)),
    ("text with formatting", Must, In, Yes(WORDS_IN)),
    ("text with formatting", Must, Out, Yes(WORDS_OUT)),
    ("mentions", Must, In, Yes(WORDS_IN)),
    ("mentions", Must, Out, Yes(WORDS_OUT)),
    ("replies", Must, In, Yes(WORDS_IN)),
    ("replies", Must, Out, Yes(WORDS_OUT)),
    ("edits", Must, In, Yes(CHANGES_IN)),
    ("edits", Must, Out, Yes(CHANGES_OUT)),
    ("deletes", Must, In, Yes(CHANGES_IN)),
    ("deletes", Must, Out, Yes(CHANGES_OUT)),
    ("deletes by a group's admin", Must, Out, Yes(GROUP_OUT)),
    ("reactions", Must, In, Yes(CHANGES_IN)),
    ("reactions", Must, Out, Yes(CHANGES_OUT)),
    ("images, videos, sounds, documents", Must, In, Yes(FILES_IN)),
    ("images, videos, sounds, documents", Must, Out, Yes(FILES_OUT)),
    ("GIFs, as videos", Must, In, Yes(FILES_IN)),
    ("voice messages with waveform", Must, In, Yes(FILES_IN)),
    ("voice messages with waveform", Must, Out, Yes(FILES_OUT)),
    ("stickers", Must, In, Yes(FILES_IN)),
    ("stickers", Must, Out, Yes(FILES_OUT)),
    ("contacts, in words", Must, In, Yes(OTHERS_IN)),
    ("locations, in words with a map", Must, In, Yes(OTHERS_IN)),
    ("locations", Must, Out, Yes(MARKS_OUT)),
    ("typing", Must, In, Yes(MARKS_IN)),
    ("typing", Must, Out, Yes(MARKS_OUT)),
    ("read receipts", Must, In, Yes(MARKS_IN)),
    ("read receipts", Must, Out, Yes(MARKS_OUT)),
    ("own messages from the phone", Must, In, Yes(PHONE)),
    ("group name, topic, picture and members", Must, In, Yes(GROUP_IN)),
    ("group name and topic", Must, Out, Yes(GROUP_OUT)),
    ("groups made on WhatsApp", Must, In, Yes(GROUP_IN)),
    ("history after linking", Must, In, Yes(PAST)),
    ("expired files asked of the phone", Must, In, Yes(EXPIRED)),
    ("undecryptable messages replaced in their place", Must, In, Yes(UNREAD)),
    ("disappearing timers", Must, Both, Yes(TIMER)),
    ("a new number keeps the room", Must, In, Yes(NUMBER)),
    ("relay with names", Must, Out, Yes(RELAY)),
    ("communities as spaces", Must, In, Yes(COMMUNITIES)),
    ("one room through numbers and hidden ids", Must, In, Yes(ONE_ROOM)),
    ("a phone that is away for long is told of", Must, In, Yes(PHONE_AWAY)),
];

const SHOULD: &[Row] = &[
    ("polls from Matrix, with the votes of both sides", Should, Both, Yes(POLLS)),
    ("polls from WhatsApp, in words", Should, In, Yes(OTHERS_IN)),
    (
        "votes in polls from WhatsApp",
        Should,
        Out,
        No("not yet: polls of networks are shown in words; vote on the phone"),
    ),
    ("end of a poll", Should, Out, Yes(POLLS)),
    ("mute, favorite, archive, unread", Should, In, Yes(OWN)),
    ("mute, favorite, archive, unread", Should, Out, No("not yet: what is changed in Matrix stays there")),
    ("names of the address book and pictures", Should, In, Yes(NAMES)),
    ("only admins write", Should, In, Yes(ADMINS)),
    (
        "admins",
        Should,
        Both,
        No("not yet: power in rooms does not follow the rank in groups, nor the other way round"),
    ),
    ("invite links", Should, Out, No("not yet: the phone makes them")),
    (
        "members taken into groups and out of them",
        Should,
        Out,
        Yes(
            "common::runtime::run::stories::members::whoever_is_asked_in_or_sent_out_by_hand_is_so_on_the_network",
        ),
    ),
    (
        "groups made from Matrix",
        Should,
        Out,
        No("not yet: make them on the phone; the bridge has them at once"),
    ),
    ("view-once, by choice", Should, In, Yes(ONCE)),
    ("albums, as their files", Should, In, Yes(ALBUM)),
    ("calls as a notice", Should, In, Yes(CALLS)),
    (
        "broadcast lists",
        Should,
        Out,
        Cannot("WhatsApp has none on linked devices; each receiver's copy is in the chat with them"),
    ),
    ("outbound proxy", Should, Both, Yes(PROXY)),
    ("channels and the status, where they are wanted", Should, In, Yes(FEEDS)),
    ("words into channels by their admins", Should, Out, Yes(FEEDS)),
    (
        "what could not be read is asked for again after a restart",
        Should,
        In,
        No("not yet proved: the keys and what was sent are kept in the database"),
    ),
];

const BEYOND: &[Row] = &[
    ("pins", Beyond, Both, Yes(PINS)),
    ("nothing twice, whatever comes twice", Beyond, In, Yes(TWICE)),
    ("events, lists, invitations in words", Beyond, In, Yes(OTHERS_IN)),
    ("unknown content never silent", Beyond, In, Yes(OTHERS_IN)),
    ("presence", Beyond, Both, No("not yet: showing presence would silence the phone")),
    ("replies to status", Beyond, Both, No("not yet: the room of the status only shows what others write")),
];
