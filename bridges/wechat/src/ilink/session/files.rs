//! Files on WeChat's file server: opened as streams, decrypted as they come.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use magpie_common::{
    ids::RemoteFileId,
    platform::{Download, PlatformError},
};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::capabilities::FILE_BYTES_MAX;
use crate::{
    config::WeChatConfig,
    ilink::{
        api::{Api, ApiError, transport_error},
        file::{CdnFile, Place},
        hosts::Hosts,
        seal::{Opener, sealed_bytes},
    },
    json::text,
};

/// Within this a file begins, and each of its pieces comes.
const PIECE_WITHIN: Duration = Duration::from_secs(60);

const GONE: &str = "The file is not on WeChat's file server any more.";
const STRANGE: &str = "The file lies on a host that is not on the list `platform.ilink_hosts`, so the bridge does not go there.";

/// Knows the file server.
pub(super) struct Files {
    api: Arc<Api>,
    hosts: Hosts,
    base: String,
}

impl Files {
    /// That of the settings.
    pub fn new(api: Arc<Api>, config: &WeChatConfig) -> Self {
        let base = config.ilink_cdn_url.trim_end_matches('/').to_owned();
        Self { api, hosts: Hosts::new(config), base }
    }

    /// `GET {cdn}/download?encrypted_query_param=…`, or the address that came with the message: opens a file.
    pub async fn open(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let file = CdnFile::read(file).ok_or_else(|| PlatformError(GONE.to_owned()))?;
        let url = self.download_url(&file.place).ok_or_else(|| PlatformError(STRANGE.to_owned()))?;
        let asked = timeout(PIECE_WITHIN, self.api.http().get(url).send()).await;
        let response = asked.map_err(|_| late())?.map_err(broke_off)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
                return Err(PlatformError(GONE.to_owned()));
            }
            status => {
                let words =
                    format!("The file could not be fetched from WeChat: the answer has the status {status}.");
                return Err(PlatformError(words));
            }
        }
        let key = file.key();
        let sent_bytes = response.content_length();
        let bytes_max = if key.is_some() { sealed_bytes(FILE_BYTES_MAX) } else { FILE_BYTES_MAX };
        if sent_bytes.is_some_and(|bytes| bytes > bytes_max) {
            return Err(too_large());
        }
        // How much of a sealed one only fills it up is seen at its end.
        let size_bytes = sent_bytes.filter(|_| key.is_none());
        let reading = Reading { response, opener: key.as_ref().map(Opener::new), bytes_left: bytes_max };
        let stream = stream::try_unfold(Some(reading), |reading| async move {
            match reading {
                Some(reading) => reading.next().await,
                None => Ok(None),
            }
        });
        Ok(Download { mime: None, size_bytes, stream: stream.boxed() })
    }

    fn download_url(&self, place: &Place) -> Option<Url> {
        match place {
            Place::Url(address) => self.hosts.admit(address),
            Place::Param(param) => {
                let mut url = Url::parse(&format!("{}/download", self.base)).ok()?;
                url.query_pairs_mut().append_pair("encrypted_query_param", param);
                Some(url)
            }
        }
    }

    /// Where a file is to be brought, by the answer of `getuploadurl`; `None` where that is nowhere, or nowhere the bridge goes.
    pub fn upload_url(&self, told: &Value, filekey: &str) -> Option<Url> {
        match (text(&told["upload_full_url"]).trim(), text(&told["upload_param"]).trim()) {
            ("", "") => None,
            ("", param) => {
                let mut url = Url::parse(&format!("{}/upload", self.base)).ok()?;
                url.query_pairs_mut()
                    .append_pair("encrypted_query_param", param)
                    .append_pair("filekey", filekey);
                Some(url)
            }
            (address, _) => self.hosts.admit(address),
        }
    }
}

/// A file that is being read.
struct Reading {
    response: Response,
    opener: Option<Opener>,
    bytes_left: u64,
}

