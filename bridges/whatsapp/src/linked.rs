//! An account of a phone, with the bridge as one of its linked devices.

mod http;
mod identity;
mod line;
mod login;
mod place;
mod seed;
mod settings;
mod store;
mod verdict;
