//! The store against the library's own, which holds everything in memory: the same calls must have the same answers.

use std::sync::Arc;

use bytes::Bytes;
use magpie_common::{clock::Clock, ids::LoginId, platform::EventSink, testkit::platform_suite::Recorder};
use proptest::{collection::vec, prelude::*};
use wacore::{
    appstate::{hash::HashState, processor::AppStateMutationMAC},
    store::{
        InMemoryBackend,
        error::StoreError,
        traits::{
            AppStateSyncKey, Backend, DeviceInfo, DeviceListRecord, DeviceStore, LidPnMappingEntry,
            MsgSecretEntry, PendingInboundKey, PendingInboundRow, ProtocolStore, SignalStore, TcTokenEntry,
        },
    },
};

use super::Kept;

mod failures;

fn kept(recorder: &Recorder) -> Kept {
    let sink = EventSink::new(LoginId::new("1"), Arc::new(recorder.clone()));
    Kept::new(sink.vault(), Clock::fixed(1_000_000_000_000, 1), Box::new(|_| ()))
}

/// One call that changes something. Small numbers stand for ids, so that calls meet.
#[derive(Clone, Debug)]
enum Call {
    Identity(u8, u8),
    NoIdentity(u8),
    Sessions(Vec<(u8, u8)>),
    NoSession(u8),
    PreKeys(Vec<u8>),
    NoPreKey(u8),
    SignedPreKey(u8),
    NoSignedPreKey(u8),
    SenderKeys(Vec<(u8, u8)>),
    NoSenderKey(u8),
    SyncKey(u8),
    Version(u8, u64),
    Macs(u8, Vec<(u8, u8)>),
    NoMacs(u8, Vec<u8>),
    ClearMacs(u8),
    Holders(u8, Vec<(u8, bool)>),
    NoHolders(u8),
    NoDevice(Vec<u8>),
    NobodyHolds,
    Lids(Vec<(u8, u8)>),
    BaseKey(u8, u8, u8),
    NoBaseKey(u8, u8),
    Devices(Vec<(u8, u8)>),
    NoDevices(u8),
    Group(u8, u8),
    NoGroup(u8),
    Token(u8, u8, i64),
    Touch(u8, i64),
    NoToken(u8),
    OldTokens(i64, i64),
    Sent(u8, u8),
    TakeSent(u8),
    Pending(Vec<(u8, u8)>),
    NoPending(Vec<u8>),
    Secrets(Vec<(u8, u8, i64, i64)>),
    OldSecrets(i64),
}

