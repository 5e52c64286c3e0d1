//! Builds the world a simulator starts with: accounts with their secrets, and their followers.

use std::collections::BTreeMap;

use magpie_common::clock::Clock;

use super::window::Windows;
use crate::wechat_envelope::Envelope;

/// The first account's AppID; it and its secrets are good for nothing.
pub const APP_ID: &str = "wx5823bf96d3bd56c7";
/// Its AppSecret.
pub const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// What signs its callbacks.
pub const TOKEN: &str = "QDG6eK";
/// What seals its callbacks.
pub const AES_KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aQ";

/// The one template that every account has, with the places `thing1` and `number2`.
pub const TEMPLATE: &str = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY";

/// A world in the making.
#[derive(Debug)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) accounts: BTreeMap<String, Account>,
}

/// An Official Account.
#[derive(Debug)]
pub(crate) struct Account {
    pub app_secret: String,
    pub envelope: Envelope,
    /// `gh_…`.
    pub name: String,
    /// Whether it may write at all.
    pub is_verified: bool,
    /// Whether our address stands in its list.
    pub is_listed: bool,
    /// Whether it has used up a day's calls.
    pub is_used_up: bool,
    pub callback: Option<String>,
    pub followers: BTreeMap<String, Person>,
}

/// Somebody who follows, followed or could follow an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub union_id: Option<String>,
    pub remark: String,
    pub follows: bool,
    pub has_blocked: bool,
    pub windows: Windows,
    /// `Typing` or `CancelTyping`, whichever came last.
    pub typing: Option<bool>,
}

/// Somebody as an account knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Follower {
    /// The account's AppID.
    pub app_id: String,
    /// Who they are there.
    pub openid: String,
}

/// The people of [`World::small`].
#[derive(Clone, Debug)]
pub struct SmallWorld {
    /// Alice, whom the account's staff call so.
    pub alice: Follower,
    /// Somebody without a name.
    pub bob: Follower,
}

impl World {
    /// A world with nobody in it.
    pub fn on_clock(clock: Clock) -> Self {
        Self { clock, accounts: BTreeMap::new() }
    }

    /// One account with two followers, who never wrote.
    pub fn small(clock: Clock) -> (Self, SmallWorld) {
        let mut world = Self::on_clock(clock);
        world.account(APP_ID);
        let alice = world.follower(APP_ID, "oAlice-5x12ab", ("Alice", Some("o6_bmjrPTlm6_alice")));
        let bob = world.follower(APP_ID, "oBob_77zz99", ("", None));
        (world, SmallWorld { alice, bob })
    }

    /// An account. All have the same secrets, but for the id that is sealed.
    pub fn account(&mut self, app_id: &str) {
        let account = Account {
            app_secret: APP_SECRET.to_owned(),
            envelope: Envelope::new(TOKEN, AES_KEY, app_id),
            name: format!("gh_{}", &app_id[app_id.len().saturating_sub(8)..]),
            is_verified: true,
            is_listed: true,
            is_used_up: false,
            callback: None,
            followers: BTreeMap::new(),
        };
        self.accounts.insert(app_id.to_owned(), account);
    }

    /// Somebody who follows an account; what staff call them, and their unionid.
    pub fn follower(
        &mut self,
        app_id: &str,
        openid: &str,
        (remark, union_id): (&str, Option<&str>),
    ) -> Follower {
        let person = Person {
            union_id: union_id.map(str::to_owned),
            remark: remark.to_owned(),
            follows: true,
            has_blocked: false,
            windows: Windows::default(),
            typing: None,
        };
        let account = self.accounts.get_mut(app_id).expect("the account is there");
        account.followers.insert(openid.to_owned(), person);
        Follower { app_id: app_id.to_owned(), openid: openid.to_owned() }
    }
}
