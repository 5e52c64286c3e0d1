//! What a relay says in one room in the place of the bridge's templates, kind by kind.

use std::{borrow::Cow, collections::BTreeMap};

use super::{RelayTemplates, Template, TemplateKind};

/// The templates of one room. For every kind without one the bridge's are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomTemplates(BTreeMap<TemplateKind, Template>);

impl RoomTemplates {
    /// Puts a template in the place of the bridge's.
    pub fn set(&mut self, kind: TemplateKind, template: Template) {
        self.0.insert(kind, template);
    }

    /// Lets the bridge's template be used again.
    pub fn reset(&mut self, kind: TemplateKind) {
        self.0.remove(&kind);
    }

    /// The room's own template.
    pub fn get(&self, kind: TemplateKind) -> Option<&Template> {
        self.0.get(&kind)
    }

    /// The room's own templates, in the order in which they are shown.
    pub fn iter(&self) -> impl Iterator<Item = (TemplateKind, &Template)> {
        self.0.iter().map(|(kind, template)| (*kind, template))
    }

    /// Whether the room has none of its own.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is used in the room. Most rooms have nothing of their own, and cost nothing.
    pub fn over<'a>(&self, bridge: &'a RelayTemplates) -> Cow<'a, RelayTemplates> {
        if self.is_empty() {
            return Cow::Borrowed(bridge);
        }
        let mut all = bridge.clone();
        all.0.extend(self.0.iter().map(|(kind, template)| (*kind, template.clone())));
        Cow::Owned(all)
    }
}
