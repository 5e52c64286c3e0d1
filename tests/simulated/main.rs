//! Tests that hold a bridge in their own process which takes a simulator for its network.
//!
//! They are apart from `it` because they are built with the feature `magpie-whatsapp/simulator`, and everything in there is to be of the
//! build that is shipped.

mod suite;
