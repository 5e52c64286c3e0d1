//! The homeserver's side door: what it calls, and the registration that lets it.
//!
//! | file | duty |
//! |---|---|
//! | `registration` | the file that both sides read: tokens, names, namespaces |

pub mod registration;
