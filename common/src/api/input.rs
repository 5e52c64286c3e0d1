//! What comes in with a request: parameters of the address and of the path, and a body.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Uri, header::CONTENT_TYPE, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Serialize, de::DeserializeOwned};
use url::form_urlencoded;

use super::refusal::Refusal;

/// The largest body: it holds a few answers.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(20);

/// So many parameters may stand in an address.
const PARAMETERS_MAX: usize = 32;

/// The parameters behind the question mark. Those that a route does not know are passed over.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn read(uri: &Uri) -> Result<Self, Refusal> {
        let mut all = BTreeMap::new();
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        for (count, (name, value)) in pairs.enumerate() {
            if count == PARAMETERS_MAX {
                return Err(Refusal::bad_parameter("There are far too many parameters."));
            }
            if all.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(Refusal::bad_parameter(format!("`{name}` is given twice.")));
            }
        }
        Ok(Self(all))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &self,
        name: &str,
        bounds: RangeInclusive<u32>,
        otherwise: u32,
    ) -> Result<u32, Refusal> {
        let Some(text) = self.text(name) else { return Ok(otherwise) };
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let (from, to) = bounds.into_inner();
            Refusal::bad_parameter(format!("`{name}` is a whole number from {from} to {to}."))
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Self::read(&parts.uri)
    }
}

/// The parameters in the path.
pub(super) struct Segments<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(segments)| Self(segments))
            .map_err(|_| Refusal::bad_parameter("A part of the path is not what belongs there."))
    }
}

/// A body of JSON, in or out.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        let body = read_body(request).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| match error.classify() {
            // Without the rest: the body may hold a secret, and the error repeats it.
            serde_json::error::Category::Data => {
                Refusal::bad_json("The body is not of the form that belongs there.")
            }
            _ => Refusal::not_json("The body is not JSON."),
        })
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.0) {
            Ok(json) => {
                ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
            }
            Err(_) => Refusal::internal().into_response(),
        }
    }
}

async fn read_body(request: Request) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    let body = tokio::time::timeout(BODY_WITHIN, body).await.map_err(|_| Refusal::body_late())?;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| match error.is::<LengthLimitError>() {
        true => Refusal::too_large(BODY_BYTES_MAX),
        false => Refusal::not_json("The body broke off before its end."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Query, Refusal> {
        Query::read(&format!("/a?{query}").parse().unwrap())
    }

    #[test]
    fn parameters_are_read_once_each_and_numbers_have_bounds() {
        let query = read("user_id=%40alice%3Aexample.org&limit=5&chat=a+b").unwrap();
        assert_eq!(query.text("user_id"), Some("@alice:example.org"));
        assert_eq!(query.text("chat"), Some("a b"));
        assert_eq!(query.text("other"), None);
        assert_eq!(query.number("limit", 1..=10, 3).unwrap(), 5);
        assert_eq!(query.number("other", 1..=10, 3).unwrap(), 3);
        for bad in ["limit=0", "limit=11", "limit=-1", "limit=", "limit=x", "limit=1.5", "limit=99999999999"]
        {
            let refusal = read(bad).unwrap().number("limit", 1..=10, 3).unwrap_err();
            assert_eq!(refusal.error, "`limit` is a whole number from 1 to 10.", "{bad}");
        }
        assert_eq!(read("a=1&a=2").err().unwrap().error, "`a` is given twice.");
        let many: String = (0..=PARAMETERS_MAX).map(|number| format!("p{number}&")).collect();
        assert!(read(&many).is_err());
    }
}
