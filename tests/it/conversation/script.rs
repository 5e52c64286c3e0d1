//! What the six of them do, one kind after the other; after each step both sides must hold the same.

use anyhow::Context;
use magpie_tests::discord::{FileBytes, Snowflake, cdn};
use serde_json::json;

use super::Conversation;

impl Conversation {
    /// Everything.
    pub(super) async fn tell(&self) -> anyhow::Result<()> {
        self.words_and_replies().await?;
        self.edits_and_deletions().await?;
        self.reactions().await?;
        self.files().await?;
        self.threads().await?;
        self.what_else_there_is().await
    }

    async fn words_and_replies(&self) -> anyhow::Result<()> {
        let [alice, dora, emil] = &self.people;
        let (general, bob) = (self.small.general, self.small.bob);
        let first = alice.send_text(&self.room, "good morning").await?;
        self.settle("a message from Matrix").await?;
        let answer = self.discord.person_sends(general, bob, "morning!");
        self.settle("a message from Discord").await?;
        self.discord.person_replies((general, answer), self.carol, "I am here, too");
        self.settle("a reply on Discord").await?;
        let webhook = self.on_discord("good morning")?;
        self.discord.person_replies_quietly((general, webhook), self.small.alice, "so am I");
        self.settle("a quiet reply to a webhook").await?;
        dora.send_reply(&self.room, &first, "late as ever").await?;
        self.settle("a reply on Matrix").await?;
        let carols = self.on_matrix("I am here, too").await?;
        emil.send_reply(&self.room, &carols, "hello Carol").await?;
        self.settle("a reply from Matrix to Discord").await?;
        let words: Vec<String> = (0..700).map(|number| format!("long{number}")).collect();
        emil.send_text(&self.room, &words.join(" ")).await?;
        self.settle("a text that needs several messages").await
    }

    async fn edits_and_deletions(&self) -> anyhow::Result<()> {
        let [alice, dora, emil] = &self.people;
        let general = self.small.general;
        let mine = dora.send_text(&self.room, "tpyo").await?;
        self.settle("a message with a mistake").await?;
        dora.send_edit(&self.room, &mine, "typo").await?;
        self.settle("an edit from Matrix").await?;
        let theirs = self.discord.person_sends(general, self.carol, "frist");
        self.settle("another mistake").await?;
        self.discord.person_edits(general, theirs, "first");
        self.settle("an edit from Discord").await?;
        let words: Vec<String> = (0..600).map(|number| format!("edited{number}")).collect();
        alice.send_edit(&self.room, &self.on_matrix("good morning").await?, &words.join(" ")).await?;
        let grown = |m: &magpie_tests::discord::Message| m.content.ends_with("edited599");
        self.discord.wait_for_message(general, grown).await?;
        alice.send_edit(&self.room, &self.on_matrix("good morning").await?, "good evening").await?;
        self.settle("an edit that needs fewer messages").await?;
        let wrong = emil.send_text(&self.room, "wrong room").await?;
        self.settle("a message to be deleted").await?;
        emil.redact(&self.room, &wrong).await?;
        self.settle("a deletion on Matrix").await?;
        let more: Vec<Snowflake> = (0..4)
            .map(|nth| self.discord.person_sends(general, self.carol, &format!("spam {nth}")))
            .collect();
        self.settle("messages to be deleted").await?;
        self.discord.person_deletes(general, more[0]);
        self.settle("a deletion on Discord").await?;
        self.discord.moderator_deletes(general, &more[1..]);
        self.settle("many deletions at once").await?;
        let page = self.discord.person_sends(general, self.small.bob, "https://example.org");
        self.settle("a link").await?;
        self.discord.preview_arrives((general, page), vec![json!({"type": "rich", "title": "Example"})]);
        self.settle("what Discord shows of it").await
    }

    async fn reactions(&self) -> anyhow::Result<()> {
        let [alice, dora, _] = &self.people;
        let general = self.small.general;
        let theirs = self.on_matrix("frist").await?;
        let place = (general, self.on_discord("first")?);
        let react =
            |key: &str| json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": theirs, "key": key}});
        let heart = alice.send_event(&self.room, "m.reaction", react("❤️")).await?;
        let doras = dora.send_event(&self.room, "m.reaction", react("❤")).await?;
        self.settle("reactions from Matrix").await?;
        self.discord.person_reacts(place, self.small.bob, "👍");
        self.discord.person_reacts(place, self.carol, &format!("wave:{}", self.wave));
        self.settle("reactions from Discord").await?;
        alice.redact(&self.room, &heart).await?;
        self.settle("one of two taken back").await?;
        dora.redact(&self.room, &doras).await?;
        self.discord.person_unreacts(place, self.small.bob, "👍");
        self.settle("reactions taken back").await?;
        self.discord.moderator_clears_reactions(place, None);
        self.settle("all reactions cleared").await
    }

