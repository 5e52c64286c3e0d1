//! The description of the API in OpenAPI 3.1.

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header::CONTENT_TYPE};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{Api, refusal::MatrixError};

/// What stands in the description besides the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Magpie provisioning API",
        description = "Lets programs act for people who use a Magpie bridge: sign them in and out, and see what became of their messages.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(MatrixError)),
    security(("secret" = []), ("openid" = [])),
    modifiers(&Locks),
)]
pub(super) struct Description;

struct Locks;

impl Modify for Locks {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let lock = |words: &str| {
            let mut http = Http::new(HttpAuthScheme::Bearer);
            http.description = Some(words.to_owned());
            SecurityScheme::Http(http)
        };
        components.add_security_scheme(
            "secret",
            lock("The secret of the bridge's configuration. The parameter `user_id` names for whom it acts."),
        );
        components.add_security_scheme(
            "openid",
            lock("`openid:` and an OpenID token of the bridge's own homeserver, whose user acts for themselves."),
        );
    }
}

/// The document as it is served.
pub(super) fn written(document: &Document) -> Bytes {
    Bytes::from(document.to_json().expect("a document of plain data is written"))
}

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    tag = "description",
    security(()),
    responses((status = 200, description = "The description.", body = serde_json::Value, content_type = "application/json")),
)]
pub(super) async fn describe(State(api): State<Api>) -> ([(HeaderName, HeaderValue); 1], Bytes) {
    let document = api.0.document.get().cloned().unwrap_or_default();
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document)
}
