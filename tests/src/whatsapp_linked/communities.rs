//! Communities: groups under one roof, with one for announcements.

use anyhow::Context;
use serde_json::json;

use super::{LinkedSim, Phone};

impl Phone {
    /// Makes a community with these people; its group for announcements bears the same name. Gives the address of the community.
    ///
    /// # Errors
    /// When somebody has no account.
    pub async fn create_community(&self, subject: &str, others: &[&Self]) -> anyhow::Result<String> {
        let members: Vec<_> = others.iter().map(|phone| &phone.number).collect();
        let made = self.ask("community", json!({"subject": subject, "members": members})).await?;
        made.as_str().map(str::to_owned).context("the server names no community")
    }

    /// Puts a group into a community, with everybody in it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn link_group(&self, community: &str, group: &str) -> anyhow::Result<()> {
        self.ask("linkGroup", json!({"community": community, "group": group})).await.map(drop)
    }

    /// Takes a group out of a community.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn unlink_group(&self, community: &str, group: &str) -> anyhow::Result<()> {
        self.ask("unlinkGroup", json!({"community": community, "group": group})).await.map(drop)
    }
}

impl LinkedSim {
    /// The address of a community's group for announcements.
    ///
    /// # Errors
    /// When there is no such community.
    pub async fn announcements_of(&self, community: &str) -> anyhow::Result<String> {
        let found = self.command("announcementsOf", json!({"community": community})).await?;
        found.as_str().map(str::to_owned).context("there is no such community")
    }
}