    async fn files(&self) -> anyhow::Result<()> {
        let [alice, dora, emil] = &self.people;
        let general = self.small.general;
        let mut picture =
            self.discord.file("SPOILER_bird.png", "image/png", FileBytes::Kept(cdn::picture("bird").into()));
        picture.dimensions = Some((16, 16));
        let notes =
            self.discord.file("notes.txt", "text/plain", FileBytes::Made { size: 300_000, byte: b'n' });
        let both = self.discord.person_sends_files(general, self.carol, "two files", vec![picture, notes]);
        self.settle("files from Discord").await?;
        self.discord.person_edits(general, both, "two fine files");
        self.settle("other words beside files").await?;
        let mut spoken =
            self.discord.file("voice.ogg", "audio/ogg", FileBytes::Made { size: 5_000, byte: 9 });
        spoken.voice = Some((3.5, "AAD/gA==".to_owned()));
        self.discord.person_speaks(general, self.small.bob, spoken);
        self.settle("a voice message").await?;
        self.discord.person_sends_sticker(general, self.carol, "hello", 1);
        self.settle("a sticker").await?;
        let mxc = alice.upload("plan.txt", "text/plain", vec![b'p'; 12_345]).await?;
        let content = json!({
            "msgtype": "m.file", "body": "the plan", "filename": "plan.txt", "url": mxc,
            "info": {"size": 12_345, "mimetype": "text/plain"},
        });
        let sent = alice.send_message(&self.room, content.clone()).await?;
        self.settle("a file from Matrix").await?;
        let mut new = content;
        new["body"] = json!("the new plan");
        let mut edit = new.clone();
        edit["m.new_content"] = new;
        edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": sent});
        alice.send_message(&self.room, edit).await?;
        self.settle("other words beside a file from Matrix").await?;
        let mxc = dora.upload("cat.png", "image/png", cdn::picture("cat")).await?;
        let size = cdn::picture("cat").len();
        let hidden = json!({
            "msgtype": "m.image", "body": "cat.png", "filename": "cat.png", "url": mxc,
            "info": {"size": size}, "page.codeberg.everypizza.msc4193.spoiler": true,
        });
        dora.send_message(&self.room, hidden).await?;
        self.settle("a hidden picture").await?;
        let place = json!({"msgtype": "m.location", "body": "the old harbor", "geo_uri": "geo:53.5,10.0"});
        emil.send_message(&self.room, place).await?;
        self.settle("a place").await
    }

    async fn threads(&self) -> anyhow::Result<()> {
        let [alice, dora, _] = &self.people;
        let general = self.small.general;
        let root = self.discord.person_sends(general, self.carol, "who comes along?");
        self.settle("the root of a thread").await?;
        let thread = self.discord.person_begins_thread((general, root), self.carol, "trip");
        let thread = thread.context("the thread begins")?;
        self.discord.person_sends(thread, self.small.bob, "me");
        self.settle("a message in a thread on Discord").await?;
        let inside = |root: &str, body: &str| {
            json!({
                "msgtype": "m.text", "body": body,
                "m.relates_to": {
                    "rel_type": "m.thread", "event_id": root, "is_falling_back": true,
                    "m.in_reply_to": {"event_id": root},
                },
            })
        };
        let on_matrix = self.on_matrix("who comes along?").await?;
        let sent = alice.send_message(&self.room, inside(&on_matrix, "me, too")).await?;
        self.settle("a message in a thread on Matrix").await?;
        alice.send_edit(&self.room, &sent, "me as well").await?;
        self.settle("an edit in a thread").await?;
        let own = dora.send_text(&self.room, "a question").await?;
        self.settle("another root").await?;
        dora.send_message(&self.room, inside(&own, "an answer")).await?;
        self.settle("a thread begun on Matrix").await?;
        let begun = self.on_discord("a question")?;
        self.discord.person_sends(begun, self.carol, "another answer");
        self.settle("Discord goes on in it").await
    }

    async fn what_else_there_is(&self) -> anyhow::Result<()> {
        let [alice, _, emil] = &self.people;
        let general = self.small.general;
        alice.typing(&self.room, 5_000).await?;
        self.discord.person_types(general, self.carol);
        self.discord.person_sends(general, self.small.bob, &format!("look <:wave:{}>", self.wave));
        self.settle("a custom emoji").await?;
        let html = self.html_of("look :wave:").await?;
        emil.send_html(&self.room, "look :wave:", &html).await?;
        self.settle("the same emoji back").await
    }

    /// The message with these words on Discord.
    fn on_discord(&self, words: &str) -> anyhow::Result<Snowflake> {
        let all = self.discord.messages(self.small.general);
        let found = all.into_iter().find(|message| message.content == words);
        found.map(|message| message.id).with_context(|| format!("`{words}` is not on Discord"))
    }

    /// The first event with these words on Matrix.
    pub(super) async fn on_matrix(&self, words: &str) -> anyhow::Result<String> {
        let all = self.people[0].history(&self.room).await?;
        let found = all.iter().find(|event| event.body() == words);
        found.map(|event| event.id().to_owned()).with_context(|| format!("`{words}` is not on Matrix"))
    }

    async fn html_of(&self, words: &str) -> anyhow::Result<String> {
        let all = self.people[0].history(&self.room).await?;
        let found = all.iter().find(|event| event.body() == words);
        found.map(|event| event.html().to_owned()).context("the emoji is on Matrix")
    }
}