impl Reading {
    /// The next piece, and what is left.
    async fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, PlatformError> {
        loop {
            let piece =
                timeout(PIECE_WITHIN, self.response.chunk()).await.map_err(|_| late())?.map_err(broke_off)?;
            let Some(piece) = piece else {
                let end = match self.opener.take() {
                    Some(opener) => opener.finish().map_err(|damaged| {
                        PlatformError(format!("The file from WeChat cannot be read: {damaged}."))
                    })?,
                    None => Vec::new(),
                };
                return Ok((!end.is_empty()).then(|| (Bytes::from(end), None)));
            };
            self.bytes_left = self.bytes_left.checked_sub(piece.len() as u64).ok_or_else(too_large)?;
            let opened = match &mut self.opener {
                Some(opener) => Bytes::from(opener.push(&piece)),
                None => piece,
            };
            if !opened.is_empty() {
                return Ok(Some((opened, Some(self))));
            }
        }
    }
}

fn too_large() -> PlatformError {
    let mebibytes = FILE_BYTES_MAX / (1024 * 1024);
    PlatformError(format!("The file is larger than {mebibytes} MiB, which is more than WeChat keeps."))
}

fn late() -> PlatformError {
    PlatformError("The file could not be fetched from WeChat: nothing came for a minute.".to_owned())
}

fn broke_off(error: reqwest::Error) -> PlatformError {
    let why = match transport_error(error) {
        ApiError::NotSent(why) | ApiError::Unclear(why) => why,
        other @ (ApiError::TimedOut | ApiError::Busy | ApiError::Refused(_)) => other.to_string(),
    };
    PlatformError(format!("The file could not be fetched from WeChat: {why}."))
}

#[cfg(test)]
mod tests {
    use magpie_common::clock::Clock;
    use serde_json::json;

    use super::*;

    fn files() -> Files {
        let config = WeChatConfig::default();
        let api = Api::new(&config, Clock::fixed(0, 0)).expect("a client can be made");
        Files::new(Arc::new(api), &config)
    }

    #[test]
    fn files_are_fetched_from_wechats_hosts_alone() {
        let url = |place: Place| files().download_url(&place).map(String::from);
        assert_eq!(
            url(Place::Param("a+/=&b".to_owned())).as_deref(),
            Some("https://novac2c.cdn.weixin.qq.com/c2c/download?encrypted_query_param=a%2B%2F%3D%26b")
        );
        let whole = "https://other.cdn.weixin.qq.com/c2c/download?x=y";
        assert_eq!(url(Place::Url(whole.to_owned())).as_deref(), Some(whole));
        for bad in ["https://example.org/x", "http://novac2c.cdn.weixin.qq.com/x", "http://127.0.0.1/", "x"] {
            assert_eq!(url(Place::Url(bad.to_owned())), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_file_that_breaks_off_is_told_in_one_sentence() {
        let port = {
            let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
            nobody.local_addr().expect("it has one").port()
        };
        let asked = reqwest::Client::new().get(format!("http://127.0.0.1:{port}/secret")).send().await;
        let words = broke_off(asked.expect_err("nobody listens")).0;
        let start = "The file could not be fetched from WeChat: ";
        let why = words.strip_prefix(start).expect("it says what did not happen");
        assert!(!why.contains("WeChat") && !why.contains("secret"), "{words}");
    }

    #[test]
    fn files_are_brought_to_wechats_hosts_alone() {
        let url = |told: Value| files().upload_url(&told, "f0").map(String::from);
        assert_eq!(
            url(json!({"upload_param": "a+"})).as_deref(),
            Some("https://novac2c.cdn.weixin.qq.com/c2c/upload?encrypted_query_param=a%2B&filekey=f0")
        );
        let whole = "https://up.cdn.weixin.qq.com/c2c/upload?x=y";
        assert_eq!(url(json!({"upload_param": "a", "upload_full_url": whole})).as_deref(), Some(whole));
        for bad in [json!({}), json!({"upload_param": "a", "upload_full_url": "https://example.org/"})] {
            assert_eq!(url(bad), None);
        }
    }
}
