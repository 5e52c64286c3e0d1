//! Discord's rows, in the order of its fact sheet.

use super::{
    Direction::{self, Both, In, Out},
    FOUR_NETWORKS, Feature,
    Level::{self, Beyond, Must, Should},
    State::{self, Cannot, No, Yes},
};

const STORY: &str = "it::discord_story::real_synapse_on_sqlite_and_discord_hold_one_conversation";
const ALL_KINDS: &str = "it::conversation::real_synapse_and_discord_hold_the_same_conversation_of_every_kind";
const SUITE: &str = "it::discord_bridge::suite::discord_passes_the_platform_suite";

type Row = (&'static str, Level, Direction, State);

/// Discord's rows.
pub(super) fn rows() -> Vec<Feature> {
    let rows = MUST.iter().chain(SHOULD).chain(BEYOND);
    let feature = |(name, level, direction, state): &Row| Feature {
        platform: "Discord",
        name,
        level: *level,
        direction: *direction,
        state: *state,
    };
    rows.map(feature).collect()
}

const MUST: &[Row] = &[
    ("guild spaces", Must, In, Yes(STORY)),
    ("text and announcement channels", Must, Both, Yes(STORY)),
    (
        "DMs to the bot",
        Must,
        In,
        Yes("it::discord_bridge::hearing::a_conversation_of_two_is_a_hidden_room_of_its_own"),
    ),
    (
        "DMs to the bot",
        Must,
        Out,
        Yes("it::discord_bridge::kinds::in_a_conversation_of_two_the_bot_says_who_speaks"),
    ),
    ("text formatting", Must, Both, Yes(STORY)),
    ("mentions", Must, Both, Yes(STORY)),
    ("replies", Must, Both, Yes(ALL_KINDS)),
    ("no-ping replies", Must, In, Yes("discord::events::tests::a_reply_pings_unless_it_is_said_not_to")),
    ("no-ping replies", Must, Out, Yes("it::discord_bridge::kinds::a_webhook_says_what_it_answers")),
    ("edits", Must, Both, Yes(ALL_KINDS)),
    ("deletes", Must, Both, Yes(ALL_KINDS)),
    ("bulk deletes", Must, In, Yes(ALL_KINDS)),
    ("unicode reactions", Must, Both, Yes(ALL_KINDS)),
    ("custom reactions", Must, In, Yes(ALL_KINDS)),
    ("custom reactions", Must, Out, Yes("it::discord_bridge::kinds::reactions_typing_and_places")),
    ("custom emoji", Must, In, Yes(ALL_KINDS)),
    ("custom emoji", Must, Out, Yes("it::discord_bridge::kinds::custom_emoji_go_natively")),
    ("stickers (PNG, APNG)", Must, In, Yes(ALL_KINDS)),
    ("stickers (GIF)", Must, In, Yes("discord::events::tests::stickers_are_pictures_or_drawings")),
    (
        "stickers (Lottie)",
        Must,
        In,
        Yes("it::drawn_stickers::a_drawn_sticker_arrives_as_the_picture_that_it_draws"),
    ),
    ("stickers", Must, Out, Yes("it::discord_bridge::kinds::files_go_as_files_or_as_links")),
    ("attachments", Must, Both, Yes(ALL_KINDS)),
    (
        "attachments too large for Matrix",
        Must,
        In,
        Yes("common::runtime::run::stories::files::what_cannot_be_brought_or_lies_is_shown_for_what_it_is"),
    ),
    (
        "attachments too large for Discord, as links",
        Must,
        Out,
        Yes("it::discord_bridge::kinds::files_go_as_files_or_as_links"),
    ),
    ("spoilers", Must, Both, Yes(ALL_KINDS)),
    ("voice messages", Must, In, Yes(ALL_KINDS)),
    (
        "voice messages",
        Must,
        Out,
        Yes("it::discord_bridge::kinds::voice_messages_go_as_such_or_as_ordinary_files"),
    ),
    ("embeds", Must, In, Yes("discord::events::tests::boxes_become_quotes")),
    ("late embeds", Must, In, Yes(ALL_KINDS)),
    (
        "forwards",
        Must,
        In,
        Yes("it::discord_bridge::hearing::files_are_found_again_after_their_address_has_expired"),
    ),
    ("threads", Must, Both, Yes(ALL_KINDS)),
    ("webhook relay with name and avatar", Must, Out, Yes(STORY)),
    ("typing", Must, In, Yes("it::discord_bridge::hearing::reactions_and_typing_are_heard")),
    ("typing", Must, Out, Yes("it::discord_bridge::kinds::reactions_typing_and_places")),
    (
        "channel name, topic and icon",
        Must,
        In,
        Yes("it::discord_bridge::receiving::guilds_are_spaces_and_text_channels_rooms"),
    ),
    (
        "guild permission to room privacy",
        Must,
        In,
        Yes("common::runtime::run::stories::rooms::a_hidden_chat_is_open_to_nobody_but_admins"),
    ),
    ("catch-up after gaps", Must, In, Yes(STORY)),
    (
        "bridge and unbridge from Matrix",
        Must,
        Both,
        Yes("common::runtime::run::stories::rooms::commands_make_and_separate_rooms"),
    ),
    (
        "guild modes",
        Must,
        In,
        Yes("it::discord_bridge::hearing::threads_are_shown_in_their_channel_or_apart"),
    ),
    ("no echo loops", Must, Both, Yes(SUITE)),
];

const SHOULD: &[Row] = &[
    ("forum and media channels", Should, Both, No("not yet: their posts have no rooms")),
    ("polls", Should, In, No("not yet: shown as a message without answers")),
    ("polls", Should, Out, No("not yet: refused with words")),
    ("poll votes and results", Should, Both, No("not yet; bots cannot vote on Discord at all")),
    ("pins", Should, Both, No("not yet")),
    ("image packs from guild emoji", Should, In, No("not yet: emoji cross one by one")),
    ("presence", Should, In, No("not yet")),
    ("message-link rewriting", Should, In, Yes("discord::format::tests::reading::discord_to_tree")),
    ("message-link rewriting", Should, Out, Yes("it::discord_bridge::kinds::a_webhook_says_what_it_answers")),
    (
        "text of components",
        Should,
        In,
        No(
            "only in what is fetched after a gap: the gateway's library drops components of the second version",
        ),
    ),
    (
        "rooms for voice and stage text",
        Should,
        Both,
        Yes("discord::events::tests::channels_are_rooms_in_a_space_and_hidden_ones_private"),
    ),
    ("roles to power levels, read-only rooms", Should, In, No("not yet")),
    (
        "own room or Matrix thread per server",
        Should,
        Both,
        Yes("it::discord_bridge::hearing::threads_are_shown_in_their_channel_or_apart"),
    ),
    ("setup self-test", Should, Both, Yes("it::doctor::fast::what_the_bot_lacks_on_discord_is_named")),
    ("Discord-side commands", Should, In, No("not yet")),
    (
        "moderation: deletions",
        Should,
        Out,
        Yes("common::runtime::run::stories::changes::a_moderator_deletes_on_both_sides_and_nobody_else"),
    ),
    ("moderation: kicks, bans, timeouts", Should, Both, No("not yet")),
    (
        "webhook personas as people of their own",
        Should,
        In,
        Yes("discord::events::tests::names_of_one_webhook_are_people_of_their_own"),
    ),
];

const BEYOND: &[Row] = &[
    (
        "edits, deletions and reactions made during a gap",
        Beyond,
        In,
        Yes("it::discord_bridge::absence::what_changed_meanwhile_is_seen_in_what_stands"),
    ),
    ("relayed reactions as a summary of who", Beyond, Out, No("not yet: the bot reacts once for all")),
    ("buttons usable from Matrix", Beyond, Out, No("not yet")),
    (
        "retry by reaction, list of what failed",
        Beyond,
        Out,
        Yes("common::runtime::run::stories::changes::what_failed_says_so_and_is_tried_again_or_given_up"),
    ),
    (
        "uncertain webhook sends looked for",
        Beyond,
        Out,
        Yes("it::discord_bridge::sending::a_webhook_message_in_doubt_is_looked_for_and_not_doubled"),
    ),
    ("invite choice for private channels with audit", Beyond, In, No("not yet: admins only")),
    (
        "lost gateway payloads are noticed and fetched again",
        Beyond,
        In,
        Yes("it::discord_bridge::receiving::a_frame_that_is_no_json_ends_the_session_and_is_fetched"),
    ),
    (
        "gap backfill with markers",
        Beyond,
        In,
        Yes("it::discord_bridge::receiving::only_more_than_is_fetched_at_once_is_a_gap"),
    ),
    ("login with a person's own token", Beyond, Both, Cannot("Discord's terms forbid it")),
    ("one room with people on other networks", Beyond, Both, Yes(FOUR_NETWORKS)),
];
