//! The longest statement that a server takes, `max_allowed_packet`: a row is never cut, so a value that is almost as large
//! as the limit may not come back.

use super::facts::MySqlServer;
use super::rewrite::Escapes;
use crate::engine::{Finding, FindingLevel, Lifetime, RestoreTarget, Step};
use crate::model::Needs;

/// The limit is a multiple of this.
const STEP_BYTES: u64 = 1024;

/// No server takes more.
const HIGHEST: u64 = 1024 * 1024 * 1024;

/// What the longest statement of a backup means to a restore.
pub(super) struct Packet {
    /// What becomes of escapes in rows.
    pub(super) escapes: Escapes,
    /// What the target lacks.
    pub(super) finding: Option<Finding>,
    /// Run first.
    pub(super) before: Option<Step>,
}

impl MySqlServer {
    /// What a dump of this server needs beyond what is in it.
    pub(super) fn own_needs(&self) -> Needs {
        Needs {
            statement_limit: self.statement_limit().unwrap_or(0),
            folds_names: self.same_in_any_case(),
            ..Needs::default()
        }
    }

    /// Bytes of the longest statement that this server takes.
    fn statement_limit(&self) -> Option<u64> {
        let limit: u64 = self.variables.get("max_allowed_packet")?.parse().ok()?;
        Some(limit.saturating_sub(self.flavor().packet_overhead))
    }

    /// How the longest statement gets into this server.
    pub(super) fn packet(&self, target: &RestoreTarget) -> Packet {
        let unknown = Packet { escapes: Escapes::Keep, finding: None, before: None };
        let Some(needs) = target.recorded.as_ref().map(|recorded| &recorded.needs) else { return unknown };
        // A server that is thrown away is like the one that was dumped, which may have another limit than this one.
        let thrown_away = target.lifetime == Lifetime::ThrownAway;
        let own = if thrown_away { Some(needs.statement_limit).filter(|limit| *limit > 0) } else { None };
        let Some(limit) = own.or_else(|| self.statement_limit()) else { return unknown };
        let escapes = if needs.longest_statement > limit { Escapes::Undo } else { Escapes::Keep };
        let finding = (needs.longest_unescaped > limit)
            .then(|| self.long_statement_finding(&target.database, needs, limit));
        if !thrown_away {
            return Packet { escapes, finding, before: None };
        }
        let packet = self.packet_for(needs.longest_unescaped.max(limit));
        let before = Some(self.run(&format!("SET GLOBAL max_allowed_packet = {packet};")));
        let warning = |finding| Finding { level: FindingLevel::Warning, ..finding };
        Packet { escapes, finding: finding.map(warning), before }
    }

    /// That a dump of this server does not go back into it.
    pub(super) fn long_statement(&self, database: &str, needs: &Needs) -> Option<Finding> {
        let limit = self.statement_limit()?;
        (needs.longest_unescaped > limit).then(|| {
            let finding = self.long_statement_finding(database, needs, limit);
            Finding { level: FindingLevel::Warning, ..finding }
        })
    }

    fn long_statement_finding(&self, database: &str, needs: &Needs, limit: u64) -> Finding {
        let longest = needs.longest_unescaped;
        let packet = self.packet_for(longest);
        Finding::error(
            format!("longest row of `{database}`"),
            format!(
                "it is a statement of {longest} bytes, and a server with this `max_allowed_packet` takes {limit}"
            ),
            format!(
                "SET GLOBAL max_allowed_packet = {packet}; on the server that it is restored into, and in its \
                 configuration"
            ),
        )
    }

    /// The smallest limit with which a server takes a statement of so many bytes.
    fn packet_for(&self, longest: u64) -> u64 {
        (longest + self.flavor().packet_overhead).next_multiple_of(STEP_BYTES).min(HIGHEST)
    }
}
