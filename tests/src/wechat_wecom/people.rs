//! What members and customers do. Members' deeds are told by a callback; those of customers stand in a list, and a callback says so.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    WeComSim, callback,
    service::{self, STAFF},
    world::{AGENT_ID, Customer},
};

impl WeComSim {
    /// A member writes to the app. Gives the id of the message.
    pub fn member_says(&self, userid: &str, words: &str) -> String {
        self.member_posts(userid, "text", &[("Content", words)])
    }

    /// A member sends a file to the app: `image`, `voice` or `video`. Gives the id of the message.
    pub fn member_sends(&self, userid: &str, (kind, mime): (&str, &str), bytes: impl Into<Bytes>) -> String {
        let bytes = bytes.into();
        let media_id = self.inner.change(|state| state.keep(kind, mime, bytes));
        let mut fields = vec![("MediaId", media_id.as_str())];
        match kind {
            "image" => fields.push(("PicUrl", "https://wework.qpic.cn/nothing/0")),
            "voice" => fields.push(("Format", "amr")),
            _ => fields.push(("ThumbMediaId", "thumb")),
        }
        self.member_posts(userid, kind, &fields)
    }

    /// A message of any kind, with these fields. Gives its id.
    pub fn member_posts(&self, userid: &str, kind: &str, fields: &[(&str, &str)]) -> String {
        self.inner.change(|state| {
            let id = state.id().to_string();
            let agent = AGENT_ID.to_string();
            let mut all = vec![("MsgType", kind), ("MsgId", id.as_str()), ("AgentID", agent.as_str())];
            all.extend(fields);
            callback::emit(state, userid, &all);
            id
        })
    }

    /// Any event about a member.
    pub fn happens(&self, userid: &str, event: &str, fields: &[(&str, &str)]) {
        self.inner.change(|state| {
            let agent = AGENT_ID.to_string();
            let mut all = vec![("MsgType", "event"), ("Event", event), ("AgentID", agent.as_str())];
            all.extend(fields);
            callback::emit(state, userid, &all);
        });
    }

    /// A member gets another id, another name, or both.
    pub fn member_changes(&self, userid: &str, new_userid: &str, name: &str) {
        self.inner.change(|state| {
            if let Some(mut member) = state.members.remove(userid) {
                name.clone_into(&mut member.name);
                state.members.insert(new_userid.to_owned(), member);
            }
            let mut fields = vec![
                ("MsgType", "event"),
                ("Event", "change_contact"),
                ("ChangeType", "update_user"),
                ("UserID", userid),
                ("Name", name),
            ];
            if new_userid != userid {
                fields.push(("NewUserID", new_userid));
            }
            callback::emit(state, "sys", &fields);
        });
    }

    /// A customer writes. Gives the id of the message.
    pub fn customer_says(&self, customer: &Customer, words: &str) -> String {
        self.customer_posts(customer, "text", json!({"content": words}))
    }

    /// A customer sends a file: `image`, `voice`, `video` or `file`. Gives the id of the message.
    pub fn customer_sends(
        &self,
        customer: &Customer,
        (kind, mime): (&str, &str),
        bytes: impl Into<Bytes>,
    ) -> String {
        let bytes = bytes.into();
        let media_id = self.inner.change(|state| state.keep(kind, mime, bytes));
        self.customer_posts(customer, kind, json!({"media_id": media_id}))
    }

    /// A message of a customer, of any kind. Gives its id.
    pub fn customer_posts(&self, customer: &Customer, kind: &str, content: Value) -> String {
        self.listed(customer, json!({"origin": 3, "msgtype": kind, kind: content}))
    }

    /// A member of the staff writes to a customer in WeCom's own app. Gives the id of the message.
    pub fn staff_says(&self, customer: &Customer, userid: &str, words: &str) -> String {
        let content = json!({"content": words});
        self.listed(
            customer,
            json!({"origin": 5, "msgtype": "text", "servicer_userid": userid, "text": content}),
        )
    }

    /// A customer opens the chat. Gives whether they may be welcomed.
    pub fn customer_opens(&self, customer: &Customer) -> bool {
        let code = self.inner.change(|state| {
            let wanted = (format!("CODE-{}", state.random()), state.now_ms());
            state.service.welcome(customer, wanted)
        });
        let mut event = json!({"event_type": "enter_session", "scene": "", "scene_param": ""});
        if let Some(code) = &code {
            event["welcome_code"] = json!(code);
        }
        self.customer_event(customer, event);
        code.is_some()
    }

    /// A customer takes a message back.
    pub fn customer_recalls(&self, customer: &Customer, id: &str) {
        self.customer_event(customer, json!({"event_type": "user_recall_msg", "recall_msgid": id}));
    }

    /// A message that was sent does not arrive.
    pub fn message_fails(&self, customer: &Customer, id: &str, fail_type: i64) {
        let event = json!({"event_type": "msg_send_fail", "fail_msgid": id, "fail_type": fail_type});
        self.customer_event(customer, event);
    }

    /// A member of the staff takes the talk over.
    pub fn staff_takes(&self, customer: &Customer, userid: &str) {
        self.inner.change(|state| {
            let talk = state.service.talks.entry(customer.clone()).or_default();
            (talk.state, talk.servicer) = (STAFF, userid.to_owned());
        });
        let event =
            json!({"event_type": "session_status_change", "change_type": 1, "new_servicer_userid": userid});
        self.customer_event(customer, event);
    }

    /// Any event of a talk.
    pub fn customer_event(&self, customer: &Customer, event: Value) -> String {
        self.listed(customer, json!({"origin": 4, "msgtype": "event", "event": event}))
    }

    fn listed(&self, customer: &Customer, item: Value) -> String {
        self.inner.change(|state| service::happened(state, customer, item))
    }

    /// The app is told that there is something, though nothing has happened.
    pub fn calls_for_nothing(&self, customer: &Customer) {
        self.inner.change(|state| service::calls(state, customer));
    }

    /// Whose hands a talk is in, and by whose name.
    pub fn talk(&self, customer: &Customer) -> (i64, String) {
        let state = self.inner.lock();
        let talk = state.service.talks.get(customer).cloned().unwrap_or_default();
        (talk.state, talk.servicer)
    }

    /// A group's name and members.
    pub fn group(&self, chatid: &str) -> Option<(String, Vec<String>)> {
        let state = self.inner.lock();
        state.groups.get(chatid).map(|group| (group.name.clone(), group.members.clone()))
    }

    /// The ids of all groups.
    pub fn groups(&self) -> Vec<String> {
        self.inner.lock().groups.keys().cloned().collect()
    }
}
