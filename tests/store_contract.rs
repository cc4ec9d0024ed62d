//! What every store promises, tried on directories, on an S3 server in this process that can be told to fail, and on
//! the real servers that the environment names.

// clippy's own exemption covers test functions only, not what they share.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod store;
mod support;
