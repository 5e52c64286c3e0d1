//! The rows of iLink's bots, in the order of WeChat's fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, No, Yes},
};

const SUITE: &str = "it::wechat_ilink_bridge::suite::wechat_by_ilink_passes_the_platform_suite";
const SIGN_IN: &str = "it::wechat_ilink_bridge::story::a_chat_leads_through_the_sign_in";
const RENEWED: &str =
    "it::wechat_ilink_bridge::signing_in::a_code_that_ran_out_is_followed_by_two_others_and_then_by_words";
const NUMBER: &str =
    "it::wechat_ilink_bridge::signing_in::a_number_on_the_phone_is_asked_for_and_a_wrong_one_is_named";
const REDIRECT: &str = "it::wechat_ilink_bridge::signing_in::a_redirect_is_followed_within_wechat_only";
const BOUND: &str = "it::wechat_ilink_bridge::signing_in::whoever_is_bound_already_keeps_what_is_there";
const WORDS_IN: &str = "it::wechat_ilink_bridge::hearing::words_arrive_with_their_64_bit_ids";
const QUOTES_IN: &str = "it::wechat_ilink_bridge::hearing::quotes_lead_to_what_both_sides_said";
const RECALLS: &str = "it::wechat_ilink_bridge::hearing::what_is_taken_back_is_redacted";
const UNKNOWN: &str = "it::wechat_ilink_bridge::hearing::what_cannot_be_read_harms_nothing_else";
const APART: &str = "it::wechat_ilink_bridge::hearing::two_bots_of_one_bridge_keep_their_people_apart";
const ONCE: &str = "it::wechat_ilink_bridge::story::what_comes_twice_or_after_a_restart_is_shown_once";
const TALK: &str = "it::wechat_ilink_bridge::story::people_talk_and_are_told_what_does_not_go";
const FILES_IN: &str = "it::wechat_ilink_bridge::files::files_arrive_with_keys_in_every_spelling";
const VOICE_IN: &str = "it::wechat_ilink_bridge::files::what_was_spoken_comes_with_what_wechat_understood";
const FILES_OUT: &str = "it::wechat_ilink_bridge::files::files_go_sealed_with_their_words_before_them";
const HOSTS: &str = "it::wechat_ilink_bridge::files::files_are_fetched_from_wechats_hosts_only";
const DAMAGED: &str =
    "it::wechat_ilink_bridge::files::files_that_are_damaged_or_gone_are_told_and_harm_nothing";
const LONG: &str = "it::wechat_ilink_bridge::sending::long_words_go_in_parts_and_none_is_lost";
const QUOTES_OUT: &str = "it::wechat_ilink_bridge::sending::an_answer_names_what_it_answers";
const QUOTA: &str = "it::wechat_ilink_bridge::sending::a_used_up_quota_is_told_and_filled_by_the_next_word";
const GONE: &str = "it::wechat_ilink_bridge::sending::a_context_that_is_gone_is_told_and_ends_nothing";
const DOUBT: &str =
    "it::wechat_ilink_bridge::sending::an_answer_that_is_lost_leaves_doubt_and_no_second_message";
const TYPING: &str = "it::wechat_ilink_bridge::sending::typing_is_shown_and_ends";
const STALE: &str = "it::wechat_ilink_bridge::staying::a_token_that_goes_stale_ends_the_session_with_words";
const SLOW: &str =
    "it::wechat_ilink_bridge::staying::polls_that_take_too_long_are_asked_again_with_the_same_cursor";
const CRASH: &str = "it::crash::wechat_ilink::crash_of_the_wechat_bridge_by_ilink_at_every_step_loses_nothing_and_says_nothing_twice";
const KILLS: &str =
    "it::wechat_ilink_bridge::real_synapse::nothing_is_lost_or_doubled_at_a_real_synapse_under_kills";
const JUDGE: &str = "it::wechat_ilink_simulator::judge::real_vendors_client_talks";

const SPEECH: &str =
    "common::media::moving::tests::speech_that_no_client_plays_comes_as_opus_with_its_length_and_loudness";

type Row = (&'static str, Level, Direction, State);

/// The rows of iLink.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "WeChat (iLink)",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    ("login by a QR code in a chat", Must, Both, Yes(SIGN_IN)),
    ("codes renewed, and an end with words", Must, Both, Yes(RENEWED)),
    ("the number on the phone", Must, Both, Yes(NUMBER)),
    ("redirects, within WeChat's hosts only", Must, Both, Yes(REDIRECT)),
    ("whoever is bound already stays so", Must, Both, Yes(BOUND)),
    ("a token that is no good any more is told of", Must, In, Yes(STALE)),
    ("direct chats", Must, Both, Yes(TALK)),
    ("text with face codes as emoji", Must, In, Yes(WORDS_IN)),
    ("text, in parts where it is long", Must, Out, Yes(LONG)),
    ("images, videos, files", Must, In, Yes(FILES_IN)),
    ("voice with its transcript", Must, In, Yes(VOICE_IN)),
    ("images, videos, files, with captions", Must, Out, Yes(FILES_OUT)),
    ("quotes by id, by words and in part", Must, In, Yes(QUOTES_IN)),
    ("recalls", Must, In, Yes(RECALLS)),
    ("answers counted, shown and refused with words", Must, Both, Yes(QUOTA)),
    ("a context that is gone is told of", Must, Out, Yes(GONE)),
    ("uncertain sends are never repeated", Must, Out, Yes(DOUBT)),
    ("repeats and restarts add nothing", Must, In, Yes(ONCE)),
    ("several bots", Must, Both, Yes(APART)),
];

const SHOULD: &[Row] = &[
    ("typing", Should, Out, Yes(TYPING)),
    ("quotes", Should, Out, Yes(QUOTES_OUT)),
    ("what may still be answered, in the topic", Should, Both, Yes(TALK)),
    ("relay with names", Should, Out, Yes(SUITE)),
    ("edits, as a corrected message", Should, Out, Yes(SUITE)),
    ("voice from SILK as a voice message, with length and loudness", Should, In, Yes(SPEECH)),
    ("voice", Should, Out, No("goes as a file; nobody knows what WeChat wants of it")),
    ("recalls", Should, Out, Cannot("a bot can take nothing back")),
    ("reactions, receipts", Should, Both, Cannot("the API has none")),
    (
        "contact search and start-chat",
        Should,
        Both,
        Cannot("a bot has one chat, which is there from the beginning"),
    ),
    ("groups", Should, Both, Cannot("a bot talks to the one person who bound it")),
    ("names and pictures of people", Should, In, Cannot("the API tells neither; people have short ids")),
    ("own messages from the phone", Should, In, Cannot("the phone is the other side of the talk")),
];

const BEYOND: &[Row] = &[
    ("killed at every step, nothing is lost or said twice", Beyond, Both, Yes(CRASH)),
    ("killed at random at a real Synapse, nothing is lost or said twice", Beyond, Both, Yes(KILLS)),
    ("the vendor's own client works where the bridge does", Beyond, Both, Yes(JUDGE)),
    ("a poll that takes too long costs nothing", Beyond, In, Yes(SLOW)),
    ("files from WeChat's hosts only", Beyond, In, Yes(HOSTS)),
    ("files that cannot be had are told", Beyond, In, Yes(DAMAGED)),
    ("unknown content never silent", Beyond, In, Yes(UNKNOWN)),
];
