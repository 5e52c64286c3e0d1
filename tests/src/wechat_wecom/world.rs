//! Builds the world a simulator starts with: a company with an app and a service account, its members and its customers.

use std::collections::BTreeMap;

use magpie_common::clock::Clock;

/// The company's id; it and the secrets are good for nothing.
pub const CORP_ID: &str = "wwd08c8e7c775ab44d";
/// The app's id.
pub const AGENT_ID: u64 = 1_000_002;
/// The app's secret.
pub const SECRET: &str = "Zx0-ijdsmXQ-nothing-but-an-app-of-nobody-00";
/// The secret of customer service.
pub const KF_SECRET: &str = "kf0-ijdsmXQ-nothing-but-service-of-nobody-00";
/// What signs callbacks.
pub const TOKEN: &str = "hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo";
/// What seals callbacks.
pub const AES_KEY: &str = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUs";
/// The service account.
pub const KF_ID: &str = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q";

/// A world in the making.
#[derive(Debug)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) members: BTreeMap<String, Member>,
    pub(crate) customers: BTreeMap<String, Profile>,
}

/// A member of the company.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub name: String,
    /// Whether the app is shown to them.
    pub is_visible: bool,
}

/// What is told of a customer.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub nickname: String,
    pub union_id: Option<String>,
}

/// Somebody outside of the company, at a service account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Customer {
    /// The service account.
    pub kf: String,
    /// Who.
    pub external: String,
}

/// The people of [`World::small`].
#[derive(Clone, Debug)]
pub struct SmallWorld {
    /// A member's userid; her name is Alice.
    pub alice: String,
    /// Another one's; his name is Bob.
    pub bob: String,
    /// A customer, Carol, whose unionid is told.
    pub carol: Customer,
    /// A customer, Dave, whose unionid is not.
    pub dave: Customer,
}

impl World {
    /// A company with nobody in it.
    pub fn on_clock(clock: Clock) -> Self {
        Self { clock, members: BTreeMap::new(), customers: BTreeMap::new() }
    }

    /// Two members and two customers, who never wrote.
    pub fn small(clock: Clock) -> (Self, SmallWorld) {
        let mut world = Self::on_clock(clock);
        let small = SmallWorld {
            alice: world.member("alice.liddell", "Alice"),
            bob: world.member("bob-the_2nd", "Bob"),
            carol: world.customer("wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw", ("Carol", Some("o6_bmjrPTlm6_carol"))),
            dave: world.customer("wmAJ2GCAAAme1XQRC-NI-q0_ZM9dave0", ("Dave", None)),
        };
        (world, small)
    }

    /// Adds a member to whom the app is shown. Gives their userid.
    pub fn member(&mut self, userid: &str, name: &str) -> String {
        self.members.insert(userid.to_owned(), Member { name: name.to_owned(), is_visible: true });
        userid.to_owned()
    }

    /// Adds a customer of the service account, with nickname and unionid.
    pub fn customer(&mut self, external: &str, (nickname, union_id): (&str, Option<&str>)) -> Customer {
        let profile = Profile { nickname: nickname.to_owned(), union_id: union_id.map(str::to_owned) };
        self.customers.insert(external.to_owned(), profile);
        Customer { kf: KF_ID.to_owned(), external: external.to_owned() }
    }
}
