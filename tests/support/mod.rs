//! What every test program of this crate may need.

pub(crate) mod presence;
