//! What goes wrong with WhatsApp, when a test wants it to.

use serde_json::{Value, json};

use super::{LinkedSim, Phone};

/// What happens instead of the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A message is relayed, its sender gets no ack.
    DropAck,
    /// A message is relayed, then its sender's connection is cut before the ack.
    CutAfter,
    /// A message is lost and its sender's connection is cut.
    Swallow,
    /// A message is not relayed, and its ack says this error.
    RefuseMessage(u16),
    /// A message reaches its receiver twice.
    Duplicate,
    /// A message reaches its receiver so that it cannot be decrypted; the retry heals it.
    Corrupt,
    /// A message reaches its receiver without any content (`<unavailable/>`).
    Unavailable,
    /// A query of this namespace (`w:g2`, `usync`, ...) is answered by this error.
    RefuseQuery(&'static str, u16),
    /// The media host answers an upload with this status.
    RefuseUpload(u16),
    /// The media host answers a download with this status.
    RefuseDownload(u16),
}

/// A fault that holds for the next few times.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: FaultKind,
    count: u32,
    who: Option<String>,
}

impl Fault {
    /// Once, for anybody.
    pub fn once(kind: FaultKind) -> Self {
        Self { kind, count: 1, who: None }
    }

    /// That many times.
    pub fn times(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// Only for one device, or all of an account: its address by number, `12025550101:1@s.whatsapp.net`.
    pub fn of(self, who: &str) -> Self {
        Self { who: Some(who.to_owned()), ..self }
    }

    fn fields(&self) -> Value {
        let (word, code) = match self.kind {
            FaultKind::DropAck => ("drop-ack", None),
            FaultKind::CutAfter => ("cut-after", None),
            FaultKind::Swallow => ("swallow", None),
            FaultKind::RefuseMessage(code) => ("refuse-message", Some(code)),
            FaultKind::Duplicate => ("duplicate", None),
            FaultKind::Corrupt => ("corrupt", None),
            FaultKind::Unavailable => ("unavailable", None),
            FaultKind::RefuseQuery(_, code) => ("refuse-query", Some(code)),
            FaultKind::RefuseUpload(code) => ("refuse-upload", Some(code)),
            FaultKind::RefuseDownload(code) => ("refuse-download", Some(code)),
        };
        let mut fields = json!({"kind": word, "code": code, "count": self.count, "who": self.who});
        if let FaultKind::RefuseQuery(xmlns, _) = self.kind {
            fields["xmlns"] = json!(xmlns);
        }
        fields
    }
}

/// How a login is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The device is not linked any more.
    LoggedOut,
    /// The account is banned for that many seconds, for a reason by number.
    Banned {
        /// The reason.
        code: u16,
        /// Seconds.
        seconds: u32,
    },
    /// The account is locked.
    Locked,
    /// The client is too old.
    Outdated,
    /// The server is too busy.
    Unavailable,
}

/// How a stream ends with words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// Another connection took over.
    Replaced,
    /// The server is too busy.
    Unavailable,
    /// The client is asked to connect anew.
    Restart,
}

/// What a phone does when it is asked to upload a file once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRetries {
    /// It does.
    Serve,
    /// It says that it has the file no more.
    Refuse,
    /// It does not answer.
    Ignore,
}

impl LinkedSim {
    /// Lets something go wrong.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn inject(&self, fault: Fault) -> anyhow::Result<()> {
        self.command("fault", fault.fields()).await.map(drop)
    }

    /// Lets nothing go wrong any more.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn clear_faults(&self) -> anyhow::Result<()> {
        self.command("clearFaults", json!({})).await.map(drop)
    }

    /// Holds back what a device should get, or lets it go in order. It stays connected.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn hold(&self, device: &str, is_held: bool) -> anyhow::Result<()> {
        self.command("hold", json!({"device": device, "held": is_held})).await.map(drop)
    }

    /// Cuts a device's connection without a word.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn cut(&self, device: &str) -> anyhow::Result<()> {
        self.command("cut", json!({"device": device})).await.map(drop)
    }

    /// Ends a device's connection with words.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn end_stream(&self, device: &str, end: StreamEnd) -> anyhow::Result<()> {
        let (code, conflict) = match end {
            StreamEnd::Replaced => (None, Some("replaced")),
            StreamEnd::Unavailable => (Some(503), None),
            StreamEnd::Restart => (Some(515), None),
        };
        self.command("endStream", json!({"device": device, "code": code, "conflict": conflict}))
            .await
            .map(drop)
    }

    /// The person unlinks a device on the phone.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn unlink(&self, device: &str) -> anyhow::Result<()> {
        self.command("unlink", json!({"device": device})).await.map(drop)
    }

    /// Clients whose version's third number is below are told that they are too old.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn set_oldest_version(&self, version: u32) -> anyhow::Result<()> {
        self.command("oldestVersion", json!({"version": version})).await.map(drop)
    }

    /// All files so far are gone from the media host, until phones upload them again.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn expire_media(&self) -> anyhow::Result<()> {
        self.command("expireMedia", json!({})).await.map(drop)
    }

    /// Tells a device that it missed changes: `account_sync` or `groups`.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn tell_dirty(&self, device: &str, what: &str) -> anyhow::Result<()> {
        self.command("dirty", json!({"device": device, "type": what})).await.map(drop)
    }

    /// Gives a device any stanza: `{tag, attrs, content}`, its content nodes, text, or `{"bytes": base64}`.
    ///
    /// # Errors
    /// When there is no such device.
    pub async fn deliver_raw(&self, device: &str, stanza: Value) -> anyhow::Result<()> {
        self.command("raw", json!({"device": device, "node": stanza})).await.map(drop)
    }

    /// The next connections are answered by an error before anything is said on them, as where a proxy stands before a server that is away.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn turn_away(&self, count: u32) -> anyhow::Result<()> {
        self.command("turnAway", json!({"count": count})).await.map(drop)
    }
}

impl Phone {
    /// The next logins of this account's devices are refused.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn refuse_logins(&self, refusal: Refusal, count: u32) -> anyhow::Result<()> {
        let mut fields = match refusal {
            Refusal::LoggedOut => json!({"reason": 401}),
            Refusal::Banned { code, seconds } => json!({"reason": 402, "code": code, "expire": seconds}),
            Refusal::Locked => json!({"reason": 403}),
            Refusal::Outdated => json!({"reason": 405}),
            Refusal::Unavailable => json!({"reason": 503}),
        };
        fields["count"] = json!(count);
        self.ask("refuseLogin", fields).await.map(drop)
    }

    /// What this phone does about files that have expired.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn set_media_retries(&self, retries: MediaRetries) -> anyhow::Result<()> {
        let word = match retries {
            MediaRetries::Serve => "serve",
            MediaRetries::Refuse => "refuse",
            MediaRetries::Ignore => "ignore",
        };
        self.ask("mediaRetries", json!({"mode": word})).await.map(drop)
    }
}
