//! Telegram's rows, in the order of its fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    FOUR_NETWORKS, Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, No, Yes},
};

const SUITE: &str = "it::telegram_bridge::suite::telegram_passes_the_platform_suite";
const CHATS_IN: &str = "it::telegram_bridge::hearing::each_chat_has_its_own_ids";
const CHATS_OUT: &str = "it::telegram_bridge::sending::every_sort_of_chat_takes_words";
const CHANNELS_IN: &str = "it::telegram_bridge::hearing::channels_and_anonymous_admins_speak_as_chats";
const TEXT_IN: &str = "telegram::format::tests::reading::telegram_to_tree";
const TEXT_OUT: &str = "telegram::format::tests::writing::tree_to_telegram";
const REPLIES_IN: &str = "it::telegram_bridge::hearing::formats_replies_and_quotes_arrive";
const WORDS_OUT: &str = "it::telegram_bridge::sending::words_have_entities_and_replies_their_target";
const EDITS_OUT: &str = "it::telegram_bridge::sending::edits_grow_shrink_and_may_change_nothing";
const FILES_IN: &str = "it::telegram_bridge::hearing::files_of_every_sort_arrive_and_are_fetched";
const FILES_OUT: &str = "it::telegram_bridge::sending::files_go_as_what_they_are";
const STICKERS_IN: &str = "it::telegram_bridge::kinds::stickers_that_stand_still_and_that_are_videos_arrive";
const PLACES_IN: &str = "it::telegram_bridge::kinds::places_and_contacts_arrive_in_words";
const NATIVE_OUT: &str = "it::telegram_bridge::sending::stickers_places_and_the_ends_of_polls_go_natively";
const MEMBERS_IN: &str = "it::telegram_bridge::kinds::who_comes_and_goes_is_told";
const LOOKS_IN: &str = "it::telegram_bridge::kinds::titles_and_photos_are_told";
const PINS: &str = "it::telegram_bridge::sending::pins_go_both_ways";
const OWN_POLLS: &str = "it::telegram_bridge::voting::votes_in_our_own_polls_are_told";
const COMMANDS_IN: &str =
    "it::telegram_bridge::hearing::commands_are_answered_in_telegram_and_not_brought_over";
const BROUGHT: &str = "it::telegram_bridge::webhook::what_telegram_brings_is_stored_before_it_is_answered";
const MODERATOR: &str =
    "common::runtime::run::stories::changes::a_moderator_deletes_on_both_sides_and_nobody_else";

