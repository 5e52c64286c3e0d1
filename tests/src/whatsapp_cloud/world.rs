//! Builds the world a simulator starts with: an account with numbers, templates, people, the app's secrets.
//!
//! After the start the world changes only by people's deeds and by requests.

use magpie_common::clock::Clock;
use serde_json::{Value, json};

use super::{
    ids::{AccountId, Chat, Ids, NumberId, PersonId},
    model::{Account, Number, Person, Records, Template},
};

/// The access token, in the shape of a real one and good for nothing.
pub const ACCESS_TOKEN: &str = "EAAJBsimulatorZCnotAsecret0000000000";
/// What signs webhooks.
pub const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// What the app's owner wrote into the dashboard next to the callback's address.
pub const VERIFY_TOKEN: &str = "magpie-verifies";

/// A world in the making.
#[derive(Debug)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) records: Records,
}

/// The ids of [`World::small`].
#[derive(Clone, Copy, Debug)]
pub struct SmallWorld {
    /// The account "Birds Ltd".
    pub account: AccountId,
    /// Its number.
    pub number: NumberId,
    /// A person, "Alice".
    pub alice: PersonId,
    /// A person, "Bob".
    pub bob: PersonId,
}

impl SmallWorld {
    /// Alice's talk with the business.
    pub fn with_alice(&self) -> Chat {
        Chat { number: self.number, person: self.alice }
    }

    /// Bob's talk with the business.
    pub fn with_bob(&self) -> Chat {
        Chat { number: self.number, person: self.bob }
    }
}

impl World {
    /// A world with nothing but the app in it.
    pub fn on_clock(clock: Clock) -> Self {
        let records = Records {
            token: ACCESS_TOKEN.to_owned(),
            app_id: 1_234_567_890,
            app_secret: APP_SECRET.to_owned(),
            verify_token: VERIFY_TOKEN.to_owned(),
            is_token_valid: true,
            rights: ["whatsapp_business_management", "whatsapp_business_messaging"].map(str::to_owned).into(),
            ..Records::default()
        };
        Self { clock, ids: Ids::default(), records }
    }

    /// One account with one number and two people who never wrote.
    pub fn small(clock: Clock) -> (Self, SmallWorld) {
        let mut world = Self::on_clock(clock);
        let account = world.account(102_290_129_340_398, "Birds Ltd");
        let number = world.number(account, 106_540_352_242_922, "15550783881");
        let (alice, bob) = (world.person("Alice", "16505551234"), world.person("Bob", "16505551235"));
        world.template(
            account,
            ("hello_world", "en_US"),
            json!([{"type": "BODY", "text": "Welcome and congratulations!"}]),
        );
        (world, SmallWorld { account, number, alice, bob })
    }

    /// Adds a business account.
    pub fn account(&mut self, id: u64, name: &str) -> AccountId {
        let account = Account {
            id: AccountId(id),
            name: name.to_owned(),
            is_locked: false,
            is_subscribed: true,
            callback: None,
            templates: Vec::new(),
        };
        self.records.accounts.insert(account.id, account);
        AccountId(id)
    }

    /// Adds a registered number to an account.
    pub fn number(&mut self, account: AccountId, id: u64, display: &str) -> NumberId {
        let number = Number {
            id: NumberId(id),
            account,
            display: display.to_owned(),
            verified_name: "Birds Ltd".to_owned(),
            is_registered: true,
            is_verified: true,
            profile: json!({"messaging_product": "whatsapp", "about": "Birds of all kinds", "vertical": "RETAIL"}),
            callback: None,
        };
        self.records.numbers.insert(number.id, number);
        NumberId(id)
    }

    /// Adds a person whose phone is reachable.
    pub fn person(&mut self, name: &str, wa_id: &str) -> PersonId {
        let id = PersonId(u32::try_from(self.records.people.len()).unwrap_or(u32::MAX));
        let person = Person {
            id,
            name: name.to_owned(),
            wa_id: wa_id.to_owned(),
            user_id: self.ids.user(),
            username: None,
            is_online: true,
            has_blocked: false,
        };
        self.records.people.insert(id, person);
        id
    }

    /// Adds an approved template to an account.
    pub fn template(&mut self, account: AccountId, (name, language): (&str, &str), components: Value) {
        let id = self.ids.digits();
        let template = Template {
            id,
            name: name.to_owned(),
            language: language.to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            components,
        };
        let account = self.records.accounts.get_mut(&account).expect("the account was added before");
        account.templates.push(template);
    }

    /// A template as it stands, to change it.
    pub fn edit_template(&mut self, account: AccountId, name: &str) -> &mut Template {
        let account = self.records.accounts.get_mut(&account).expect("the account was added before");
        account
            .templates
            .iter_mut()
            .find(|template| template.name == name)
            .expect("the template was added before")
    }
}
