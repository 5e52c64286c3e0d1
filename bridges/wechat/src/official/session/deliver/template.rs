//! Templates, by command: what WeChat has approved, with values in its places. They are all that goes when the window is shut, and they go to
//! whoever follows the account.
//!
//! Reference: <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html>.

use magpie_common::{
    ids::RemoteMessageId,
    message::{ChatCommand, clean_line},
    platform::{DeliverError, Delivered, DeliveryKey},
};
use serde_json::{Map, Value, json};

use super::{DOUBTFUL, Deliverer, part_id, readable};
use crate::{
    config::web_address,
    json::text,
    official::{
        events::template_id,
        session::{
            capabilities::{TEMPLATE, TEMPLATE_HELP},
            verdict::verdict,
        },
    },
};

/// Longer ids and names are none.
const NAME_CHARS_MAX: usize = 128;

/// More values than this has no template.
const VALUES_MAX: usize = 32;

/// So many templates, and places of each, are named.
const NAMED_MAX: usize = 25;

impl Deliverer {
    /// Performs a command of WeChat's own.
    pub(super) async fn command(
        &self,
        openid: &str,
        command: &ChatCommand,
        key: &DeliveryKey,
    ) -> Result<Delivered, DeliverError> {
        if command.name != TEMPLATE {
            return Err(DeliverError::Unsupported(format!("WeChat has no command “{}”.", command.name)));
        }
        let Some(mut content) = template(&command.words) else { return Err(self.usage().await) };
        // WeChat may know for some minutes that it was here before; nobody has seen it say so.
        if key.in_doubt.is_some() {
            return Err(DeliverError::Uncertain(DOUBTFUL.to_owned()));
        }
        content["touser"] = json!(openid);
        content["client_msg_id"] = json!(key.key);
        let told = self.api.post("cgi-bin/message/template/send", &content).await.map_err(verdict)?;
        let id = told_id(&told["msgid"]).unwrap_or_else(|| part_id(key, 0));
        Ok(Delivered { ids: vec![id] })
    }

    /// How the command is given, and for what.
    async fn usage(&self) -> DeliverError {
        // Not to be told which there are is no fault of the command's.
        let told = self.api.get("cgi-bin/template/get_all_private_template").await.unwrap_or_default();
        let known = approved(&told);
        let known = match known.is_empty() {
            true => "WeChat's console lists the templates".to_owned(),
            false => format!("There is: {}", known.join(", ")),
        };
        DeliverError::Rejected(format!("The command `{TEMPLATE}` {TEMPLATE_HELP}. {known}."))
    }
}

/// The id by which WeChat tells later whether it arrived.
fn told_id(msgid: &Value) -> Option<RemoteMessageId> {
    let number = msgid.as_u64().map(|number| number.to_string());
    template_id(&number.unwrap_or_else(|| text(msgid).to_owned()))
}

/// The template that words ask for: an id, and values by the names of their places.
fn template(words: &str) -> Option<Value> {
    let words = words.trim();
    let (id, values) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    if !is_plain(id) {
        return None;
    }
    let (mut content, mut data) = (json!({"template_id": id}), Map::new());
    for value in values.split('|').map(clean_line).filter(|value| !value.is_empty()) {
        let (place, value) = value.split_once('=')?;
        let (place, value) = (place.trim(), value.trim());
        match place {
            "url" => content["url"] = json!(web_address(value)?.as_str()),
            place if is_plain(place) => {
                data.insert(place.to_owned(), json!({"value": readable(value)}));
            }
            _ => return None,
        }
    }
    (data.len() <= VALUES_MAX).then_some(())?;
    content["data"] = Value::Object(data);
    Some(content)
}

fn is_plain(word: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The templates that there are: ids, titles, and the places in them.
fn approved(told: &Value) -> Vec<String> {
    let all = told["template_list"].as_array().into_iter().flatten().take(NAMED_MAX);
    let named = all.filter(|template| is_plain(text(&template["template_id"]))).map(|template| {
        let (id, title) = (text(&template["template_id"]), clean_line(text(&template["title"])));
        let places = places(text(&template["content"]));
        let places = if places.is_empty() { places } else { format!(": {places}") };
        format!("`{id}` ({title}{places})")
    });
    named.collect()
}

/// The names of the places, which are written as `{{name.DATA}}`.
fn places(content: &str) -> String {
    let found = content.split("{{").skip(1).filter_map(|rest| rest.split_once(".DATA}}"));
    let names: Vec<&str> =
        found.map(|(name, _)| name).filter(|name| is_plain(name)).take(NAMED_MAX).collect();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_a_template_and_fills_its_places() {
        assert_eq!(template("ngqIpbwh8bUf-_x"), Some(json!({"template_id": "ngqIpbwh8bUf-_x", "data": {}})));
        let filled = template(" t1  thing1=Ada  Lovelace | number2 = 7=8| url=https://e.org/?a=b ");
        let expected = json!({
            "template_id": "t1", "url": "https://e.org/?a=b",
            "data": {"thing1": {"value": "Ada Lovelace"}, "number2": {"value": "7=8"}},
        });
        assert_eq!(filled, Some(expected));
        for bad in ["", "t/1", "t1 a value", "t1 thing.1=x", "t1 =x", "t1 url=javascript:x"] {
            assert_eq!(template(bad), None, "{bad}");
        }
        let many: Vec<String> = (0..=VALUES_MAX).map(|nth| format!("a{nth}=x")).collect();
        assert_eq!(template(&format!("t1 {}", many.join("|"))), None);
    }

    #[test]
    fn templates_are_named_with_their_places() {
        let told = json!({"template_list": [
            {"template_id": "t1", "title": "Ready", "content": "{{first.DATA}}\n订单:{{thing1.DATA}} {{bad name.DATA}} {{x"},
            {"template_id": "t2", "title": "Bare\n", "content": "no places"},
            {"template_id": "t/3", "title": "x"},
        ]});
        assert_eq!(approved(&told), ["`t1` (Ready: first thing1)", "`t2` (Bare)"]);
        assert!(approved(&json!({"template_list": 7})).is_empty());
    }

    #[test]
    fn ids_are_read_as_numbers_or_texts() {
        for (msgid, id) in [
            (json!(200_228_332), Some("template/200228332")),
            (json!("18446744073709551615"), Some("template/18446744073709551615")),
            (json!(null), None),
            (json!("x"), None),
        ] {
            assert_eq!(told_id(&msgid).as_ref().map(RemoteMessageId::as_str), id, "{msgid}");
        }
    }
}