type Row = (&'static str, Level, Direction, State);

/// Telegram's rows.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "Telegram",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    ("private chats with the bot, groups, supergroups", Must, In, Yes(CHATS_IN)),
    ("private chats with the bot, groups, supergroups", Must, Out, Yes(CHATS_OUT)),
    ("channels", Must, In, Yes(CHANNELS_IN)),
    ("channels", Must, Out, Yes(CHATS_OUT)),
    ("text with all entities", Must, In, Yes(TEXT_IN)),
    ("text with all entities", Must, Out, Yes(TEXT_OUT)),
    ("spoilers", Must, In, Yes(TEXT_IN)),
    ("spoilers", Must, Out, Yes(TEXT_OUT)),
    ("quotes", Must, In, Yes(TEXT_IN)),
    ("quotes", Must, Out, Yes(TEXT_OUT)),
    ("replies", Must, In, Yes(REPLIES_IN)),
    ("replies", Must, Out, Yes(WORDS_OUT)),
    ("partial quotes of a reply", Must, In, Yes(REPLIES_IN)),
    ("edits", Must, In, Yes("it::telegram_bridge::hearing::an_edit_that_changes_nothing_is_none")),
    ("edits", Must, Out, Yes(EDITS_OUT)),
    ("photos, videos, audio, documents", Must, In, Yes(FILES_IN)),
    ("photos, videos, audio, documents", Must, Out, Yes(FILES_OUT)),
    ("round videos", Must, In, Yes(FILES_IN)),
    ("voice messages", Must, In, Yes(FILES_IN)),
    ("voice messages", Must, Out, Yes(FILES_OUT)),
    ("animations", Must, In, Yes(FILES_IN)),
    (
        "animations",
        Must,
        Out,
        Yes("telegram::session::deliver::files::tests::files_go_as_what_telegram_takes_them_for"),
    ),
    (
        "albums, a message for each part",
        Must,
        In,
        Yes("it::telegram_bridge::kinds::an_album_is_a_message_for_each_of_its_parts"),
    ),
    ("stickers that stand still", Must, In, Yes(STICKERS_IN)),
    (
        "stickers that are drawn",
        Must,
        In,
        Yes("it::telegram_bridge::hearing::an_animated_sticker_is_unpacked"),
    ),
    ("stickers that are videos, as short videos", Must, In, Yes(STICKERS_IN)),
    ("stickers", Must, Out, Yes(NATIVE_OUT)),
    ("locations", Must, In, Yes(PLACES_IN)),
    ("locations", Must, Out, Yes(NATIVE_OUT)),
    ("contacts", Must, In, Yes(PLACES_IN)),
    ("joins and leaves", Must, In, Yes(MEMBERS_IN)),
    ("title and photo of a chat", Must, In, Yes(LOOKS_IN)),
    (
        "title of a chat",
        Must,
        Out,
        Yes("it::telegram_bridge::sending::a_new_title_and_description_go_to_the_chat"),
    ),
    ("photo of a chat", Should, Out, No("not yet: a room's new picture stays in Matrix")),
    (
        "supergroup migration",
        Must,
        In,
        Yes("it::telegram_bridge::hearing::a_group_that_becomes_a_supergroup_is_told_once_or_more"),
    ),
    (
        "supergroup migration",
        Must,
        Out,
        Yes("it::telegram_bridge::sending::a_group_that_moved_is_told_and_tried_again"),
    ),
    (
        "supergroup migration keeps the room",
        Must,
        Both,
        Yes(
            "common::runtime::run::stories::moved::a_chat_keeps_its_room_its_people_and_what_was_said_under_another_id",
        ),
    ),
    ("relay with formatted names", Must, Out, Yes(SUITE)),
    (
        "relay templates",
        Must,
        Out,
        Yes("common::runtime::run::stories::relay::every_kind_of_message_names_its_author_by_the_templates"),
    ),
    (
        "relay templates per room",
        Must,
        Out,
        Yes("it::telegram_bridge::relay::a_relayed_message_carries_the_rooms_own_template"),
    ),
    ("reactions", Must, In, Yes("it::telegram_bridge::kinds::reactions_of_people_are_told")),
    ("forwards with origin", Must, In, Yes("it::telegram_bridge::kinds::forwards_say_where_they_come_from")),
    (
        "files too large for a bot, as words",
        Must,
        In,
        Yes("it::telegram_bridge::kinds::a_file_too_large_for_a_bot_is_named"),
    ),
    (
        "files too large for Telegram, as links",
        Must,
        Out,
        Yes("it::telegram_bridge::sending::a_file_that_telegram_does_not_take_goes_as_a_link"),
    ),
    (
        "flood control obeyed",
        Must,
        Out,
        Yes("it::telegram_bridge::faults::a_pause_that_telegram_asks_for_is_told_and_nothing_is_lost"),
    ),
    ("`/id` in Telegram", Must, In, Yes(COMMANDS_IN)),
    (
        "`/portal` in Telegram",
        Must,
        In,
        Yes("it::telegram_bridge::kinds::how_a_chat_is_joined_to_a_room_is_told_in_telegram"),
    ),
    (
        "`/invite` in Telegram",
        Must,
        In,
        Yes("it::telegram_bridge::kinds::administrators_in_telegram_ask_people_in_matrix_into_the_room"),
    ),
    (
        "commands in Matrix",
        Must,
        Out,
        Yes("common::runtime::run::stories::rooms::commands_make_and_separate_rooms"),
    ),
];

