//! Everything that people do in a chat, both ways.

use magpie_tests::{
    harness::{
        person::Event,
        tools::{Component, need},
    },
    whatsapp_linked::person::bytes,
};
use serde_json::{Value, json};

use super::{Chat, Story};

const POLL: &str = "org.matrix.msc3381.poll.start";
const VOTE: &str = "org.matrix.msc3381.poll.response";

#[tokio::test(flavor = "multi_thread")]
async fn real_synapse_and_a_linked_device_hold_one_conversation() -> anyhow::Result<()> {
    let (Some(_), Some(_)) = (need(Component::Synapse), need(Component::Judge("whatsapp"))) else {
        return Ok(());
    };
    let story = Story::begin().await?;
    for (chat, asked) in &story.chats().await? {
        println!("in {}", chat.address);
        let answered = story.words_and_answers(chat, asked).await?;
        story.corrections(chat, asked, &answered).await?;
        story.reactions(chat, asked, &answered).await?;
        story.files(chat).await?;
        story.polls(chat).await?;
        story.deletions(chat, asked, &answered).await?;
    }
    story.end().await
}

/// A message of Alice: her event, and its id at WhatsApp.
struct Answer {
    event: String,
    id: String,
}

impl Story {
    async fn words_and_answers(&self, chat: &Chat, asked: &str) -> anyhow::Result<Answer> {
        let question = self.of_bob(chat, "are you").await?;
        let event = self.alice.send_reply(&chat.room, question.id(), "I am").await?;
        let heard = self.bobs.expect("message", |event| event["text"] == "I am").await?;
        let quoted = &heard["message"]["extendedTextMessage"]["contextInfo"]["stanzaId"];
        assert_eq!((quoted, &heard["fromMe"]), (&json!(asked), &json!(false)), "{heard}");
        let id = heard["id"].as_str().unwrap_or_default().to_owned();

        self.bobs.reply(&chat.address, &id, "*very* good").await?;
        let answer = self.of_bob(chat, "very good").await?;
        assert!(answer.html().contains("<strong>very</strong>"), "{}", answer.html());
        assert_eq!(answer.content()["m.relates_to"]["m.in_reply_to"]["event_id"], json!(event));
        self.alice.send_html(&chat.room, "so be it", "<em>so</em> <b>be</b> <code>it</code>").await?;
        self.bobs.expect("message", |event| event["text"] == "_so_ *be* `it`").await?;
        Ok(Answer { event, id })
    }

    async fn corrections(&self, chat: &Chat, asked: &str, answered: &Answer) -> anyhow::Result<()> {
        let question = self.of_bob(chat, "are you").await?;
        self.bobs.edit(&chat.address, asked, "were you there?").await?;
        let edit =
            self.alice.wait_for(&chat.room, |event| relates(event, "m.replace", question.id())).await?;
        assert_eq!(edit.content()["m.new_content"]["body"], "were you there?");
        assert_eq!(edit.sender(), question.sender());
        self.alice.send_edit(&chat.room, &answered.event, "I was").await?;
        let edited = self.bobs.expect("update", |event| event["id"] == answered.id.as_str()).await?;
        assert_eq!(edited["text"], "I was", "{edited}");
        Ok(())
    }

    async fn reactions(&self, chat: &Chat, asked: &str, answered: &Answer) -> anyhow::Result<()> {
        self.bobs.react(&chat.address, &answered.id, "🦜").await?;
        let reaction = self.reaction(chat, &answered.event, "🦜").await?;
        // Another one takes its place.
        self.bobs.react(&chat.address, &answered.id, "🦉").await?;
        self.redaction(chat, reaction.id()).await?;
        let reaction = self.reaction(chat, &answered.event, "🦉").await?;
        self.bobs.react(&chat.address, &answered.id, "").await?;
        self.redaction(chat, reaction.id()).await?;

        let question = self.of_bob(chat, "are you").await?;
        let relation = json!({"rel_type": "m.annotation", "event_id": question.id(), "key": "🦜"});
        let own = self.alice.send_event(&chat.room, "m.reaction", json!({"m.relates_to": relation})).await?;
        self.reacted(asked, "🦜").await?;
        self.alice.redact(&chat.room, &own).await?;
        self.reacted(asked, "").await
    }

    async fn files(&self, chat: &Chat) -> anyhow::Result<()> {
        let (theirs, ours) = (picture(3), picture(5));
        let image = json!({"image": bytes(&theirs), "caption": "a *bird*", "mimetype": "image/png"});
        self.bobs.send(&chat.address, image).await?;
        let is_picture = |event: &Event| event.content()["msgtype"] == "m.image";
        let shown = self.alice.wait_for(&chat.room, is_picture).await?;
        let url = shown.content()["url"].as_str().unwrap_or_default();
        assert_eq!(self.alice.download(url).await?, theirs, "it is whole");
        assert_eq!(shown.body(), "a bird", "and has its words");

        let url = self.alice.upload("nest.png", "image/png", ours.clone()).await?;
        let info = json!({"mimetype": "image/png", "size": ours.len()});
        let content =
            json!({"msgtype": "m.image", "url": url, "filename": "nest.png", "body": "a nest", "info": info});
        self.alice.send_message(&chat.room, content).await?;
        let heard = self.bobs.expect("message", |event| event["text"] == "a nest").await?;
        assert_eq!(heard["kind"], "imageMessage");
        let file = self.bobs.download(heard["id"].as_str().unwrap_or_default()).await?;
        assert_eq!(file, ours, "it is whole");
        Ok(())
    }

