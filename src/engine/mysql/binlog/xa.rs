//! Transactions that are prepared first and committed later, or never: their rows stand in the log where they were prepared. Nobody
//! else can change these rows until then, so they are done at once, if they were committed in the end.

use std::collections::{BTreeMap, BTreeSet};

/// What became of a prepared transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    /// It was rolled back, or is still prepared where the log ends.
    Undone,
}

/// A prepared transaction.
#[derive(Debug, Clone)]
struct Group {
    outcome: Outcome,
    /// Whether rows of it were before the beginning of a dump that does not hold them.
    passed_over: bool,
}

/// All of them, in the order of the log.
#[derive(Debug, Clone, Default)]
pub(in crate::engine::mysql) struct Groups {
    all: Vec<Group>,
    /// Those that are prepared, by name.
    open: BTreeMap<String, usize>,
    /// Those that were prepared when the log begins, in what a restore reads before it.
    before: BTreeSet<String>,
    /// In the second walk: which one comes next.
    next: Option<usize>,
}

impl Groups {
    /// The first walk. `before` are prepared when it begins.
    pub(in crate::engine::mysql) fn unknown(before: BTreeSet<String>) -> Self {
        Self { before, ..Self::default() }
    }

    /// The second walk, with what the first has found.
    pub(super) fn known(&self) -> Self {
        Self { next: Some(0), open: BTreeMap::new(), ..self.clone() }
    }

    /// One begins; what becomes of it, where that is known.
    pub(super) fn begin(&mut self, id: &str) -> Option<Outcome> {
        if let Some(next) = &mut self.next {
            let group = self.all.get(*next);
            *next += 1;
            return Some(group.map_or(Outcome::Undone, |group| group.outcome));
        }
        self.open.insert(id.to_owned(), self.all.len());
        self.all.push(Group { outcome: Outcome::Undone, passed_over: false });
        None
    }

    /// Rows of the chosen databases, of the one that is being read, are not in the log that is replayed.
    pub(super) fn passed_over_rows(&mut self) {
        if self.next.is_none()
            && let Some(last) = self.all.last_mut()
        {
            last.passed_over = true;
        }
    }

    /// The last that began was committed in one step.
    pub(super) fn commit_last(&mut self) {
        if self.next.is_some() {
            return;
        }
        if let Some(last) = self.all.last_mut() {
            last.outcome = Outcome::Committed;
        }
        let last = self.all.len().wrapping_sub(1);
        self.open.retain(|_, group| *group != last);
    }

    pub(super) fn commit(&mut self, id: &str) -> Result<(), String> {
        if self.next.is_some() || self.before.remove(id) {
            return Ok(());
        }
        let group = self.open.remove(id).and_then(|group| self.all.get_mut(group));
        match group {
            Some(group) if !group.passed_over => {
                group.outcome = Outcome::Committed;
                Ok(())
            }
            _ => {
                Err("a transaction was committed that had been prepared (XA PREPARE) before the full backup"
                    .to_owned())
            }
        }
    }

    pub(super) fn roll_back(&mut self, id: &str) {
        self.open.remove(id);
        self.before.remove(id);
    }

    /// Those that are prepared now.
    pub(super) fn open(&self) -> BTreeSet<String> {
        self.open.keys().chain(&self.before).cloned().collect()
    }
}
