//! The first fork of a request: API, CDN, gateway or control.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{
        ConnectInfo, FromRequestParts, State,
        connect_info::IntoMakeServiceWithConnectInfo,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::Request,
    response::{IntoResponse, Response},
};

use super::{cdn, control, files, gateway, rest, severable::Switch, state::Inner};

/// Everything on the one port.
pub(crate) fn service(inner: Arc<Inner>) -> IntoMakeServiceWithConnectInfo<Router, Switch> {
    Router::new().fallback(fork).with_state(inner).into_make_service_with_connect_info::<Switch>()
}

async fn fork(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request<Body>,
) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(rest) = path.strip_prefix("/api/v10").or_else(|| path.strip_prefix("/api")) {
        return rest::serve(inner, request, rest.to_owned(), switch).await;
    }
    if let Some(rest) = path.strip_prefix("/cdn") {
        let query = request.uri().query().unwrap_or_default();
        let records = &inner.lock().records;
        return files::serve(records, rest, query).unwrap_or_else(|| cdn::serve(records, rest));
    }
    if let Some(rest) = path.strip_prefix("/_control/") {
        return control::serve(&inner, request, rest.to_owned()).await;
    }
    upgrade(inner, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn upgrade(inner: Arc<Inner>, request: Request<Body>) -> Result<Response, WebSocketUpgradeRejection> {
    let (mut head, _) = request.into_parts();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let query = query.into_owned().collect();
    let socket = WebSocketUpgrade::from_request_parts(&mut head, &()).await?;
    Ok(socket.on_upgrade(move |socket| gateway::connection::serve(inner, socket, query)))
}