const SHOULD: &[Row] = &[
    ("topics as rooms under a space", Should, In, Yes(CHATS_IN)),
    ("topics as rooms under a space", Should, Out, Yes(WORDS_OUT)),
    ("pins", Should, Both, Yes(PINS)),
    ("unpins", Should, In, Cannot("Telegram tells no bot of them")),
    ("unpins", Should, Out, Yes(PINS)),
    ("polls created from Matrix, with the votes of Telegram", Should, Both, Yes(OWN_POLLS)),
    ("closing polls", Should, Out, Yes(NATIVE_OUT)),
    (
        "polls of others, in words",
        Should,
        In,
        Yes("it::telegram_bridge::kinds::polls_of_people_are_shown_with_their_answers"),
    ),
    ("votes in polls of others", Should, In, Cannot("a bot is told of votes in its own polls only")),
    ("votes", Should, Out, Cannot("a bot cannot vote; votes from Matrix stay there")),
    ("votes from Matrix as a tally", Should, Out, No("not yet: they stay in Matrix")),
    (
        "real reactions",
        Should,
        Out,
        Yes("it::telegram_bridge::sending::the_bot_has_one_reaction_to_each_message"),
    ),
    ("summarised reactions", Should, Out, No("not yet: of all reactions only the newest is shown")),
    ("reactions in channels", Should, In, Cannot("Telegram tells how many there are, not whose")),
    (
        "custom emoji inline",
        Should,
        In,
        Yes("it::telegram_bridge::kinds::custom_emoji_arrive_with_their_pictures"),
    ),
    (
        "custom emoji inline",
        Should,
        Out,
        Cannot("ordinary bots may not send them; the character that they stand for is sent"),
    ),
    ("sticker packs as image packs", Should, In, No("not yet: stickers cross one by one")),
    ("admin rights and read-only as power levels", Should, In, No("not yet")),
    ("moderation: deletions", Should, In, Cannot("Telegram tells no bot of them")),
    ("moderation: deletions", Should, Out, Yes(MODERATOR)),
    ("moderation: bans, as leaving", Should, In, Yes(MEMBERS_IN)),
    ("moderation: kicks, bans, restrictions", Should, Out, No("not yet")),
    (
        "public aliases",
        Should,
        In,
        No("not yet: a room's alias is made of the chat's id, not of its public name"),
    ),
    ("channel comments as threads", Should, In, Yes(CHANNELS_IN)),
    (
        "channel comments as threads",
        Should,
        Out,
        Yes("it::telegram_bridge::sending::a_comment_goes_below_its_post"),
    ),
    ("business messages", Should, Both, No("not yet: their updates are not asked for")),
    ("typing, receipts and presence", Should, In, Cannot("the Bot API has none of them")),
    ("what was said before the bot came", Should, In, Cannot("the Bot API has no history")),
    ("chats begun from Matrix", Should, Out, Cannot("the person must write to the bot first")),
];

const BEYOND: &[Row] = &[
    ("updates that are not stored come again", Beyond, In, Yes(SUITE)),
    (
        "updates that come twice are taken once",
        Beyond,
        In,
        Yes("it::telegram_bridge::faults::updates_that_come_twice_are_taken_once"),
    ),
    (
        "loss-free restart, proved by killing the bridge",
        Beyond,
        Both,
        Yes(
            "it::crash::telegram::crash_of_the_telegram_bridge_at_every_step_loses_nothing_and_says_nothing_twice",
        ),
    ),
    (
        "uncertain sends are shown and not doubled",
        Beyond,
        Out,
        Yes("it::telegram_bridge::faults::an_answer_that_is_lost_leaves_doubt_and_no_second_message"),
    ),
    (
        "buttons listed, those with an address as links",
        Beyond,
        In,
        Yes("it::telegram_bridge::kinds::buttons_are_listed_and_those_with_an_address_lead_there"),
    ),
    ("pressing buttons", Beyond, Out, Cannot("a bot cannot press the buttons of another")),
    (
        "long texts split instead of cut",
        Beyond,
        Out,
        Yes("it::telegram_bridge::sending::a_long_message_that_breaks_off_goes_on_where_it_stands"),
    ),
    ("per-user choice of rooms", Beyond, In, No("not yet: the operator chooses for all")),
    ("webhook and polling", Beyond, In, Yes(BROUGHT)),
    (
        "an absence too long for Telegram's memory is told",
        Beyond,
        In,
        Yes("it::telegram_bridge::faults::after_more_than_a_day_away_every_chat_is_told_once"),
    ),
    (
        "privacy mode is named by the doctor",
        Beyond,
        Both,
        Yes("it::telegram_bridge::faults::privacy_mode_is_named_by_the_doctor"),
    ),
    (
        "unknown content never silent",
        Beyond,
        In,
        Yes("it::telegram_bridge::hearing::unknown_things_are_shown_as_far_as_they_can_be"),
    ),
    ("deletions by moderators in Matrix", Beyond, Out, Yes(MODERATOR)),
    ("deletions in Telegram", Beyond, In, Cannot("Telegram tells no bot of them; the users' page says so")),
    ("one room with people on other networks", Beyond, Both, Yes(FOUR_NETWORKS)),
];
