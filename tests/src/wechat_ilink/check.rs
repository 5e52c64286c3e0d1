//! What is wrong with a request: headers, hosts and bodies, held against what the vendor's own client sends.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{cipher, model::Door, serve::Call, state::State, talk::ITEMS};

/// So many own tokens a client may name.
const LOCAL_TOKENS_MAX: usize = 10;
/// The vendor's client cuts texts to this.
const TEXT_CHARS_MAX: usize = 4_000;
const AGENT_BYTES_MAX: usize = 256;
const CLIENT_ID_BYTES_MAX: usize = 128;

/// The fields of each call's body, besides `base_info`. A `?` may be left out.
const FIELDS: [(&str, &[&str]); 8] = [
    ("getupdates", &["get_updates_buf"]),
    ("sendmessage", &["msg"]),
    ("getconfig", &["ilink_user_id", "context_token?"]),
    ("sendtyping", &["ilink_user_id", "typing_ticket", "status"]),
    ("notifystart", &[]),
    ("notifystop", &[]),
    (
        "getuploadurl",
        &[
            "filekey",
            "media_type",
            "to_user_id",
            "rawsize",
            "rawfilemd5",
            "filesize",
            "aeskey",
            "no_need_thumb?",
            "thumb_rawsize?",
            "thumb_rawfilemd5?",
            "thumb_filesize?",
        ],
    ),
    ("get_bot_qrcode", &["local_token_list"]),
];

const MESSAGE: [&str; 8] = [
    "from_user_id",
    "to_user_id",
    "client_id",
    "message_type",
    "message_state",
    "item_list",
    "context_token?",
    "run_id?",
];

/// Problems, each with the part that has it.
#[derive(Default)]
struct Problems(Vec<(String, String)>);

impl Problems {
    fn unless(&mut self, is_right: bool, part: &str, problem: &str) {
        if !is_right {
            self.0.push((part.to_owned(), problem.to_owned()));
        }
    }
}

/// Keeps what is wrong with a request.
pub(crate) fn request(state: &mut State, call: &Call) {
    let mut problems = Problems::default();
    check_host(state, call, &mut problems);
    match (call.method.as_str(), call.is_file(), call.name.as_str()) {
        (_, true, _) => check_file_head(call, &mut problems),
        ("GET", false, "get_qrcode_status") => check_status(call, &mut problems),
        ("POST", false, _) => {
            check_head(state, call, &mut problems);
            check_body(call, &mut problems);
        }
        _ => problems.unless(false, "method", "there is no such call"),
    }
    for (part, problem) in problems.0 {
        state.report(&format!("{} {}", call.method, call.name), &part, problem);
    }
}

/// Everything goes where the client was told to go.
fn check_host(state: &State, call: &Call, problems: &mut Problems) {
    if call.is_file() {
        return;
    }
    let code =
        call.query("qrcode").and_then(|text| state.records.codes.iter().find(|code| code.text == text));
    let expected = match (call.bot, code) {
        (Some(bot), _) => state.records.bot(bot).door,
        (None, Some(code)) => code.door,
        (None, None) => Door::First,
    };
    problems.unless(call.door == expected, "host", "it goes to the other host");
    problems.unless(
        call.header("host") == Some(state.host(call.door).as_str()),
        "host",
        "the header names another host",
    );
}

/// Tokens are not for the file server.
fn check_file_head(call: &Call, problems: &mut Problems) {
    for name in ["authorization", "authorizationtype", "x-wechat-uin"] {
        problems.unless(call.header(name).is_none(), name, "this is not for the file server");
    }
    let kind = call.header("content-type");
    problems.unless(
        call.method != "POST" || kind == Some("application/octet-stream"),
        "content-type",
        "it is another one",
    );
}

fn check_app(call: &Call, problems: &mut Problems) {
    problems.unless(call.header("ilink-app-id") == Some("bot"), "ilink-app-id", "it is not `bot`");
    let version = call.header("ilink-app-clientversion").and_then(|text| text.parse::<u32>().ok());
    let is_one = version.is_some_and(|version| (1 << 8..1 << 24).contains(&version));
    problems.unless(is_one, "ilink-app-clientversion", "it is no version in one number");
}

