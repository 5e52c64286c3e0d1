//! The rows of Official Accounts, in the order of WeChat's fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, Yes},
};

const SUITE: &str = "it::wechat_official_bridge::suite::wechat_official_passes_the_platform_suite";
const FILES_IN: &str = "it::wechat_official_bridge::hearing::files_of_every_kind_come_with_their_bytes";
const BETTER: &str = "it::wechat_official_bridge::hearing::the_better_recording_counts_where_it_can_be_read";
const SPEECH: &str =
    "common::media::moving::tests::speech_that_no_client_plays_comes_as_opus_with_its_length_and_loudness";
const WORDS_IN: &str = "it::wechat_official_bridge::hearing::places_links_and_events_are_words";
const NAMES: &str =
    "it::wechat_official_bridge::hearing::a_follower_is_named_as_staff_name_them_or_by_a_short_id";
const MODES: &str =
    "it::wechat_official_bridge::hearing::what_is_sealed_is_taken_in_safe_and_compatible_mode_alone";
const FILES_OUT: &str = "it::wechat_official_bridge::sending::files_go_as_what_wechat_takes_them_for";
const WORDS_OUT: &str = "it::wechat_official_bridge::sending::words_go_as_they_are_and_long_ones_in_parts";
const TOKEN: &str = "it::wechat_official_bridge::sending::a_token_is_shared_and_renewed_once_when_it_ends";
const DOUBT: &str = "it::wechat_official_bridge::sending::what_may_have_gone_is_never_sent_again";
const TYPING: &str = "it::wechat_official_bridge::sending::typing_is_shown_and_ends";
const COUNT: &str = "it::wechat_official_bridge::window::five_answers_are_counted_and_the_sixth_is_refused";
const TIME: &str = "it::wechat_official_bridge::window::time_passes_in_the_topic_and_ends_in_words";
const CODES: &str = "it::wechat_official_bridge::window::every_code_is_told_in_words";
const STORY: &str = "it::wechat_official_bridge::story::people_talk_and_are_told_what_does_not_go";
const FORGED: &str = "wechat::official::hooks::tests::forgeries_are_refused_and_harm_nothing";

type Row = (&'static str, Level, Direction, State);

/// The rows of Official Accounts.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "WeChat (Official Account)",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    (
        "address check of the console",
        Must,
        In,
        Yes("wechat::official::hooks::tests::the_address_is_checked_by_repeating_what_wechat_made_up"),
    ),
    ("signatures, sealed bodies, wrong receivers", Must, In, Yes(FORGED)),
    ("safe and compatible mode; plain refused", Must, In, Yes(MODES)),
    ("repeats and replays add nothing", Must, In, Yes(STORY)),
    ("text with face codes as emoji", Must, In, Yes("wechat::faces::tests::faces_become_emoji")),
    ("pictures, speech with its transcript, films", Must, In, Yes(FILES_IN)),
    ("places, links", Must, In, Yes(WORDS_IN)),
    ("follows, scans and menu presses as notices", Must, In, Yes(WORDS_IN)),
    ("text, in parts where it is long", Must, Out, Yes(WORDS_OUT)),
    ("pictures, speech, films", Must, Out, Yes(FILES_OUT)),
    ("names by staff, or a short id", Must, In, Yes(NAMES)),
    ("windows counted, shown and refused with words", Must, Both, Yes(COUNT)),
    ("one access token, renewed once", Must, Out, Yes(TOKEN)),
    ("WeChat's codes as words and retries", Must, Out, Yes(CODES)),
    ("uncertain sends are never repeated", Must, Out, Yes(DOUBT)),
    (
        "several accounts",
        Must,
        Both,
        Yes("it::wechat_official_bridge::hearing::two_accounts_of_one_owner_know_one_person"),
    ),
];

const SHOULD: &[Row] = &[
    ("typing", Should, Out, Yes(TYPING)),
    ("time that is left, in the topic", Should, Both, Yes(TIME)),
    ("relay with names", Should, Out, Yes(SUITE)),
    ("edits, as a corrected message", Should, Out, Yes(SUITE)),
    ("one ghost for one unionid", Should, In, Yes(NAMES)),
    (
        "deletions",
        Should,
        Both,
        Cannot("an Official Account can take nothing back, and hears of nothing that was taken back"),
    ),
    ("quotes", Should, Both, Cannot("the API has none")),
    ("reactions, receipts", Should, Both, Cannot("the API has none")),
    (
        "files of other kinds",
        Should,
        Out,
        Cannot("the API takes none; they go as links where the bridge gives out public links"),
    ),
    ("pictures and nicknames of people", Should, In, Cannot("WeChat tells them no more")),
    (
        "templates by command, lost ones told",
        Should,
        Both,
        Yes("it::wechat_official_bridge::sending::a_template_goes_by_command_and_its_loss_is_told"),
    ),
    ("the better recording of speech, where it can be read", Should, In, Yes(BETTER)),
    ("speech in the form that the other side plays, with length and loudness", Should, Both, Yes(SPEECH)),
];

const BEYOND: &[Row] = &[
    (
        "killed at every step, nothing is lost or said twice",
        Beyond,
        Both,
        Yes(
            "it::crash::wechat_official::crash_of_the_wechat_official_bridge_at_every_step_loses_nothing_and_says_nothing_twice",
        ),
    ),
    (
        "killed at random at a real Synapse, nothing is lost or said twice",
        Beyond,
        Both,
        Yes(
            "it::wechat_official_bridge::real_synapse::nothing_of_an_official_account_is_lost_or_doubled_under_kills",
        ),
    ),
    (
        "a hundred thousand forgeries in flat memory",
        Beyond,
        In,
        Yes(
            "it::wechat_official_bridge::flood::a_hundred_thousand_forged_callbacks_are_refused_in_flat_memory",
        ),
    ),
    (
        "crypto judged by three libraries",
        Beyond,
        Both,
        Yes("it::wechat_official_simulator::judge::real_libraries_seal_what_the_bridge_takes"),
    ),
    (
        "the simulator judged by wechatpy's client",
        Beyond,
        Both,
        Yes("it::wechat_official_simulator::clients::real_wechatpy_answers_followers"),
    ),
    (
        "unknown content never silent, told once",
        Beyond,
        In,
        Yes("wechat::official::hooks::tests::what_nobody_can_read_is_told_once_however_often_it_comes"),
    ),
    (
        "a refused secret keeps nobody from being heard",
        Beyond,
        In,
        Yes("it::wechat_official_bridge::hearing::people_are_heard_while_wechat_does_not_let_us_in"),
    ),
];