    async fn polls(&self, chat: &Chat) -> anyhow::Result<()> {
        // A poll of WhatsApp is shown in words, with its answers.
        let poll = json!({"poll": {"name": "Seeds?", "values": ["Millet", "Oats"], "selectableCount": 1}});
        self.bobs.send(&chat.address, poll).await?;
        let is_shown = |event: &Event| event.body().contains("Seeds?") && event.body().contains("Oats");
        self.alice.wait_for(&chat.room, is_shown).await?;

        let option = |id: &str, text: &str| json!({"id": id, "org.matrix.msc1767.text": text});
        let question = json!({"org.matrix.msc1767.text": "Nest?"});
        let start = json!({
            "question": question, "kind": "org.matrix.msc3381.poll.disclosed", "max_selections": 1,
            "answers": [option("tree", "Tree"), option("roof", "Roof")],
        });
        let own = self.alice.send_event(&chat.room, POLL, json!({POLL: start})).await?;
        let is_ours = |event: &Value| event.to_string().contains("\"Nest?\"") && event["fromMe"] == false;
        let heard = self.bobs.expect("message", is_ours).await?;
        let asked = heard["id"].as_str().unwrap_or_default();
        self.bobs.vote(asked, &["Roof"]).await?;
        let is_vote = |event: &Event| event.kind() == VOTE && relates(event, "m.reference", &own);
        let voted = self.alice.wait_for(&chat.room, is_vote).await?;
        assert_eq!(voted.content()[VOTE]["answers"], json!(["roof"]));
        let relation = json!({"rel_type": "m.reference", "event_id": own});
        let vote = json!({"m.relates_to": relation, VOTE: {"answers": ["tree"]}});
        self.alice.send_event(&chat.room, VOTE, vote).await?;
        let voted =
            self.bobs.expect("vote", |event| event["poll"] == asked && event["fromMe"] == false).await?;
        assert_eq!(voted["options"], json!(["Tree"]), "{voted}");
        Ok(())
    }

    async fn deletions(&self, chat: &Chat, asked: &str, answered: &Answer) -> anyhow::Result<()> {
        let question = self.of_bob(chat, "are you").await?;
        self.bobs.revoke(&chat.address, asked).await?;
        self.redaction(chat, question.id()).await?;
        self.alice.redact(&chat.room, &answered.event).await?;
        let is_gone = |event: &Value| event["id"] == answered.id.as_str() && event["messageStubType"] == 1;
        self.bobs.expect("update", is_gone).await?;
        Ok(())
    }

    /// What Bob said, by its beginning.
    async fn of_bob(&self, chat: &Chat, beginning: &str) -> anyhow::Result<Event> {
        let ghost = format!("@whatsapp_lid-{}:", self.bob.lid.trim_end_matches("@lid"));
        let said = |event: &Event| event.sender().starts_with(&ghost) && event.body().starts_with(beginning);
        self.alice.wait_for(&chat.room, said).await
    }

    async fn reaction(&self, chat: &Chat, target: &str, key: &str) -> anyhow::Result<Event> {
        let fits = |event: &Event| {
            relates(event, "m.annotation", target) && event.content()["m.relates_to"]["key"] == key
        };
        self.alice.wait_for(&chat.room, fits).await
    }

    async fn reacted(&self, id: &str, emoji: &str) -> anyhow::Result<()> {
        let fits = |event: &Value| event["id"] == id && event["text"] == emoji;
        self.bobs.expect("reaction", fits).await.map(drop)
    }

    async fn redaction(&self, chat: &Chat, target: &str) -> anyhow::Result<()> {
        let fits = |event: &Event| {
            let redacts = event.json.get("redacts").or_else(|| event.content().get("redacts"));
            event.kind() == "m.room.redaction" && redacts.is_some_and(|redacted| redacted == target)
        };
        self.alice.wait_for(&chat.room, fits).await.map(drop)
    }
}

fn relates(event: &Event, how: &str, target: &str) -> bool {
    let relation = &event.content()["m.relates_to"];
    relation["rel_type"] == how && relation["event_id"] == target
}

/// A picture of that many points to each side.
fn picture(side: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("there is room in memory");
    let points = vec![200; usize::try_from(side * side).unwrap_or_default()];
    writer.write_image_data(&points).expect("there is room in memory");
    writer.finish().expect("there is room in memory");
    file
}
