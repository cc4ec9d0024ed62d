//! `jagad policy`: attach databases to policies, show their state, pause and resume them.

mod apply;
mod attach;
mod report;
mod switch;

pub use apply::{Applied, ApplyRequest, ApplyStatus, Change, apply};
pub use attach::{AttachRequest, AttachStatus, Attached, Attachments, Detached, attach, detach};
pub use report::{
    Copy, DatabaseReport, DatabaseStatus, PolicyReport, PolicyStatus, PolicySummary, Summary, Unknown, list,
    show,
};
pub use switch::{MissedRuns, SwitchReport, SwitchRequest, SwitchStatus, Turned, pause, resume};
