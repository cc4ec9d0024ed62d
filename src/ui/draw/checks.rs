//! What `check` found.

use super::{Draw, pretty};
use crate::commands::{Class, check};
use crate::ui::page::Page;

impl Draw for check::Report {
    fn human(&self, _page: Page) -> String {
        let mut text = String::new();
        for section in &self.sections {
            let place =
                if section.place.is_empty() { String::new() } else { format!(" ({})", section.place) };
            text.push_str(&format!("{} {}{place}\n", section.kind, section.name));
            for finding in &section.findings {
                let problem =
                    if finding.problem.is_empty() { String::new() } else { format!(": {}", finding.problem) };
                text.push_str(&format!("  {:<8}{}{problem}\n", finding.level, finding.subject));
                for line in finding.help.iter().flat_map(|help| help.lines()) {
                    text.push_str(&format!("          help: {line}\n"));
                }
            }
        }
        let bad = |level| {
            self.sections
                .iter()
                .flat_map(|section| &section.findings)
                .filter(move |f| f.level == level)
                .count()
        };
        text.push_str(&match (bad(check::FindingLevel::Error), bad(check::FindingLevel::Warning)) {
            (0, 0) => "all is well\n".to_owned(),
            (0, warnings) => format!("{warnings}, nothing that stops a backup\n"),
            (errors, _) => format!("{errors} to fix\n"),
        });
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }

    fn verdict(&self) -> Option<Class> {
        self.verdict
    }
}
