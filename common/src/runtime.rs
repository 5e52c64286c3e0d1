//! Where a bridge begins and ends: its command line, and everything wired together.
//!
//! | file | duty |
//! |---|---|
//! | `cli` | the command line, the same for every bridge, and the commands that need no network |

pub mod cli;