fn call() -> impl Strategy<Value = Call> {
    let id = 0..4_u8;
    let pairs = || vec((0..4_u8, any::<u8>()), 0..4);
    let time = || 0..6_i64;
    let signal = prop_oneof![
        (id.clone(), any::<u8>()).prop_map(|(a, b)| Call::Identity(a, b)),
        id.clone().prop_map(Call::NoIdentity),
        pairs().prop_map(Call::Sessions),
        id.clone().prop_map(Call::NoSession),
        vec(id.clone(), 0..4).prop_map(Call::PreKeys),
        id.clone().prop_map(Call::NoPreKey),
        id.clone().prop_map(Call::SignedPreKey),
        id.clone().prop_map(Call::NoSignedPreKey),
        pairs().prop_map(Call::SenderKeys),
        id.clone().prop_map(Call::NoSenderKey),
    ];
    let app_state = prop_oneof![
        id.clone().prop_map(Call::SyncKey),
        (id.clone(), any::<u64>()).prop_map(|(a, b)| Call::Version(a, b)),
        (id.clone(), pairs()).prop_map(|(a, b)| Call::Macs(a, b)),
        (id.clone(), vec(id.clone(), 0..4)).prop_map(|(a, b)| Call::NoMacs(a, b)),
        id.clone().prop_map(Call::ClearMacs),
    ];
    let protocol = prop_oneof![
        (id.clone(), vec((id.clone(), any::<bool>()), 0..4)).prop_map(|(a, b)| Call::Holders(a, b)),
        id.clone().prop_map(Call::NoHolders),
        vec(id.clone(), 0..3).prop_map(Call::NoDevice),
        Just(Call::NobodyHolds),
        vec((id.clone(), id.clone()), 0..4).prop_map(Call::Lids),
        (id.clone(), id.clone(), any::<u8>()).prop_map(|(a, b, c)| Call::BaseKey(a, b, c)),
        (id.clone(), id.clone()).prop_map(|(a, b)| Call::NoBaseKey(a, b)),
        pairs().prop_map(Call::Devices),
        id.clone().prop_map(Call::NoDevices),
        (id.clone(), any::<u8>()).prop_map(|(a, b)| Call::Group(a, b)),
        id.clone().prop_map(Call::NoGroup),
    ];
    let messages = prop_oneof![
        (id.clone(), any::<u8>(), time()).prop_map(|(a, b, c)| Call::Token(a, b, c)),
        (id.clone(), time()).prop_map(|(a, b)| Call::Touch(a, b)),
        id.clone().prop_map(Call::NoToken),
        (time(), time()).prop_map(|(a, b)| Call::OldTokens(a, b)),
        (id.clone(), any::<u8>()).prop_map(|(a, b)| Call::Sent(a, b)),
        id.clone().prop_map(Call::TakeSent),
        pairs().prop_map(Call::Pending),
        vec(id.clone(), 0..4).prop_map(Call::NoPending),
        vec((id, any::<u8>(), time(), time()), 0..4).prop_map(Call::Secrets),
        time().prop_map(Call::OldSecrets),
    ];
    prop_oneof![signal, app_state, protocol, messages]
}

fn name(id: u8) -> String {
    format!("{id}:2@s.whatsapp.net")
}

fn rows(pairs: &[(u8, u8)]) -> Vec<(Arc<str>, Bytes)> {
    pairs.iter().map(|(id, value)| (Arc::from(name(*id)), Bytes::from(vec![*value; 3]))).collect()
}

fn mapping(lid: u8, phone: u8) -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: lid.to_string(),
        phone_number: format!("49{phone}"),
        created_at: 1,
        updated_at: 2,
        learning_source: "usync".to_owned(),
    }
}

fn devices(user: u8, count: u8) -> DeviceListRecord {
    let devices = (0..count % 4).map(|id| DeviceInfo::new(id.into(), Some(id.into()))).collect();
    DeviceListRecord { user: name(user), devices, timestamp: 5, phash: None, raw_id: Some(count.into()) }
}

async fn perform(backend: &impl Backend, call: &Call) -> Result<(), StoreError> {
    match call {
        Call::Identity(id, value) => backend.put_identity(&name(*id), [*value; 32]).await,
        Call::NoIdentity(id) => backend.delete_identity(&name(*id)).await,
        Call::Sessions(pairs) => backend.put_sessions_batch(&rows(pairs)).await,
        Call::NoSession(id) => backend.delete_session(&name(*id)).await,
        Call::PreKeys(ids) => {
            let keys: Vec<_> = ids.iter().map(|id| (u32::from(*id), Bytes::from(vec![*id]))).collect();
            backend.store_prekeys_batch(&keys, false).await?;
            backend.mark_prekeys_uploaded(&[0, 1, 2, 3]).await
        }
        Call::NoPreKey(id) => backend.remove_prekey((*id).into()).await,
        Call::SignedPreKey(id) => backend.store_signed_prekey((*id).into(), &[*id]).await,
        Call::NoSignedPreKey(id) => backend.remove_signed_prekey((*id).into()).await,
        Call::SenderKeys(pairs) => backend.put_sender_keys_batch(&rows(pairs)).await,
        Call::NoSenderKey(id) => backend.delete_sender_key(&name(*id)).await,
        Call::SyncKey(id) => {
            let key = AppStateSyncKey { key_data: vec![*id], fingerprint: vec![1], timestamp: 7 };
            backend.set_sync_key(&[*id], key).await
        }
        Call::Version(id, version) => {
            let state = HashState { version: *version, ..HashState::default() };
            backend.set_version(&name(*id), state).await
        }
        Call::Macs(id, pairs) => {
            let mac = |(index, value): &(u8, u8)| AppStateMutationMAC {
                index_mac: vec![*index; 32],
                value_mac: vec![*value],
            };
            backend.put_mutation_macs(&name(*id), 1, &pairs.iter().map(mac).collect::<Vec<_>>()).await
        }
        Call::NoMacs(id, indices) => {
            let indices: Vec<_> = indices.iter().map(|index| vec![*index; 32]).collect();
            backend.delete_mutation_macs(&name(*id), &indices).await
        }
        Call::ClearMacs(id) => backend.clear_mutation_macs(&name(*id)).await,
        other => perform_more(backend, other).await,
    }
}

