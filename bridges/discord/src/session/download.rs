//! Files from Discord's own hosts.
//!
//! A file id is a path on the CDN (pictures, emoji) or the whole address of an attachment, which is signed and expires. Nothing
//! is fetched from any other host, redirects included. The reader caps the size.

use std::time::Duration;

use futures_util::StreamExt;
use magpie_common::{
    ids::RemoteFileId,
    platform::{Download, PlatformError},
};
use reqwest::header::CONTENT_TYPE;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream that stands still for so long is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Discord's other host for attachments.
const MEDIA_HOST: &str = "media.discordapp.net";

/// Fetches files.
pub(crate) struct Downloads {
    http: reqwest::Client,
    cdn: Url,
}

impl Downloads {
    /// Takes the CDN's address.
    pub fn new(cdn_url: &str) -> Result<Self, PlatformError> {
        let failed =
            |error: &dyn std::fmt::Display| PlatformError(format!("Files cannot be fetched: {error}."));
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|error| failed(&error))?;
        let base = format!("{}/", cdn_url.trim_end_matches('/'));
        Ok(Self { http, cdn: Url::parse(&base).map_err(|error| failed(&error))? })
    }

    /// Opens a file.
    pub async fn open(&self, file: &RemoteFileId) -> Result<Download, PlatformError> {
        let url = self.address(file)?;
        let answer =
            self.http.get(url).send().await.map_err(|error| unreachable_file(&error.without_url()))?;
        if !answer.status().is_success() {
            let words = format!("Discord does not give the file out (status {}).", answer.status().as_u16());
            return Err(PlatformError(words));
        }
        let mime = answer.headers().get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()).map(str::to_owned);
        let size_bytes = answer.content_length();
        let stream =
            answer.bytes_stream().map(|chunk| chunk.map_err(|error| unreachable_file(&error.without_url())));
        Ok(Download { mime, size_bytes, stream: stream.boxed() })
    }

    fn address(&self, file: &RemoteFileId) -> Result<Url, PlatformError> {
        let foreign =
            || PlatformError("The file is not on one of Discord's servers, so it is not fetched.".to_owned());
        let url = self.cdn.join(file.as_str()).map_err(|_| foreign())?;
        let on_cdn = url.origin() == self.cdn.origin() && url.path().starts_with(self.cdn.path());
        let on_media = url.scheme() == "https" && url.host_str() == Some(MEDIA_HOST) && url.port().is_none();
        if on_cdn || on_media { Ok(url) } else { Err(foreign()) }
    }
}

fn unreachable_file(error: &reqwest::Error) -> PlatformError {
    PlatformError(format!("The file could not be fetched from Discord: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_discords_own_hosts_are_asked() {
        let downloads = Downloads::new("https://cdn.discordapp.com").unwrap();
        let address = |file: &str| downloads.address(&RemoteFileId::new(file)).map(String::from);
        assert_eq!(address("avatars/1/a.png").unwrap(), "https://cdn.discordapp.com/avatars/1/a.png");
        for good in [
            "https://cdn.discordapp.com/attachments/1/2/x?ex=1",
            "https://media.discordapp.net/stickers/1.gif",
        ] {
            assert_eq!(address(good).unwrap(), good);
        }
        for bad in [
            "https://evil.org/x",
            "//evil.org/x",
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "https://media.discordapp.net:8/x",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
