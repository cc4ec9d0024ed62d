//! The binary log: read from the server as the bytes that it is, judged, and replayed.

mod check;
mod copy;
mod definitions;
mod facts;
mod frame;
mod payload;
mod pull;
mod query;
mod replay;
mod rows;
mod run;
mod scope;
mod statement;
mod status;
mod text;
mod walk;
mod witness;
mod xa;

pub(super) use witness::structure;
