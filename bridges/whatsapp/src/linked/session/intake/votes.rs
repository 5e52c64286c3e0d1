//! Votes: only the poll's secret opens them, and what they hold are sums of the answers' words.

use magpie_common::{message::RemoteEvent, platform::NotStored};
use tracing::warn;
use wacore::{
    poll::compute_option_hash,
    store::traits::{LidPnMappingEntry, MsgSecretStore, ProtocolStore},
};
use wacore_binary::Jid;
use whatsapp_rust::{Client, PollVoteCiphertext};

use super::{Intake, Taken};
use crate::linked::{events::Target, session::world::PollMemory, store::Kept};

impl Intake {
    /// Opens a vote; `None` when the poll or its secret is not known.
    pub(super) async fn vote(
        &self,
        client: &Client,
        taken: &Taken<'_>,
        target: &Target,
        (payload, iv): (&[u8], &[u8]),
    ) -> Result<Option<RemoteEvent>, NotStored> {
        let (world, scene) = (&*self.world, &taken.scene);
        let Some(id) = scene.target(world, client, target).await else { return Ok(None) };
        let Some(poll) = world.poll(&scene.chat, &id).await? else { return Ok(None) };
        let Some(secret) = secret(&world.store, &taken.info.source.chat, &target.stanza, &poll).await else {
            warn!("A vote cannot be read: the secret of its poll is not known.");
            return Ok(None);
        };
        let Some(chosen) = opened(client, &world.store, (payload, iv), taken, (&secret, &poll, target)).await
        else {
            warn!("A vote does not open with the secret of its poll.");
            return Ok(None);
        };
        let is_chosen = |answer: &String| chosen.iter().any(|sum| sum[..] == compute_option_hash(answer)[..]);
        let answers =
            poll.answers.iter().zip(0..).filter(|(answer, _)| is_chosen(answer)).map(|(_, index)| index);
        let answers = answers.collect();
        Ok(Some(RemoteEvent::Vote {
            chat: scene.chat.clone(),
            target: id,
            sender: scene.sender_id(world),
            answers,
        }))
    }
}

/// What a vote holds. It is sealed under the addresses of both people, in a form that nobody tells.
async fn opened(
    client: &Client,
    store: &Kept,
    (enc_payload, enc_iv): (&[u8], &[u8]),
    taken: &Taken<'_>,
    (secret, poll, target): (&[u8], &PollMemory, &Target),
) -> Option<Vec<Vec<u8>>> {
    let creators = both(store, &poll.creator).await;
    let voters = both(store, &taken.info.source.sender).await;
    for creator in &creators {
        for voter in &voters {
            let ciphertext = PollVoteCiphertext { enc_payload, enc_iv };
            let vote = client.polls().decrypt_vote(ciphertext, secret, &target.stanza, creator, voter).await;
            if let Ok(chosen) = vote {
                return Some(chosen);
            }
        }
    }
    None
}

/// The secret of a poll, under whichever addresses it was kept.
pub(in crate::linked::session) async fn secret(
    store: &Kept,
    chat: &Jid,
    stanza: &str,
    poll: &PollMemory,
) -> Option<Vec<u8>> {
    if let Some(secret) = &poll.secret {
        return Some(secret.clone());
    }
    let chats = both(store, chat).await;
    let creators = both(store, &poll.creator).await;
    for chat in &chats {
        for creator in &creators {
            let found =
                store.get_msg_secret(&chat.to_non_ad_string(), &creator.to_non_ad_string(), stanza).await;
            if let Ok(Some(secret)) = found {
                return Some(secret);
            }
        }
    }
    None
}

/// An address, and the other one of the same person.
async fn both(store: &Kept, jid: &Jid) -> Vec<Jid> {
    let plain = jid.to_non_ad();
    let other = |entry: LidPnMappingEntry| {
        if jid.is_lid() { Jid::pn(entry.phone_number) } else { Jid::lid(entry.lid) }
    };
    let known = match (jid.is_lid(), jid.is_pn()) {
        (true, _) => store.get_lid_mapping(&jid.user).await,
        (_, true) => store.get_pn_mapping(&jid.user).await,
        _ => Ok(None),
    };
    [plain].into_iter().chain(known.ok().flatten().map(other)).collect()
}