async fn perform_more(backend: &impl Backend, call: &Call) -> Result<(), StoreError> {
    match call {
        Call::Holders(group, entries) => {
            let names: Vec<_> = entries.iter().map(|(id, has)| (name(*id), *has)).collect();
            let entries: Vec<_> = names.iter().map(|(name, has)| (name.as_str(), *has)).collect();
            backend.set_sender_key_status(&name(*group), &entries).await
        }
        Call::NoHolders(group) => backend.clear_sender_key_devices(&name(*group)).await,
        Call::NoDevice(ids) => {
            let names: Vec<_> = ids.iter().map(|id| name(*id)).collect();
            backend.delete_sender_key_device_rows(&names.iter().map(String::as_str).collect::<Vec<_>>()).await
        }
        Call::NobodyHolds => backend.clear_all_sender_key_devices().await,
        Call::Lids(pairs) => {
            let entries: Vec<_> = pairs.iter().map(|(lid, phone)| mapping(*lid, *phone)).collect();
            backend.put_lid_mappings(&entries).await
        }
        Call::BaseKey(id, message, value) => {
            backend.save_base_key(&name(*id), &message.to_string(), &[*value]).await
        }
        Call::NoBaseKey(id, message) => backend.delete_base_key(&name(*id), &message.to_string()).await,
        Call::Devices(pairs) => {
            backend.update_device_lists(pairs.iter().map(|(user, n)| devices(*user, *n)).collect()).await
        }
        Call::NoDevices(user) => backend.delete_devices(&name(*user)).await,
        Call::Group(id, value) => backend.put_group_metadata(&name(*id), &[*value]).await,
        Call::NoGroup(id) => backend.delete_group_metadata(&name(*id)).await,
        Call::Token(id, value, at) => backend.store_received_tc_token(&name(*id), &[*value], *at).await,
        Call::Touch(id, at) => backend.touch_tc_token_sender_timestamp(&name(*id), *at).await,
        Call::NoToken(id) => backend.delete_tc_token(&name(*id)).await,
        Call::OldTokens(token, sender) => backend.delete_expired_tc_tokens(*token, *sender).await.map(drop),
        Call::Sent(id, value) => backend.store_sent_message("chat", &name(*id), &[*value]).await,
        Call::TakeSent(id) => backend.take_sent_message("chat", &name(*id)).await.map(drop),
        Call::Pending(pairs) => {
            let owned: Vec<_> = pairs.iter().map(|(id, value)| (name(*id), [*value])).collect();
            let row = |(id, message): &'_ (String, [u8; 1])| (id.clone(), *message);
            let owned: Vec<_> = owned.iter().map(row).collect();
            let rows: Vec<_> = owned
                .iter()
                .map(|(id, message)| PendingInboundRow { chat: "c", sender: "s", id, message })
                .collect();
            backend.store_pending_inbound_batch(&rows).await
        }
        Call::NoPending(ids) => {
            let names: Vec<_> = ids.iter().map(|id| name(*id)).collect();
            let keys: Vec<_> =
                names.iter().map(|id| PendingInboundKey { chat: "c", sender: "s", id }).collect();
            backend.delete_pending_inbound_batch(&keys).await
        }
        Call::Secrets(entries) => {
            let entry = |(id, secret, expires_at, message_ts): &(u8, u8, i64, i64)| MsgSecretEntry {
                chat: Arc::from("c"),
                sender: Arc::from("s"),
                msg_id: Arc::from(name(*id)),
                secret: [*secret; 32],
                expires_at: *expires_at,
                message_ts: *message_ts,
            };
            backend.put_msg_secrets(entries.iter().map(entry).collect()).await.map(drop)
        }
        Call::OldSecrets(before) => backend.delete_expired_msg_secrets(*before).await.map(drop),
        _ => unreachable!("done above"),
    }
}

