//! An account of a phone, with the bridge as one of its linked devices.

mod store;
