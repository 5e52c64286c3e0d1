//! The file server: what is announced to the API, then brought here sealed, and given out sealed.

use bytes::Bytes;
use serde_json::json;

use super::{
    CDN_PATH, cipher,
    model::{BotId, Door, Stored, Upload},
    serve::{Answer, Call},
    state::State,
};

/// `getuploadurl`: a bot is about to bring a file.
pub(crate) fn announce(state: &mut State, bot: BotId, call: &Call) -> Answer {
    let (body, known) = (&call.json, state.records.bot(bot));
    if body["to_user_id"] != known.person.to_string() {
        state.report(&call.name, "to_user_id", "this is not whom the bot is bound to");
        return Answer::refusal(-1, "invalid to_user_id");
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (Some(key), Some(raw_bytes)) = (cipher::key(&text("aeskey")), body["rawsize"].as_u64()) else {
        return Answer::refusal(-1, "invalid parameters");
    };
    let upload = Upload {
        filekey: text("filekey"),
        key,
        media_type: body["media_type"].as_u64().unwrap_or_default(),
        raw_bytes,
        raw_md5: text("rawfilemd5"),
        sealed_bytes: body["filesize"].as_u64().unwrap_or_default(),
    };
    let param = format!("{}+/=", state.secret("up"));
    let whole = upload_url(state, &param, &upload.filekey);
    state.records.uploads.insert(param.clone(), upload);
    Answer::json(match state.settings.gives_upload_urls {
        true => json!({"ret": 0, "upload_full_url": whole}),
        false => json!({"ret": 0, "upload_param": param}),
    })
}

/// `upload`: the file itself.
pub(crate) fn upload(state: &mut State, call: &Call) -> Answer {
    let param = call.query("encrypted_query_param").unwrap_or_default();
    let Some(upload) = state.records.uploads.get(param).cloned() else {
        return refused(state, call, "no such upload was announced");
    };
    if call.query("filekey") != Some(upload.filekey.as_str()) {
        return refused(state, call, "filekey is not the one that was announced");
    }
    if call.body.len() as u64 != upload.sealed_bytes {
        return refused(state, call, "this is not as long as it was announced");
    }
    let Some(plain) = cipher::open(&upload.key, &call.body) else {
        return refused(state, call, "this cannot be opened with the key that was announced");
    };
    if plain.len() as u64 != upload.raw_bytes || cipher::sum(&plain) != upload.raw_md5.to_lowercase() {
        return refused(state, call, "this is not the file that was announced");
    }
    let param = format!("{}+/=", state.secret("down"));
    let stored = Stored { sealed: call.body.clone(), upload: Some(upload), is_gone: false };
    state.records.files.insert(param.clone(), stored);
    Answer { headers: vec![("x-encrypted-param", param)], ..Answer::bare(200) }
}

/// `download`: a file, sealed.
pub(crate) fn download(state: &State, call: &Call) -> Answer {
    let param = call.query("encrypted_query_param").unwrap_or_default();
    match state.records.files.get(param).filter(|file| !file.is_gone) {
        Some(file) => Answer { bytes: file.sealed.clone(), ..Answer::bare(200) },
        None => {
            Answer { headers: vec![("x-error-message", "file not found".to_owned())], ..Answer::bare(404) }
        }
    }
}

/// A person's phone brings a file; gives its parameter.
pub(crate) fn keep(state: &mut State, sealed: Vec<u8>) -> String {
    let param = format!("{}+/=", state.secret("down"));
    let stored = Stored { sealed: Bytes::from(sealed), upload: None, is_gone: false };
    state.records.files.insert(param.clone(), stored);
    param
}

/// Where a file is, as an address that is given whole.
pub(crate) fn download_url(state: &State, param: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("encrypted_query_param", param)
        .append_pair("taskid", "1")
        .finish();
    format!("http://{}{CDN_PATH}/download?{query}", state.host(Door::First))
}

fn upload_url(state: &State, param: &str, filekey: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("encrypted_query_param", param)
        .append_pair("filekey", filekey)
        .append_pair("taskid", "1")
        .finish();
    format!("http://{}{CDN_PATH}/upload?{query}", state.host(Door::First))
}

fn refused(state: &mut State, call: &Call, problem: &str) -> Answer {
    state.report(&call.name, "upload", problem);
    Answer { headers: vec![("x-error-message", problem.to_owned())], ..Answer::bare(400) }
}
