//! stub
use ruma::{MxcUri, OwnedMxcUri};
/// x
#[derive(Clone)]
pub struct PublicMedia;
impl PublicMedia {
    /// x
    pub fn link(&self, _mxc: &MxcUri) -> Option<String> {
        None
    }
}
/// x
pub async fn copy_picture(
    _s: &crate::store::Store,
    _h: &crate::homeserver::Homeserver,
    _x: &dyn crate::platform::Session,
    _f: &crate::ids::RemoteFileId,
) -> Option<OwnedMxcUri> {
    None
}

/// x
pub fn router(_p: Option<PublicMedia>) -> axum::Router {
    axum::Router::new()
}
