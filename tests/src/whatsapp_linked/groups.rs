//! Groups, as people make and change them on their phones.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{LinkedSim, Phone};

/// In which form a group addresses its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// By LID, as groups do now.
    Lid,
    /// By number, as older groups do.
    Number,
}

/// What is done to members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They come in.
    Add,
    /// They are taken out, or go by themselves.
    Remove,
    /// They become admins.
    Promote,
    /// They stop being admins.
    Demote,
}

/// A switch of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Only admins write.
    Announce(bool),
    /// Only admins change subject and the like.
    Locked(bool),
    /// Messages vanish after that many seconds; 0 ends it.
    Timer(u32),
    /// Admins must approve who joins.
    Approval(bool),
}

/// A group as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupState {
    /// Its name.
    pub subject: String,
    /// What it is about.
    pub description: Option<String>,
    /// Numbers with their rank: nothing, `admin` or `superadmin`; in the order they came.
    pub members: Vec<(String, String)>,
    /// Switches that are on.
    pub flags: Vec<String>,
    /// The disappearing timer in seconds.
    pub timer: u64,
    /// The code of the invite link.
    pub code: String,
}

impl Phone {
    /// Makes a group of this account and others. Gives its address.
    ///
    /// # Errors
    /// When somebody has no account.
    pub async fn create_group(
        &self,
        subject: &str,
        others: &[&Self],
        addressing: Addressing,
    ) -> anyhow::Result<String> {
        let mode = if addressing == Addressing::Lid { "lid" } else { "pn" };
        let fields = json!({"subject": subject, "members": numbers(others), "mode": mode});
        let group = self.ask("group", fields).await?;
        group.as_str().map(str::to_owned).context("the server names no group")
    }

    /// Changes who is in a group, or their rank. The server does not ask whether this account may.
    ///
    /// # Errors
    /// When this account is not in the group, or the change fails for one of them.
    pub async fn change_members(
        &self,
        group: &str,
        membership: Membership,
        people: &[&Self],
    ) -> anyhow::Result<()> {
        let action = match membership {
            Membership::Add => "add",
            Membership::Remove => "remove",
            Membership::Promote => "promote",
            Membership::Demote => "demote",
        };
        let fields = json!({"group": group, "action": action, "members": numbers(people)});
        let answers = self.ask("member", fields).await?;
        let failed = answers.as_array().into_iter().flatten().find(|answer| answer.get("error").is_some());
        anyhow::ensure!(failed.is_none(), "{action}: {failed:?}");
        Ok(())
    }

    /// Names a group.
    ///
    /// # Errors
    /// When this account is not in the group.
    pub async fn set_subject(&self, group: &str, subject: &str) -> anyhow::Result<()> {
        self.ask("subject", json!({"group": group, "subject": subject})).await.map(drop)
    }

    /// Says what a group is about, or takes that away. `id` is the change's own.
    ///
    /// # Errors
    /// When this account is not in the group.
    pub async fn set_description(&self, group: &str, id: &str, body: Option<&str>) -> anyhow::Result<()> {
        self.ask("describe", json!({"group": group, "id": id, "body": body})).await.map(drop)
    }

    /// Turns a switch of a group.
    ///
    /// # Errors
    /// When this account is not in the group.
    pub async fn set_switch(&self, group: &str, switch: Switch) -> anyhow::Result<()> {
        let node = match switch {
            Switch::Announce(is_on) => {
                json!({"tag": if is_on { "announcement" } else { "not_announcement" }})
            }
            Switch::Locked(is_on) => json!({"tag": if is_on { "locked" } else { "unlocked" }}),
            Switch::Timer(0) => json!({"tag": "not_ephemeral"}),
            Switch::Timer(seconds) => {
                json!({"tag": "ephemeral", "attrs": {"expiration": seconds.to_string()}})
            }
            Switch::Approval(is_on) => {
                let state = if is_on { "on" } else { "off" };
                let join = json!({"tag": "group_join", "attrs": {"state": state}});
                json!({"tag": "membership_approval_mode", "content": [join]})
            }
        };
        self.ask("flag", json!({"group": group, "node": node})).await.map(drop)
    }

    /// Sets a group's picture, or takes it away.
    ///
    /// # Errors
    /// When there is no such group.
    pub async fn set_group_picture(&self, group: &str, image: Option<&[u8]>) -> anyhow::Result<()> {
        let image = image.map(|bytes| json!({"bytes": STANDARD.encode(bytes)}));
        self.ask("picture", json!({"group": group, "image": image})).await.map(drop)
    }
}

impl LinkedSim {
    /// A group as the server has it.
    ///
    /// # Errors
    /// When there is no such group.
    pub async fn group(&self, group: &str) -> anyhow::Result<GroupState> {
        let shown = self.command("inGroup", json!({"group": group})).await?;
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |name: &str| shown[name].as_array().cloned().unwrap_or_default();
        Ok(GroupState {
            subject: words(&shown["subject"]),
            description: shown["description"].as_str().map(str::to_owned),
            members: list("members").iter().map(|one| (words(&one["user"]), words(&one["rank"]))).collect(),
            flags: list("flags").iter().map(words).collect(),
            timer: shown["expiration"].as_u64().unwrap_or_default(),
            code: words(&shown["code"]),
        })
    }
}

fn numbers(people: &[&Phone]) -> Vec<String> {
    people.iter().map(|phone| phone.number.clone()).collect()
}
