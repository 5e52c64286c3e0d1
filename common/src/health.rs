//! stub
#[derive(Clone)]
/// x
pub struct Readiness;
impl Readiness {
    /// x
    pub fn new() -> Self {
        Self
    }
    /// x
    pub fn met(&self, _c: &str) {}
    /// x
    pub fn unmet(&self, _c: &str, _w: &str) {}
}
/// x
pub fn router(_r: Readiness) -> axum::Router {
    axum::Router::new()
}
