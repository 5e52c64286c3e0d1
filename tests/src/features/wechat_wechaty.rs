//! The rows of WeChat by a Wechaty gateway, in the order of the fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    FOUR_NETWORKS, Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, Yes},
};

const SIGNING_IN: &str = "it::wechaty_bridge::signing_in::real_a_code_that_a_chat_shows_is_scanned";
const ACCOUNTS: &str = "it::wechaty_bridge::signing_in::real_two_accounts_at_two_gateways_live_in_one_bridge";
const SIGNED_OUT: &str =
    "it::wechaty_bridge::signing_in::real_a_phone_that_signs_out_is_told_and_the_same_rooms_go_on_afterwards";
const TALKING: &str = "it::wechaty_bridge::talking::real_words_go_both_ways_once_and_in_order_in_each_chat";
const MENTIONS: &str = "it::wechaty_bridge::talking::real_mentions_go_both_ways";
const WORDS: &str = "it::wechaty_bridge::talking::real_form_falls_away_and_faces_become_emoji";
const NAMES: &str = "it::wechaty_bridge::talking::real_people_have_their_names_and_pictures";
const PHONE: &str = "it::wechaty_bridge::talking::real_what_is_said_on_the_phone_is_ones_own";
const RELAY: &str = "it::wechaty_bridge::talking::real_somebody_without_an_account_is_introduced_by_name";
const FILES_IN: &str = "it::wechaty_bridge::files::real_files_of_every_kind_come_whole";
const FILES_OUT: &str = "it::wechaty_bridge::files::real_files_of_every_kind_go_whole";
const GONE: &str = "it::wechaty_bridge::files::real_a_file_that_cannot_be_had_is_told";
const KINDS: &str = "it::wechaty_bridge::kinds::real_cards_links_places_and_records_are_told_in_words";
const MONEY: &str = "it::wechaty_bridge::kinds::real_red_packets_and_transfers_are_told_and_never_taken";
const UNKNOWN: &str = "it::wechaty_bridge::kinds::real_what_nobody_knows_yet_is_shown_with_its_title";
const PLACES: &str =
    "it::wechaty_bridge::kinds::real_places_of_matrix_go_in_words_and_what_cannot_go_is_told";
const RECALLS: &str = "it::wechaty_bridge::recalls::real_what_is_recalled_is_gone_on_the_other_side";
const GROUP: &str = "it::wechaty_bridge::groups::real_a_group_is_a_room_that_follows_it";
const RENAMED: &str = "it::wechaty_bridge::groups::real_a_room_that_is_renamed_renames_its_group";
const SPEECH: &str = "it::wechaty_bridge::speech::real_speech_in_silk_is_a_voice_message_here_and_there";
const NO_SPEECH: &str =
    "it::wechaty_bridge::speech::real_speech_that_cannot_be_converted_is_a_file_that_says_so";
const FRIEND: &str = "it::wechaty_bridge::requests::real_a_friend_is_accepted_by_command";
const INVITED: &str = "it::wechaty_bridge::requests::real_an_invitation_into_a_group_is_accepted_by_command";
const KILLED: &str = "it::wechaty_bridge::trouble::real_a_gateway_that_is_killed_loses_and_doubles_nothing_that_it_had_delivered";
const GAP: &str =
    "it::wechaty_bridge::trouble::real_a_bridge_that_was_away_says_that_something_may_be_missing";
const QUIET: &str =
    "it::wechaty_bridge::trouble::real_a_quiet_room_is_told_once_however_often_nobody_listened";
const LISTENERS: &str =
    "it::wechaty_bridge::trouble::real_another_listener_is_left_alone_and_followed_when_it_goes";
const ECHOES: &str =
    "it::wechaty_bridge::doubt::real_what_was_said_here_does_not_come_back_whatever_the_puppet_is_like";
