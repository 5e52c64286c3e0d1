//! The rows of WeCom, apps and customer service, in the order of WeChat's fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, Yes},
};

type Row = (&'static str, Level, Direction, State);

/// WeCom's rows.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "WeChat (WeCom)",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    (
        "login by CorpID, AgentId and secrets",
        Must,
        Both,
        Yes("it::wechat_wecom_bridge::suite::wecom_passes_the_platform_suite"),
    ),
    (
        "check of the callback address",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::callbacks::the_address_is_checked_before_the_app_is_connected"),
    ),
    (
        "signature and envelope of callbacks",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::callbacks::forged_callbacks_are_refused_and_nothing_else_is_harmed"),
    ),
    (
        "success only for what is stored",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::callbacks::what_is_not_stored_is_brought_again"),
    ),
    (
        "text, places, links and deeds of members",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::hearing::words_places_links_and_deeds_of_members_arrive"),
    ),
    (
        "text, in parts that WeCom does not cut",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::sending::long_words_go_in_parts_that_nobody_cuts"),
    ),
    (
        "images, voice messages, videos of members",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::hearing::files_of_members_arrive_whole"),
    ),
    (
        "images, voice messages, videos, files",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::sending::files_go_as_what_wecom_takes_them_for"),
    ),
    (
        "customer service, pulled by a cursor that outlives a restart",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::service::a_list_is_read_to_its_end_and_goes_on_after_a_restart"),
    ),
    (
        "everything that customers send, cards and merged records as words",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::service::everything_that_customers_send_arrives"),
    ),
    (
        "files of customers",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::service::files_of_customers_arrive_whole"),
    ),
    (
        "recalls of customers",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::service::customers_take_back_and_messages_to_them_fail"),
    ),
    (
        "messages that fail later are told",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::service::customers_take_back_and_messages_to_them_fail"),
    ),
    (
        "five answers in 48 hours, counted and refused with words",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::service::five_answers_go_in_48_hours_and_the_rest_is_refused_in_words"),
    ),
    (
        "what may still be answered, in the room's topic",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::welcome::rooms_of_customers_show_how_often_they_may_be_answered"),
    ),
    (
        "whom a success did not reach",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::sending::success_that_names_the_member_is_a_failure_in_words"),
    ),
    (
        "30 messages in a minute, and what is more waits",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::sending::what_wecom_would_drop_waits_over_restarts_too"),
    ),
    (
        "names of members",
        Must,
        In,
        Yes("it::wechat_wecom_bridge::hearing::members_have_names_and_keep_their_chat_under_another_id"),
    ),
    (
        "names and pictures of customers, and the unionid",
        Must,
        In,
        Yes(
            "it::wechat_wecom_bridge::service::customers_have_names_pictures_and_the_id_that_all_accounts_share",
        ),
    ),
    (
        "error codes as words and retries",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::trouble::codes_become_words_and_a_busy_wecom_is_asked_three_times"),
    ),
    (
        "an ended token is renewed once for all",
        Must,
        Both,
        Yes("it::wechat_wecom_bridge::trouble::an_ended_token_is_renewed_once_and_nobody_notices"),
    ),
    ("relay with names", Must, Out, Yes("it::wechat_wecom_bridge::suite::wecom_passes_the_platform_suite")),
    (
        "chats with members begun from Matrix",
        Must,
        Out,
        Yes("it::wechat_wecom_bridge::suite::wecom_passes_the_platform_suite"),
    ),
];

const SHOULD: &[Row] = &[
    (
        "deletions, for a day",
        Should,
        Out,
        Yes(
            "it::wechat_wecom_bridge::sending::a_correction_is_a_message_and_a_deletion_takes_it_back_for_a_day",
        ),
    ),
    (
        "deletions towards customers, for two minutes",
        Should,
        Out,
        Yes("it::wechat_wecom_bridge::welcome::what_went_to_a_customer_is_taken_back_for_two_minutes"),
    ),
    (
        "words of welcome for customers",
        Should,
        Out,
        Yes("it::wechat_wecom_bridge::welcome::whoever_opens_the_chat_is_welcomed_once"),
    ),
    (
        "edits, as a corrected message",
        Should,
        Out,
        Yes(
            "it::wechat_wecom_bridge::sending::a_correction_is_a_message_and_a_deletion_takes_it_back_for_a_day",
        ),
    ),
    (
        "groups of the app, one way",
        Should,
        Out,
        Yes("it::wechat_wecom_bridge::sending::a_group_is_made_by_command_and_goes_one_way"),
    ),
    (
        "talks with customers taken, handed on and ended by command",
        Should,
        Out,
        Yes("it::wechat_wecom_bridge::service::talks_are_handed_on_by_command_and_whose_they_are_is_told"),
    ),
    (
        "what staff write to customers in WeCom",
        Should,
        In,
        Yes("it::wechat_wecom_bridge::service::everything_that_customers_send_arrives"),
    ),
    ("locations to customers", Should, Out, Yes("it::wechat_wecom_bridge::service::places_go_to_customers")),
    (
        "speech in the form that the other side plays, with length and loudness",
        Should,
        Both,
        Yes("common::media::moving::tests::speech_goes_in_silk_with_its_length"),
    ),
    ("files of members", Should, In, Cannot("WeCom brings an app no files of members")),
    ("what members write in groups", Should, In, Cannot("WeCom does not bring it to the app")),
    ("replies", Should, Both, Cannot("apps and customer service have none")),
    ("typing", Should, Both, Cannot("apps and customer service have none")),
    ("read receipts", Should, Both, Cannot("apps and customer service have none")),
];

const BEYOND: &[Row] = &[
    (
        "a changed userid keeps the room",
        Beyond,
        In,
        Yes("it::wechat_wecom_bridge::hearing::members_have_names_and_keep_their_chat_under_another_id"),
    ),
    (
        "killed at every step, nothing is lost or said twice",
        Beyond,
        Both,
        Yes(
            "it::crash::wechat_wecom::crash_of_the_wecom_bridge_at_every_step_loses_nothing_and_says_nothing_twice",
        ),
    ),
    (
        "customers and members at a real Synapse, killed at random",
        Beyond,
        Both,
        Yes(
            "it::wechat_wecom_bridge::real_synapse::nothing_of_customers_and_a_member_is_lost_or_doubled_under_kills",
        ),
    ),
    (
        "media of customers and members at a real Synapse",
        Beyond,
        Both,
        Yes("it::wechat_wecom_bridge::real_synapse::customers_and_a_member_talk_at_a_real_synapse"),
    ),
    (
        "the simulator judged by wechatpy's clients",
        Beyond,
        Both,
        Yes("it::wechat_wecom_simulator::real_wechatpy_serves_customers"),
    ),
    (
        "a send without an answer is uncertain and never repeated",
        Beyond,
        Out,
        Yes("it::wechat_wecom_bridge::trouble::what_may_have_gone_is_never_said_again"),
    ),
    (
        "a failed pull is told and tried again",
        Beyond,
        In,
        Yes("it::wechat_wecom_bridge::service::a_failed_pull_is_told_and_tried_again"),
    ),
    (
        "members are heard while WeCom does not let the bridge in",
        Beyond,
        In,
        Yes("it::wechat_wecom_bridge::trouble::members_are_heard_while_wecom_does_not_let_us_in"),
    ),
    (
        "unknown content never silent",
        Beyond,
        In,
        Yes("it::wechat_wecom_bridge::hearing::what_nobody_understands_is_kept"),
    ),
];