fn check_status(call: &Call, problems: &mut Problems) {
    check_app(call, problems);
    for name in ["authorization", "authorizationtype", "x-wechat-uin", "content-type"] {
        problems.unless(call.header(name).is_none(), name, "it is not sent with this call");
    }
    let are_known = call.query.iter().all(|(name, _)| ["qrcode", "verify_code"].contains(&name.as_str()));
    problems.unless(
        are_known && call.query("qrcode").is_some(),
        "query",
        "it is not `qrcode` and perhaps `verify_code`",
    );
    problems.unless(call.body.is_empty(), "body", "there is one");
}

fn check_head(state: &mut State, call: &Call, problems: &mut Problems) {
    check_app(call, problems);
    let is_json = call.header("content-type") == Some("application/json");
    problems.unless(is_json, "content-type", "it is not `application/json`");
    let kind = call.header("authorizationtype");
    problems.unless(kind == Some("ilink_bot_token"), "authorizationtype", "it is not `ilink_bot_token`");
    let number = call.header("x-wechat-uin").unwrap_or_default().to_owned();
    let read = STANDARD.decode(&number).ok().and_then(|text| String::from_utf8(text).ok());
    let is_number =
        read.is_some_and(|text| text.parse::<u32>().is_ok_and(|number| number.to_string() == text));
    problems.unless(is_number, "x-wechat-uin", "it is no number in Base64");
    problems.unless(number != state.last_number, "x-wechat-uin", "it was used before");
    state.last_number = number;
    let is_sign_in = call.name == "get_bot_qrcode";
    let bearer = call.header("authorization").is_some_and(|text| text.starts_with("Bearer "));
    problems.unless(bearer != is_sign_in, "authorization", "a token belongs to all calls but the first");
    let is_right = match call.query.as_slice() {
        [] => !is_sign_in,
        [(name, value)] => is_sign_in && name == "bot_type" && value == "3",
        _ => false,
    };
    problems.unless(is_right, "query", "it is another one");
}

fn check_body(call: &Call, problems: &mut Problems) {
    let Some((_, fields)) = FIELDS.iter().find(|(name, _)| *name == call.name) else {
        return problems.unless(false, "path", "there is no such call");
    };
    let mut fields = fields.to_vec();
    if call.name == "get_bot_qrcode" {
        let tokens = call.json["local_token_list"].as_array().cloned().unwrap_or_default();
        let are_texts = tokens.iter().all(|token| token.as_str().is_some_and(|token| !token.is_empty()));
        let is_fit =
            call.json["local_token_list"].is_array() && are_texts && tokens.len() <= LOCAL_TOKENS_MAX;
        problems.unless(is_fit, "local_token_list", "it is no list of at most ten tokens");
    } else {
        fields.push("base_info");
        check_base(&call.json["base_info"], problems);
    }
    check_fields(&call.json, &fields, "body", problems);
    match call.name.as_str() {
        "getupdates" => {
            problems.unless(call.json["get_updates_buf"].is_string(), "get_updates_buf", "it is no text")
        }
        "sendmessage" => check_message(&call.json["msg"], problems),
        "sendtyping" => {
            let is_known = call.json["status"] == 1 || call.json["status"] == 2;
            problems.unless(is_known, "status", "it is neither 1 nor 2");
        }
        "getuploadurl" => check_upload(&call.json, problems),
        _ => {}
    }
}

fn check_base(base: &Value, problems: &mut Problems) {
    check_fields(base, &["channel_version", "bot_agent"], "base_info", problems);
    let agent = base["bot_agent"].as_str().unwrap_or_default();
    let is_product = |token: &str| {
        token.split_once('/').is_some_and(|(name, version)| {
            let plain = |text: &str, more: &[u8]| {
                (1..=32).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
            };
            plain(name, b"_.-") && plain(version, b"_.+-")
        })
    };
    let is_one = agent.len() <= AGENT_BYTES_MAX
        && agent.split(' ').next().is_some_and(|token| token == "OpenClaw" || is_product(token));
    problems.unless(is_one, "bot_agent", "it is not like `Name/1.0`");
}

