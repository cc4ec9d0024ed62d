//! `jagad schedule run`: one tick. Works out what is due, does it, and ends.

use super::duty::{Look, Work};
use super::request::{Outcome, Request, TickAction, When};
use super::tick::EntryTick;
use crate::commands::{App, Class, Failure, Mode};
use crate::config::DatabaseEntry;
use crate::model::{DatabaseName, Timestamp};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How often a tick checks for runs that have become due while it works: as often as a timer would.
pub const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What one tick did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it checked the entries.
    pub at: Timestamp,
    /// The result of each selected entry, and one more for each further run in a long tick.
    pub databases: Vec<Outcome>,
    #[serde(skip)]
    verdict: Option<Class>,
}

impl Report {
    /// What went wrong.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.databases.iter().filter_map(|outcome| outcome.failure.as_ref())
    }

    /// The class that decides the exit code: none, that of the only failure, "some failed", or that all selected
    /// entries are paused.
    pub fn verdict(&self) -> Option<Class> {
        self.verdict
    }
}

/// One tick. One database that fails does not stop the others. While a run is under way it checks the entries again at
/// intervals and starts what has become due; it ends when nothing runs and nothing is due.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let at = app.clock.now();
    let looks = super::survey(app, &request.databases, request.policy.as_ref()).await?;
    let mut round = Round {
        app,
        request,
        waiting: VecDeque::new(),
        running: FuturesUnordered::new(),
        begun: BTreeMap::new(),
    };
    for (entry, look) in looks {
        round.expect(entry, look, at);
    }
    let mut databases = round.work().await;
    databases.sort_by(|one, other| one.database.cmp(&other.database));
    app.cancel.check()?;
    let verdict = verdict(&databases, request);
    Ok(Report { at, databases, verdict })
}

/// An entry and the result of checking it.
struct Expected<'a> {
    entry: &'a DatabaseEntry,
    look: Look,
    at: Timestamp,
}

/// The work of one tick: waiting and running entries.
struct Round<'a> {
    app: &'a App,
    request: &'a Request,
    waiting: VecDeque<Expected<'a>>,
    running: FuturesUnordered<BoxFuture<'a, (DatabaseName, Option<Outcome>)>>,
    /// What this tick has begun for each entry, so that it is not begun again.
    begun: BTreeMap<DatabaseName, Begun>,
}

/// What a tick has done for one entry.
struct Begun {
    works: Vec<Work>,
    running: bool,
}

impl<'a> Round<'a> {
    fn expect(&mut self, entry: &'a DatabaseEntry, look: Look, at: Timestamp) {
        let begun =
            self.begun.entry(entry.name.clone()).or_insert(Begun { works: Vec::new(), running: false });
        begun.running = true;
        begun.works.extend(look.work(at));
        self.waiting.push_back(Expected { entry, look, at });
    }

    /// Does everything that is due, and what becomes due while it runs.
    async fn work(mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut look_again = Instant::now() + self.request.look_again;
        loop {
            self.start();
            tokio::select! {
                biased;
                Some((name, outcome)) = self.running.next() => {
                    if let Some(begun) = self.begun.get_mut(&name) {
                        begun.running = false;
                    }
                    let worked = outcome.as_ref().is_some_and(|outcome| outcome.action.is_work());
                    outcomes.extend(outcome);
                    let ended = self.running.is_empty() && self.waiting.is_empty();
                    // Something may have become due since the last check.
                    if ended && !(worked && self.look().await) {
                        return outcomes;
                    }
                }
                () = tokio::time::sleep_until(look_again), if !self.running.is_empty() => {
                    self.look().await;
                    look_again = Instant::now() + self.request.look_again;
                }
                else => return outcomes,
            }
        }
    }

    fn start(&mut self) {
        while self.running.len() < self.request.jobs.max(1)
            && let Some(Expected { entry, look, at }) = self.waiting.pop_front()
        {
            let (app, request) = (self.app, self.request);
            let work = async move {
                let tick = EntryTick { app, request, entry, at, log: app.log() };
                (entry.name.clone(), tick.take(look).await)
            };
            self.running.push(work.boxed());
        }
    }

    /// Checks all entries that are not being worked on; returns whether something new is due.
    async fn look(&mut self) -> bool {
        if self.app.cancel.failure().is_some()
            || self.request.mode == Mode::Plan
            || self.request.when == When::Now
        {
            return false;
        }
        let at = self.app.clock.now();
        let looks = match super::survey(self.app, &self.request.databases, self.request.policy.as_ref()).await
        {
            Ok(looks) => looks,
            Err(failure) => {
                tracing::debug!(error = %failure.message(), "the next tick looks again");
                return false;
            }
        };
        let mut found = false;
        for (entry, look) in looks {
            let begun = self.begun.get(&entry.name);
            let Some(work) = look.work(at) else { continue };
            if begun.is_none_or(|begun| !begun.running && !begun.works.contains(&work)) {
                self.expect(entry, look, at);
                found = true;
            }
        }
        found
    }
}

fn verdict(databases: &[Outcome], request: &Request) -> Option<Class> {
    let mut failures = databases.iter().filter_map(|outcome| outcome.failure.as_ref());
    if let Some(first) = failures.next() {
        let alone = databases.len() == 1 || matches!(first.class, Class::Interrupted(_));
        return Some(if alone { first.class } else { Class::Partial });
    }
    // A timer must not fail every minute for a known pause; an explicit selection of entries returns that they are
    // paused.
    let asked = !request.databases.is_empty() || request.policy.is_some();
    let paused =
        databases.iter().all(|outcome| outcome.action == TickAction::Paused) && !databases.is_empty();
    (asked && paused).then_some(Class::Paused)
}