const DOUBT: &str =
    "it::wechaty_bridge::doubt::real_a_send_that_is_cut_off_is_said_at_most_once_and_its_fate_is_told";
const PINNED: &str = "it::wechaty_bridge::sealed::real_wechatys_own_certificate_is_taken_where_it_is_pinned";
const SUITE: &str =
    "it::wechaty_bridge::suite::real_wechaty_passes_the_platform_suite_of_hearing_and_finding";

type Row = (&'static str, Level, Direction, State);

/// The gateway's rows.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "WeChat (Wechaty gateway)",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    ("login by a QR code in a chat, renewed", Must, Both, Yes(SIGNING_IN)),
    ("a phone that signs out is told of", Must, In, Yes(SIGNED_OUT)),
    ("several accounts", Must, Both, Yes(ACCOUNTS)),
    ("direct chats and groups", Must, Both, Yes(TALKING)),
    ("text with faces", Must, In, Yes(WORDS)),
    ("text, without form", Must, Out, Yes(WORDS)),
    ("mentions", Must, Both, Yes(MENTIONS)),
    ("quotes, in words", Must, In, Yes(WORDS)),
    ("images, videos, files, voice", Must, In, Yes(FILES_IN)),
    ("images, videos, files, voice", Must, Out, Yes(FILES_OUT)),
    ("recalls", Must, In, Yes(RECALLS)),
    ("own messages from the phone", Must, In, Yes(PHONE)),
    ("locations, cards, links, mini programs, merged records, in words", Must, In, Yes(KINDS)),
    ("red packets and transfers told, never taken", Must, In, Yes(MONEY)),
    ("names and pictures", Must, In, Yes(NAMES)),
    ("group name and members", Must, In, Yes(GROUP)),
    ("group notices", Must, In, Yes(KINDS)),
    ("no duplicates after the gateway's restart", Must, Both, Yes(KILLED)),
];

const SHOULD: &[Row] = &[
    ("recalls", Should, Out, Yes(RECALLS)),
    ("voice from SILK as a voice message, with length and loudness", Should, In, Yes(SPEECH)),
    ("voice as SILK where the gateway sends it, else as a file", Should, Out, Yes(SPEECH)),
    ("voice that cannot be converted, as a file that says so", Should, In, Yes(NO_SPEECH)),
    ("quotes, in words", Should, Out, Yes(WORDS)),
    ("stickers", Should, Both, Yes(FILES_OUT)),
    ("friend requests, accepted by command", Should, Both, Yes(FRIEND)),
    ("invitations into groups, accepted by command", Should, Both, Yes(INVITED)),
    ("locations, in words with a map", Should, Out, Yes(PLACES)),
    ("contact search and start-chat", Should, Both, Yes(SUITE)),
    ("relay with names", Should, Out, Yes(RELAY)),
    ("typing and reading", Should, Both, Cannot("gateways tell of neither")),
    ("group name from Matrix", Should, Out, Yes(RENAMED)),
    (
        "people taken into groups and out of them",
        Should,
        Out,
        Yes("it::wechaty_bridge::groups::real_people_are_asked_into_a_group_and_sent_out_of_it"),
    ),
];

const BEYOND: &[Row] = &[
    ("gaps are marked where nobody listened", Beyond, In, Yes(GAP)),
    ("a quiet room is told of a gap once", Beyond, In, Yes(QUIET)),
    ("own words told back are no new message", Beyond, In, Yes(ECHOES)),
    ("uncertain sends are told and not repeated", Beyond, Out, Yes(DOUBT)),
    ("another listener is left alone", Beyond, Both, Yes(LISTENERS)),
    ("the gateway's certificate pinned", Beyond, Both, Yes(PINNED)),
    ("files that cannot be had are told", Beyond, In, Yes(GONE)),
    ("unknown content never silent", Beyond, In, Yes(UNKNOWN)),
    ("one room with people on other networks", Beyond, Both, Yes(FOUR_NETWORKS)),
];
