//! `jagad policy`: which databases are protected, and how they fare.

mod apply;
mod attach;
mod report;
mod switch;

pub use apply::{Applied, ApplyRequest, Change, apply};
pub use attach::{AttachRequest, Attached, Attachments, Detached, attach, detach};
pub use report::{Copy, PolicyReport, PolicySummary, Summary, Unknown, WardReport, list, show};
pub use switch::{MissedRuns, SwitchReport, SwitchRequest, Turned, pause, resume};
