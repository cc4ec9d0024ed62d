//! What a pg_restore says that was told to go on after errors.

use crate::process::ToolRun;

/// The status of a pg_restore that went on after errors.
const STATUS_SOME_FAILED: i32 = 1;

const ENTRY: &str = "pg_restore: from TOC entry ";
const ERROR: &str = "pg_restore: error: ";
const TOTAL: &str = "pg_restore: warning: errors ignored on restore: ";

/// The errors that were passed over, each with the object whose statement failed; `None` when the tool failed.
pub(super) fn passed_over(run: &ToolRun) -> Option<Vec<String>> {
    match run.status {
        0 => Some(Vec::new()),
        STATUS_SOME_FAILED => Some(errors_of(&run.stderr)),
        _ => None,
    }
}

fn errors_of(stderr: &str) -> Vec<String> {
    let (mut object, mut errors, mut total) = ("", Vec::new(), None);
    for line in stderr.lines() {
        if let Some(entry) = line.strip_prefix(ENTRY) {
            object = object_of(entry);
        } else if let Some(error) = line.strip_prefix(ERROR) {
            errors.push(if object.is_empty() { error.to_owned() } else { format!("{object}: {error}") });
        } else if let Some(count) = line.strip_prefix(TOTAL) {
            total = count.trim().parse::<usize>().ok();
        }
    }
    // Of very many only the first and the last are kept.
    if let Some(more) = total.and_then(|total| total.checked_sub(errors.len())).filter(|more| *more > 0) {
        errors.push(format!("and {more} more"));
    }
    if errors.is_empty() { vec![stderr.to_owned()] } else { errors }
}

/// `TABLE DATA t owner` of `215; 1259 16385 TABLE DATA t owner`.
fn object_of(entry: &str) -> &str {
    let described = entry.split_once("; ").map_or("", |(_, rest)| rest);
    described.splitn(3, ' ').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_told_with_its_object() {
        let stderr = "pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 3338; 1259 16390 TABLE t o
pg_restore: error: could not execute query: ERROR:  role \"x\" does not exist
Command was: ALTER TABLE public.t OWNER TO x;

pg_restore: error: could not execute query: ERROR:  second
pg_restore: from TOC entry 3400; 0 16390 TABLE DATA t o
pg_restore: error: COPY failed for table \"t\": ERROR:  missing
pg_restore: warning: errors ignored on restore: 5
";
        let expected = [
            "TABLE t o: could not execute query: ERROR:  role \"x\" does not exist",
            "TABLE t o: could not execute query: ERROR:  second",
            "TABLE DATA t o: COPY failed for table \"t\": ERROR:  missing",
            "and 2 more",
        ];
        assert_eq!(errors_of(stderr), expected);
        assert_eq!(errors_of("killed"), ["killed"]);
    }
}
