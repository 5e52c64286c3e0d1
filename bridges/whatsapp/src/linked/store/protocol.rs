//! What the protocol needs besides keys: devices of people, phone numbers and their hidden ids, groups, tokens of trust.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use wacore::store::{
    error::Result,
    traits::{
        DeviceListRecord, LidPnMappingEntry, PendingInboundKey, PendingInboundRow, ProtocolStore,
        TcTokenEntry,
    },
};

use super::{Kept, clear, json, key, put, read_json, remove};

const SENDER_KEY_DEVICES: &str = "sender_key_devices";
const LID: &str = "lid";
const PHONE: &str = "phone";
const BASE_KEY: &str = "base_key";
const DEVICES: &str = "devices";
const GROUP: &str = "group";
const TRUST: &str = "trust";

/// All shelves of this file.
pub(super) const SHELVES: &[&str] = &[SENDER_KEY_DEVICES, LID, PHONE, BASE_KEY, DEVICES, GROUP, TRUST];

/// Which devices of a group hold our sender key.
type Holders = BTreeMap<String, bool>;

#[async_trait]
impl ProtocolStore for Kept {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        let holders: Option<Holders> = self.json(SENDER_KEY_DEVICES, group_jid).await?;
        Ok(holders.unwrap_or_default().into_iter().collect())
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        let _order = self.order().await?;
        let mut holders: Holders = self.json(SENDER_KEY_DEVICES, group_jid).await?.unwrap_or_default();
        holders.extend(entries.iter().map(|(device, has_key)| ((*device).to_owned(), *has_key)));
        self.put_json(SENDER_KEY_DEVICES, group_jid, &holders).await
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        let _order = self.order().await?;
        self.remove(SENDER_KEY_DEVICES, group_jid).await
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        let _order = self.order().await?;
        let mut changes = Vec::new();
        for row in self.rows(SENDER_KEY_DEVICES).await? {
            let mut holders: Holders = read_json(&row.value)?;
            let before = holders.len();
            holders.retain(|device, _| !device_jids.contains(&device.as_str()));
            if holders.len() < before {
                changes.push(put(SENDER_KEY_DEVICES, &row.key, 0, json(&holders)?));
            }
        }
        self.change(changes).await
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        let _order = self.order().await?;
        self.change(vec![clear(SENDER_KEY_DEVICES)]).await
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        self.json(LID, lid).await
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        let Some(lid) = self.json::<String>(PHONE, phone).await? else { return Ok(None) };
        self.json(LID, &lid).await
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        self.put_lid_mappings(std::slice::from_ref(entry)).await
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<()> {
        let _order = self.order().await?;
        let mut phones: HashMap<&str, String> = HashMap::new();
        let mut changes = Vec::with_capacity(entries.len() * 2);
        for entry in entries {
            let known = match phones.get(entry.lid.as_str()) {
                Some(phone) => Some(phone.clone()),
                None => self.get_lid_mapping(&entry.lid).await?.map(|known| known.phone_number),
            };
            // The person has another number now, and the old one may become somebody else's.
            if let Some(old) = known.filter(|old| *old != entry.phone_number) {
                changes.push(remove(PHONE, &old));
            }
            changes.push(put(PHONE, &entry.phone_number, 0, json(&entry.lid)?));
            changes.push(put(LID, &entry.lid, 0, json(entry)?));
            phones.insert(&entry.lid, entry.phone_number.clone());
        }
        self.change(changes).await?;
        if let Some(learned) = self.0.learned.get() {
            entries.iter().for_each(|entry| learned(&entry.phone_number, &entry.lid));
        }
        Ok(())
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        self.rows(LID).await?.iter().map(|row| read_json(&row.value)).collect()
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        self.put(BASE_KEY, &key(&[address, message_id]), base_key).await
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> Result<bool> {
        let known = self.bytes(BASE_KEY, &key(&[address, message_id])).await?;
        Ok(known.is_some_and(|known| known == current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        self.remove(BASE_KEY, &key(&[address, message_id])).await
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.put_json(DEVICES, &record.user, &record).await
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> Result<()> {
        let changes = records.iter().map(|record| Ok(put(DEVICES, &record.user, 0, json(record)?)));
        self.change(changes.collect::<Result<_>>()?).await
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        self.json(DEVICES, user).await
    }

    async fn delete_devices(&self, user: &str) -> Result<()> {
        self.remove(DEVICES, user).await
    }

    async fn get_group_metadata(&self, group_jid: &str) -> Result<Option<Vec<u8>>> {
        self.bytes(GROUP, group_jid).await
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> Result<()> {
        self.put(GROUP, group_jid, blob).await
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> Result<()> {
        self.remove(GROUP, group_jid).await
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        self.json(TRUST, jid).await
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        let _order = self.order().await?;
        self.put_json(TRUST, jid, entry).await
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        let _order = self.order().await?;
        self.remove(TRUST, jid).await
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        Ok(self.rows(TRUST).await?.into_iter().map(|row| row.key).collect())
    }

    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        let _order = self.order().await?;
        let mut gone = Vec::new();
        for row in self.rows(TRUST).await? {
            let entry: TcTokenEntry = read_json(&row.value)?;
            let token_lives = !entry.token.is_empty() && entry.token_timestamp >= token_cutoff;
            let sender_lives = entry.sender_timestamp.is_some_and(|sent| sent >= sender_cutoff);
            if !token_lives && !sender_lives {
                gone.push(remove(TRUST, &row.key));
            }
        }
        let count = u32::try_from(gone.len()).unwrap_or(u32::MAX);
        self.change(gone).await?;
        Ok(count)
    }

    async fn touch_tc_token_sender_timestamp(&self, jid: &str, sender_timestamp: i64) -> Result<()> {
        let _order = self.order().await?;
        let entry = match self.get_tc_token(jid).await? {
            Some(known) => {
                let newest =
                    known.sender_timestamp.map_or(sender_timestamp, |sent| sent.max(sender_timestamp));
                TcTokenEntry { sender_timestamp: Some(newest), ..known }
            }
            None => TcTokenEntry {
                token: Vec::new(),
                token_timestamp: sender_timestamp,
                sender_timestamp: Some(sender_timestamp),
            },
        };
        self.put_json(TRUST, jid, &entry).await
    }

    async fn store_received_tc_token(&self, jid: &str, token: &[u8], token_timestamp: i64) -> Result<()> {
        let _order = self.order().await?;
        let known = self.get_tc_token(jid).await?;
        // A late one does not take the place of a newer one; a placeholder without bytes stands in nobody's way.
        if known
            .as_ref()
            .is_some_and(|known| !known.token.is_empty() && token_timestamp < known.token_timestamp)
        {
            return Ok(());
        }
        let sender_timestamp = known.and_then(|known| known.sender_timestamp);
        let entry = TcTokenEntry { token: token.to_vec(), token_timestamp, sender_timestamp };
        self.put_json(TRUST, jid, &entry).await
    }

    async fn store_sent_message(&self, chat_jid: &str, message_id: &str, payload: &[u8]) -> Result<()> {
        self.keep_sent(chat_jid, message_id, payload).await
    }

    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        self.take_sent(chat_jid, message_id).await
    }

    /// The count is for logs alone, and not asked for.
    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.forget_old_sent(cutoff_timestamp).await.map(|()| 0)
    }

    async fn store_pending_inbound(&self, chat: &str, sender: &str, id: &str, message: &[u8]) -> Result<()> {
        self.keep_pending(&[PendingInboundRow { chat, sender, id, message }]).await
    }

    async fn get_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<Option<Vec<u8>>> {
        self.pending(chat, sender, id).await
    }

    async fn delete_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<()> {
        self.forget_pending(&[PendingInboundKey { chat, sender, id }]).await
    }

    /// The count is for logs alone, and not asked for.
    async fn delete_expired_pending_inbound(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.forget_old_pending(cutoff_timestamp).await.map(|()| 0)
    }

    async fn store_pending_inbound_batch(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        self.keep_pending(rows).await
    }

    async fn delete_pending_inbound_batch(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        self.forget_pending(keys).await
    }
}