/// All that can be asked, as text.
async fn look(backend: &impl Backend) -> Result<Vec<String>, StoreError> {
    let mut seen = Vec::new();
    for id in 0..4_u8 {
        let who = name(id);
        let number = u32::from(id);
        seen.push(format!("{:?}", backend.load_identity(&who).await?));
        seen.push(format!("{:?} {}", backend.get_session(&who).await?, backend.has_session(&who).await?));
        seen.push(format!("{:?}", backend.load_prekey(number).await?));
        seen.push(format!("{:?}", backend.load_signed_prekey(number).await?));
        seen.push(format!("{:?}", backend.get_sender_key(&who).await?));
        seen.push(format!("{:?}", backend.get_sync_key(&[id]).await?));
        seen.push(format!("{:?}", backend.get_version(&who).await?.version));
        let mut macs: Vec<_> = backend
            .get_mutation_macs(&who, &[[0; 32], [1; 32], [2; 32], [3; 32]])
            .await?
            .into_iter()
            .collect();
        macs.sort();
        seen.push(format!("{macs:?} {:?}", backend.get_mutation_mac(&who, &[2; 32]).await?));
        let mut holders = backend.get_sender_key_devices(&who).await?;
        holders.sort();
        seen.push(format!("{holders:?}"));
        seen.push(format!("{:?}", backend.get_lid_mapping(&id.to_string()).await?));
        seen.push(format!("{:?}", backend.get_pn_mapping(&format!("49{id}")).await?));
        seen.push(format!("{:?}", backend.has_same_base_key(&who, "1", &[7]).await?));
        seen.push(format!("{:?}", backend.get_devices(&who).await?));
        seen.push(format!("{:?}", backend.get_group_metadata(&who).await?));
        seen.push(format!("{:?}", backend.get_tc_token(&who).await?));
        // Ours says of more that nobody knows.
        let pending = backend.get_pending_inbound("c", "s", &who).await.unwrap_or_default();
        seen.push(format!("{pending:?}"));
        seen.push(format!("{:?}", backend.get_msg_secret_with_ts("c", "s", &who).await?));
    }
    seen.push(format!("{:?}", backend.get_max_prekey_id().await?));
    seen.push(format!("{:?}", backend.get_latest_sync_key_id().await?));
    let mut signed = backend.load_all_signed_prekeys().await?;
    signed.sort();
    seen.push(format!("{signed:?}"));
    let mut people = backend.get_all_tc_token_jids().await?;
    people.sort();
    seen.push(format!("{people:?}"));
    let mut lids: Vec<_> = backend.get_all_lid_mappings().await?.iter().map(|it| it.lid.clone()).collect();
    lids.sort();
    seen.push(format!("{lids:?}"));
    Ok(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Invariant: what is kept in the bridge's database is what the library would keep itself.
    #[test]
    fn it_keeps_what_the_librarys_own_store_keeps(calls in vec(call(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (theirs, recorder) = (InMemoryBackend::new(), Recorder::default());
            let ours = kept(&recorder);
            for call in &calls {
                perform(&theirs, call).await.expect("memory takes everything");
                perform(&ours, call).await.expect("the recorder takes everything");
            }
            // As after a restart: nothing of it is in memory.
            let ours = kept(&recorder);
            let (theirs, ours) = (look(&theirs).await.expect("memory"), look(&ours).await.expect("the recorder"));
            prop_assert_eq!(&theirs, &ours);
            // While a device is being linked, in memory.
            let held = Kept::in_memory(Clock::fixed(1_000_000_000_000, 1));
            for call in &calls {
                perform(&held, call).await.expect("memory takes everything");
            }
            prop_assert_eq!(theirs, look(&held).await.expect("memory"));
            // A renewed login takes the place of all of it; here the collections have names that WhatsApp has not.
            for (shelf, _) in held.in_hand().await {
                prop_assert!(shelf.starts_with("app_state_mac/") || super::shelves().contains(&shelf), "{}", shelf);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_device_is_made_once_and_found_again() {
    let recorder = Recorder::default();
    let store = kept(&recorder);
    assert!(store.load().await.expect("it can be read").is_none());
    store.create().await.expect("it is made");
    let mut device = store.load().await.expect("it can be read").expect("it is there");
    device.push_name = "Alice".to_owned();
    store.save(&device).await.expect("it is stored");
    store.create().await.expect("it stays");
    let again = kept(&recorder).load().await.expect("it can be read").expect("it is there");
    assert_eq!((again.push_name.as_str(), again.registration_id), ("Alice", device.registration_id));
    assert_eq!(again.identity_key.public_key, device.identity_key.public_key);
}

/// Invariant: every device that asks for a message gets it.
#[tokio::test]
async fn a_sent_message_is_there_for_everybody_who_asks() {
    let recorder = Recorder::default();
    let store = kept(&recorder);
    store.store_sent_message("c", "m", b"payload").await.expect("it is stored");
    assert_eq!(store.take_sent_message("other", "m").await.expect("it can be read"), None);
    let (one, two) = tokio::join!(store.take_sent_message("c", "m"), store.take_sent_message("c", "m"));
    let taken = [one.expect("it can be read"), two.expect("it can be read")];
    assert_eq!(taken.iter().flatten().count(), 2, "two askers got {taken:?}");
}

#[tokio::test]
async fn old_messages_go_by_their_age() {
    let recorder = Recorder::default();
    let store = kept(&recorder);
    let now = 1_000_000_000;
    store.store_sent_message("c", "m", b"payload").await.expect("it is stored");
    store.store_pending_inbound("c", "s", "m", b"payload").await.expect("it is stored");
    store.delete_expired_sent_messages(now).await.expect("nothing is that old");
    store.delete_expired_pending_inbound(now).await.expect("nothing is that old");
    assert!(store.get_pending_inbound("c", "s", "m").await.expect("it can be read").is_some());
    store.delete_expired_pending_inbound(now + 1).await.expect("it goes");
    store.delete_expired_sent_messages(now + 1).await.expect("it goes");
    store.get_pending_inbound("c", "s", "m").await.expect_err("nothing is known of it");
    assert!(store.take_sent_message("c", "m").await.expect("it can be read").is_none());
}

/// Invariant: what is neither kept nor taken in is not acknowledged; the library may still have it in its hands alone.
#[tokio::test]
async fn of_a_message_that_comes_twice_only_the_end_says_that_it_is_there() {
    let (recorder, clock) = (Recorder::default(), Clock::fixed(1_000_000_000_000, 1));
    let sink = EventSink::new(LoginId::new("1"), Arc::new(recorder.clone()));
    let store = Kept::new(sink.vault(), clock.clone(), Box::new(|_| ()));
    store.get_pending_inbound("c", "s", "m").await.expect_err("it is in memory");
    store.store_pending_inbound("c", "s", "m", b"payload").await.expect("it is stored");
    let kept = store.get_pending_inbound("c", "s", "m").await.expect("it can be read");
    assert_eq!(kept.as_deref(), Some(&b"payload"[..]));
    store.delete_pending_inbound("c", "s", "m").await.expect("it is taken in");
    assert_eq!(store.get_pending_inbound("c", "s", "m").await.expect("it is there"), None);
    // What is never kept is asked for again at a later login.
    store.get_pending_inbound("c", "s", "keys").await.expect_err("it may be in memory");
    clock.advance_ms(60_000);
    assert_eq!(store.get_pending_inbound("c", "s", "keys").await.expect("it is none"), None);
}
