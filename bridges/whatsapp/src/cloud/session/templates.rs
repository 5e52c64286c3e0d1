//! The templates of the business account, for people who want to know which there are. The account's id is told by every webhook.

use std::sync::{Arc, Mutex, PoisonError};

use magpie_common::{
    message::clean_line,
    platform::{Cursor, EventSink, NotStored},
};

use super::api::{Api, ApiError};
use crate::{
    cloud::json::{list, text},
    config::is_number_id,
};

/// Where the account's id is remembered.
const KEY: &str = "account";

/// So many templates are named.
const NAMED_MAX: usize = 50;

pub(super) struct Templates {
    api: Arc<Api>,
    sink: EventSink,
    account: Mutex<Option<String>>,
}

impl Templates {
    pub fn new(api: Arc<Api>, sink: EventSink) -> Self {
        Self { api, sink, account: Mutex::default() }
    }

    /// A webhook tells which account the number belongs to.
    pub async fn learn(&self, account: &str) -> Result<(), NotStored> {
        if !is_number_id(account) || self.known().as_deref() == Some(account) {
            return Ok(());
        }
        self.know(account);
        if self.sink.remembered(KEY).await?.as_deref() != Some(account) {
            self.sink.remember(Cursor { key: KEY.to_owned(), value: account.to_owned() }).await?;
        }
        Ok(())
    }

    /// Names and languages of what is approved; nothing while the account is not known.
    pub async fn approved(&self) -> Result<Vec<String>, ApiError> {
        let known = match self.known() {
            Some(account) => Some(account),
            // Not to know it is no reason to refuse anything.
            None => self.sink.remembered(KEY).await.ok().flatten(),
        };
        let Some(account) = known.filter(|account| is_number_id(account)) else { return Ok(Vec::new()) };
        let path = format!(
            "{account}/message_templates?status=APPROVED&fields=name,language,status&limit={NAMED_MAX}"
        );
        let found = self.api.get(&path).await?;
        let approved = list(&found["data"]).iter().filter(|template| template["status"] == "APPROVED");
        let named = approved.map(|template| {
            clean_line(&format!("{} {}", text(&template["name"]), text(&template["language"])))
        });
        Ok(named.take(NAMED_MAX).collect())
    }

    fn known(&self) -> Option<String> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, account: &str) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account.to_owned());
    }
}
