//! A table of what webhooks tell.
