//! The gateway's calls, over one HTTP/2 connection that is opened again by itself.
//!
//! Every call bears the token. What a call answers is judged by its code alone: the words are a foreign program's. Next: `gateway/endpoint`,
//! where it is; `gateway/tls`, whether it is the right one.

use std::time::Duration;

use futures_util::stream::BoxStream;
use http::uri::PathAndQuery;
use magpie_common::{
    config::Secret,
    platform::{Answered, counted},
};
use prost::Message;
use tokio::time::timeout;
use tonic::{
    Code, Request, Status, Streaming,
    client::Grpc,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use self::connector::Connector;
pub(super) use self::endpoint::Where;
use super::{
    filebox,
    wire::{Chunk, Event, Id, Nothing},
};

mod connector;
pub(super) mod endpoint;
mod key;
mod tls;

/// How long a connection may take to come up.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// How long a question may take; the gateway may have to ask a phone.
const ASK_WITHIN: Duration = Duration::from_secs(30);

/// More is not taken for an answer: a box with all that is read out of it, and what stands around it.
const ANSWER_BYTES_MAX: usize = filebox::READ_BYTES_MAX + 256 * 1024;

/// Calls of the service, by their paths.
macro_rules! calls {
    ($($name:ident $path:literal;)*) => {
        $(pub(in crate::wechaty) const $name: &str = concat!("/wechaty.Puppet/", $path);)*
    };
}

/// The calls that are used.
pub(super) mod call {
    calls! {
        START "Start"; DING "Ding"; LOGOUT "Logout"; EVENT "Event"; UPLOAD "Upload"; DOWNLOAD "Download"; VERSION "Version";
        MESSAGE "MessagePayload"; MESSAGE_FILE "MessageFile"; MESSAGE_IMAGE "MessageImage"; MESSAGE_CONTACT "MessageContact";
        MESSAGE_URL "MessageUrl"; MESSAGE_MINI_PROGRAM "MessageMiniProgram"; MESSAGE_LOCATION "MessageLocation";
        SEND_TEXT "MessageSendText"; SEND_FILE "MessageSendFile"; RECALL "MessageRecall";
        CONTACT "ContactPayload"; CONTACT_AVATAR "ContactAvatar"; CONTACT_LIST "ContactList";
        ROOM "RoomPayload"; ROOM_AVATAR "RoomAvatar"; ROOM_MEMBER "RoomMemberPayload";
        ROOM_TOPIC "RoomTopic"; ROOM_ADD "RoomAdd"; ROOM_DEL "RoomDel";
        FRIENDSHIP "FriendshipPayload"; FRIENDSHIP_ACCEPT "FriendshipAccept";
        INVITATION "RoomInvitationPayload"; INVITATION_ACCEPT "RoomInvitationAccept";
    }
}

/// A gateway. Clones share its connection.
#[derive(Clone)]
pub(super) struct Gateway {
    channel: Channel,
    bearer: MetadataValue<Ascii>,
}

/// Why there is no connection, in words that bear no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoGateway {
    /// The settings cannot work.
    #[error("{0}")]
    Settings(String),
    /// It does not answer, or is not the one that it should be.
    #[error("{0}")]
    Away(String),
}

impl Gateway {
    /// Connects.
    pub async fn connect(place: &Where, token: &Secret) -> Result<Self, NoGateway> {
        let mut bearer: MetadataValue<Ascii> = MetadataValue::try_from(format!("Wechaty {}", token.expose()))
            .map_err(|_| NoGateway::Settings("The gateway's token cannot stand in a request.".to_owned()))?;
        bearer.set_sensitive(true);
        let connector = Connector::new(place).map_err(NoGateway::Settings)?;
        let endpoint = Endpoint::from_shared(place.origin())
            .map_err(|_| NoGateway::Settings("The gateway's address is none.".to_owned()))?
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true);
        match timeout(CONNECT_WITHIN, endpoint.connect_with_connector(connector)).await {
            Ok(Ok(channel)) => Ok(Self { channel, bearer }),
            Ok(Err(error)) => Err(NoGateway::Away(format!(
                "The WeChat gateway could not be reached: {}. {}",
                root(&error),
                if place.is_plain() { "Look whether it runs." } else { tls::REMEDY }
            ))),
            Err(_) => Err(NoGateway::Away(
                "The WeChat gateway does not answer. Look whether it runs, and whether its address is right."
                    .to_owned(),
            )),
        }
    }

    /// Asks once. A question that is cut off or takes too long may have been heard.
    pub async fn ask<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.ask_within(path, question, ASK_WITHIN).await
    }

    /// The same with more time.
    pub async fn ask_within<Q, A>(
        &self,
        path: &'static str,
        question: Q,
        within: Duration,
    ) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let asked = async {
            let mut grpc = self.ready().await?.max_decoding_message_size(ANSWER_BYTES_MAX);
            let codec = ProstCodec::<Q, A>::default();
            grpc.unary(self.request(question), PathAndQuery::from_static(path), codec).await
        };
        let outcome = timeout(within, asked).await;
        let outcome = outcome.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
        counted(outcome, answered).map(tonic::Response::into_inner)
    }

    /// Asks about something by its id.
    pub async fn about<A>(&self, path: &'static str, id: &str) -> Result<A, Status>
    where
        A: Message + Default + 'static,
    {
        self.ask(path, Id { id: id.to_owned() }).await
    }

    /// `Event`: what happens, as it happens. A gateway has one listener.
    pub async fn events(&self) -> Result<Streaming<Event>, Status> {
        self.stream(call::EVENT, Nothing {}).await
    }

    /// `Download`: the bytes of a box.
    pub async fn download(&self, uuid: &str) -> Result<Streaming<Chunk>, Status> {
        self.stream(call::DOWNLOAD, Id { id: uuid.to_owned() }).await
    }

    /// `Upload`: brings bytes; gives the id under which the gateway keeps them while it runs.
    pub async fn upload(
        &self,
        chunks: BoxStream<'static, Chunk>,
        within: Duration,
    ) -> Result<String, Status> {
        let brought = async {
            let mut grpc = self.ready().await?;
            let codec = ProstCodec::<Chunk, Id>::default();
            let path = PathAndQuery::from_static(call::UPLOAD);
            grpc.client_streaming(self.request(chunks), path, codec).await
        };
        match timeout(within, brought).await {
            Ok(answer) => Ok(answer?.into_inner().id),
            Err(_) => Err(Status::deadline_exceeded("no answer in time")),
        }
    }

    async fn stream<Q, A>(&self, path: &'static str, question: Q) -> Result<Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let opened = async {
            let mut grpc = self.ready().await?;
            let codec = ProstCodec::<Q, A>::default();
            grpc.server_streaming(self.request(question), PathAndQuery::from_static(path), codec).await
        };
        match timeout(ASK_WITHIN, opened).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(Status::deadline_exceeded("no answer in time")),
        }
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request
    }
}

/// What is at the bottom of an error; what lies above only repeats that there was one.
fn root(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Why a gateway gives no answer. Most say that something is unknown, whatever it is.
fn answered(status: &Status) -> Answered {
    match status.code() {
        Code::ResourceExhausted => Answered::Limited,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted | Code::Internal => {
            Answered::Failed
        }
        _ => Answered::Refused,
    }
}
