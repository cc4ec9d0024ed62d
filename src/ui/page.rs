//! The width that a report is drawn for: that of a terminal, or unlimited for a file or pipe.

use super::plain::one_line;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use textwrap::{Options, WordSeparator, WordSplitter};

/// A narrower terminal is treated as this wide.
const NARROWEST: usize = 40;
/// The smallest width to which the last column of a table is wrapped.
const NARROWEST_COLUMN: usize = 12;
/// Two spaces between columns.
const GAP: usize = 2;

/// A page.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    width: Option<usize>,
}

/// The columns of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    /// Their titles.
    pub(super) titles: &'a [&'a str],
    /// Those that are aligned to the right, by position.
    pub(super) right: &'a [usize],
    /// Those that are left out where the page is too narrow, by position, the least needed first.
    pub(super) optional: &'a [usize],
}

impl Page {
    /// Unlimited width.
    pub const ENDLESS: Self = Self { width: None };

    /// The terminal on standard output; unlimited when that is not a terminal, so that a file misses nothing.
    pub fn of_output() -> Self {
        Self::of(terminal_size::terminal_size_of(std::io::stdout()))
    }

    /// The same of standard error.
    pub fn of_talk() -> Self {
        Self::of(terminal_size::terminal_size_of(std::io::stderr()))
    }

    fn of(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Self {
        let width = size.map(|(width, _)| usize::from(width.0));
        Self { width: width.filter(|width| *width >= NARROWEST) }
    }

    /// The text of a table without lines: it can be read, cut and grepped. Ends with a line feed. Where it is too wide, optional
    /// columns are left out, and then the last column is wrapped.
    pub(super) fn table(self, columns: Columns<'_>, rows: &[Vec<String>]) -> String {
        let mut cells: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
        let kept = self.fit(columns, &mut cells);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(kept.iter().map(|column| columns.titles[*column]));
        for row in &cells {
            table.add_row(kept.iter().map(|column| row.get(*column).map_or("", String::as_str)));
        }
        for (place, column) in kept.iter().enumerate() {
            if columns.right.contains(column)
                && let Some(column) = table.column_mut(place)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let lines: Vec<String> = table.lines().map(|line| trimmed(&line)).collect();
        lines.join("\n") + "\n"
    }

    /// The columns that fit. If that is not enough, the cells of the last one are wrapped.
    fn fit(self, columns: Columns<'_>, cells: &mut [Vec<String>]) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..columns.titles.len()).collect();
        let Some(page) = self.width else { return kept };
        let widths: Vec<usize> = (0..columns.titles.len())
            .map(|column| {
                let cells = cells.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
                cells.chain([width(columns.titles[column])]).max().unwrap_or(0)
            })
            .collect();
        let total = |kept: &[usize]| kept.iter().map(|column| widths[*column] + GAP).sum::<usize>() - GAP;
        for column in columns.optional {
            if total(&kept) <= page {
                break;
            }
            kept.retain(|other| other != column);
        }
        if let (Some(last), true) = (kept.last().copied(), total(&kept) > page) {
            let room = (page + widths[last]).saturating_sub(total(&kept)).max(NARROWEST_COLUMN);
            for cell in cells.iter_mut().filter_map(|row| row.get_mut(last)) {
                *cell = textwrap::fill(cell, options(room));
            }
        }
        kept
    }

    /// `text` with the lines that are too long wrapped, each with a hanging indent. Lines that begin with four spaces are
    /// command lines and statements: they are left as they are, to be copied.
    pub(super) fn wrap(self, text: &str) -> String {
        let Some(page) = self.width else { return text.to_owned() };
        let line = |line: &str| {
            if width(line) <= page || line.starts_with("    ") {
                return line.to_owned();
            }
            let indent = " ".repeat(hanging(line).min(page / 2));
            textwrap::fill(line, options(page).subsequent_indent(&indent))
        };
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Words are never broken: an id, a path or an address is copied as a whole.
fn options(width: usize) -> Options<'static> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
}

fn width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// A line of a table without the space around it.
fn trimmed(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

/// The hanging indent of a line, where its text begins: behind `help:` and the like, behind the name of a value (`database       shop`), or a little
/// to the right of the line's own beginning.
fn hanging(coloured: &str) -> usize {
    const LABELS: [&str; 4] = ["error: ", "help: ", "warning: ", "note: "];
    let line = without_colours(coloured);
    let text = line.trim_start();
    let indent = line.len() - text.len();
    if let Some(label) = LABELS.iter().find(|label| text.starts_with(**label)) {
        return indent + label.len();
    }
    match text.find("  ") {
        Some(gap) if gap < 20 => indent + gap + (text[gap..].len() - text[gap..].trim_start().len()),
        _ => indent + 2,
    }
}

fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, escaped)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = escaped.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns<'_> =
        Columns { titles: &["ID", "NAME", "SIZE", "WHY"], right: &[2], optional: &[2, 1] };

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        vec![
            row(["20261130T020000Z-full-abcdef", "shop", "12 MiB", "it is the newest"]),
            row([
                "20261129T020000Z-full-abcdef",
                "a name of some length",
                "1 MiB",
                "it was superseded by a newer one",
            ]),
        ]
    }

    fn longest(text: &str) -> usize {
        text.lines().map(width).max().unwrap_or(0)
    }

    #[test]
    fn a_table_drops_columns_before_it_wraps_the_last_one() {
        let endless = Page::ENDLESS.table(COLUMNS, &rows());
        assert!(longest(&endless) > 90, "{endless}");
        let narrow = Page { width: Some(80) }.table(COLUMNS, &rows());
        assert!(longest(&narrow) <= 80, "{narrow}");
        assert!(!narrow.contains("SIZE") && !narrow.contains("NAME"), "{narrow}");
        let narrower = Page { width: Some(50) }.table(COLUMNS, &rows());
        assert!(longest(&narrower) <= 50, "{narrower}");
        let words = |text: &str| text.split_whitespace().filter(|word| word.starts_with("super")).count();
        assert_eq!((words(&endless), words(&narrower)), (1, 1), "{narrower}");
        assert_eq!(narrower.lines().next(), Some("ID                            WHY"));
    }

    #[test]
    fn lines_hang_and_command_lines_are_left_alone() {
        let page = Page { width: Some(40) };
        let long = "help: Give the folder another name, or remove what is in it first.";
        assert_eq!(
            page.wrap(long),
            "help: Give the folder another name, or\n      remove what is in it first."
        );
        let value = "verified       passed at level restore, yesterday, by hand";
        assert_eq!(
            page.wrap(value),
            "verified       passed at level restore,\n               yesterday, by hand"
        );
        let command = "    pg_dump --format=custom --no-password --dbname=shop";
        assert_eq!(page.wrap(command), command);
        let path = format!("`/{}` is full", "x".repeat(60));
        assert!(page.wrap(&path).contains(&path[..62]), "a path is not broken");
        assert_eq!(Page::ENDLESS.wrap(long), long);
        let coloured = format!("\x1b[1;36mhelp:\x1b[0m{}", &long[5..]);
        assert_eq!(page.wrap(&coloured).lines().nth(1), Some("      remove what is in it first."));
    }
}