fn check_message(message: &Value, problems: &mut Problems) {
    check_fields(message, &MESSAGE, "msg", problems);
    problems.unless(message["from_user_id"] == "", "from_user_id", "it is not empty");
    let client_id = message["client_id"].as_str().unwrap_or_default();
    let is_id = (1..=CLIENT_ID_BYTES_MAX).contains(&client_id.len())
        && client_id.bytes().all(|byte| byte.is_ascii_graphic());
    problems.unless(is_id, "client_id", "it is no id");
    problems.unless(
        message["message_type"] == 2 && message["message_state"] == 2,
        "msg",
        "it is no finished message of a bot",
    );
    match message["item_list"].as_array().map(Vec::as_slice) {
        Some([item]) => check_item(item, problems),
        _ => problems.unless(false, "item_list", "it has not exactly one item"),
    }
}

fn check_item(item: &Value, problems: &mut Problems) {
    let Some(&(kind, name)) = ITEMS.iter().find(|(kind, _)| item["type"] == *kind) else {
        return problems.unless(false, "item", "bots do not send this type");
    };
    check_fields(item, &["type", name, "ref_msg?"], "item", problems);
    let content = &item[name];
    match kind {
        1 => {
            let text = content["text"].as_str().unwrap_or_default();
            check_fields(content, &["text"], name, problems);
            let is_fit = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
            problems.unless(is_fit, "text", "there is none, or too much");
        }
        2 => check_fields(content, &["media", "mid_size"], name, problems),
        4 => {
            check_fields(content, &["media", "file_name", "len", "md5?"], name, problems);
            let has_name = content["file_name"]
                .as_str()
                .is_some_and(|name| !name.is_empty() && !name.contains(['/', '\\']));
            problems.unless(has_name, "file_name", "it is no name of a file");
        }
        _ => check_fields(content, &["media", "video_size", "play_length?", "video_md5?"], name, problems),
    }
    if kind != 1 {
        check_fields(
            &content["media"],
            &["encrypt_query_param", "aes_key", "encrypt_type"],
            "media",
            problems,
        );
    }
}

fn check_upload(body: &Value, problems: &mut Problems) {
    let digits = |name: &str| body[name].as_str().is_some_and(|text| cipher::key(text).is_some());
    for name in ["filekey", "aeskey", "rawfilemd5"] {
        problems.unless(digits(name), name, "it is not 32 hex digits");
    }
    let kind = body["media_type"].as_u64().unwrap_or_default();
    problems.unless((1..=4).contains(&kind), "media_type", "there is no such kind");
    let expected = body["rawsize"].as_u64().map(cipher::sealed_bytes);
    problems.unless(
        expected.is_some() && body["filesize"].as_u64() == expected,
        "filesize",
        "it is not the sealed size",
    );
    let has_thumb =
        ["thumb_rawsize", "thumb_rawfilemd5", "thumb_filesize"].iter().all(|name| !body[*name].is_null());
    problems.unless(body["no_need_thumb"] == true || has_thumb, "no_need_thumb", "there is no small picture");
}

/// All fields that must be there, none that is unknown, and none that is null.
fn check_fields(object: &Value, fields: &[&str], part: &str, problems: &mut Problems) {
    let Some(found) = object.as_object() else { return problems.unless(false, part, "it is no object") };
    for field in fields {
        let is_there = found.contains_key(field.trim_end_matches('?'));
        problems.unless(is_there || field.ends_with('?'), part, &format!("`{field}` is missing"));
    }
    for (name, value) in found {
        let is_known = fields.iter().any(|field| field.trim_end_matches('?') == name);
        problems.unless(is_known, part, &format!("`{name}` is unknown"));
        problems.unless(!value.is_null(), part, &format!("`{name}` is null"));
    }
}
