//! pg_dump's patterns of names, as the regular expressions that PostgreSQL makes of them (`processSQLNamePattern`).
//! A pattern of tables that names no schema means those that the role sees by their bare name, in the search path that
//! it has before anything sets another: pg_dump goes back to that one for its patterns.

use super::quote::literal;
use crate::engine::Filter;

/// To be run before a question that holds [`filter_condition`] or [`rows_left_out`]: remembers the role's own search path,
/// in which nothing but this is looked up.
pub(super) const REMEMBER_PATH: &str = "RESET search_path;
SELECT pg_catalog.current_schemas(true) AS path \\gset
SET search_path = pg_catalog, pg_temp;
";

/// Whether `c` is the first relation of its name in that path.
const VISIBLE: &str =
    "n.nspname = (SELECT s.nspname FROM unnest(:'path'::name[]) WITH ORDINALITY p (name, at)
    JOIN pg_namespace s ON s.nspname = p.name JOIN pg_class o ON o.relnamespace = s.oid
    WHERE o.relname = c.relname ORDER BY p.at LIMIT 1)";

/// The two halves of `schema.name`.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    schema: Option<String>,
    name: String,
}

fn parse(pattern: &str) -> Pattern {
    let mut parts = vec![String::new()];
    let (mut quoted, mut chars) = (false, pattern.chars().peekable());
    while let Some(char) = chars.next() {
        let Some(part) = parts.last_mut() else { break };
        match char {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => part.push('"'),
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            '*' if !quoted => part.push_str(".*"),
            '?' if !quoted => part.push('.'),
            '$' => part.push_str("\\$"),
            // Every sign that regular expressions know means itself inside quotes.
            char if quoted && "|*+?()[]{}.^$\\".contains(char) => part.extend(['\\', char]),
            char if quoted => part.push(char),
            char => part.extend(char.to_lowercase()),
        }
    }
    let name = parts.pop().unwrap_or_default();
    Pattern { schema: parts.pop(), name }
}

fn whole(regex: &str) -> String {
    literal(&format!("^({regex})$"))
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    let conditions: Vec<String> = conditions.collect();
    if conditions.is_empty() { "false".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}

fn schemas(patterns: &[String]) -> String {
    any(patterns.iter().map(|pattern| format!("n.nspname ~ {}", whole(&parse(pattern).name))))
}

fn tables(patterns: &[String]) -> String {
    any(patterns.iter().map(|pattern| {
        let Pattern { schema, name } = parse(pattern);
        let place =
            schema.map_or_else(|| VISIBLE.to_owned(), |schema| format!("n.nspname ~ {}", whole(&schema)));
        format!("(c.relname ~ {} AND {place})", whole(&name))
    }))
}

/// A condition on `pg_class c` and `pg_namespace n`: what a dump with this filter takes. As in pg_dump, `--table`
/// makes `--schema` mean nothing.
pub(super) fn filter_condition(filter: &Filter) -> String {
    let chosen = if !filter.tables.is_empty() {
        tables(&filter.tables)
    } else if !filter.schemas.is_empty() {
        schemas(&filter.schemas)
    } else {
        "true".to_owned()
    };
    format!(
        "({chosen} AND NOT {} AND NOT {})",
        schemas(&filter.exclude_schemas),
        tables(&filter.exclude_tables)
    )
}

/// A condition on the same: tables whose rows are left out.
pub(super) fn rows_left_out(filter: &Filter) -> String {
    tables(&filter.exclude_table_data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_pg_dump() {
        for (text, schema, name) in [
            ("Shop", None, "shop"),
            ("a*.b?", Some("a.*"), "b."),
            ("\"A.b\".\"x\"\"y*\"", Some("A\\.b"), "x\"y\\*"),
            ("(a|b)", None, "(a|b)"),
            ("a$", None, "a\\$"),
            ("db.s.t", Some("s"), "t"),
        ] {
            assert_eq!(
                parse(text),
                Pattern { schema: schema.map(str::to_owned), name: name.to_owned() },
                "{text}"
            );
        }
    }

    #[test]
    fn tables_overrule_schemas_and_exclusions_always_hold() {
        let filter = Filter {
            schemas: vec!["s".into()],
            tables: vec!["t".into()],
            exclude_tables: vec!["u.v".into()],
            ..Filter::default()
        };
        assert_eq!(
            filter_condition(&filter),
            format!(
                "(((c.relname ~ '^(t)$' AND {VISIBLE})) AND NOT false AND NOT ((c.relname ~ '^(v)$' AND n.nspname ~ '^(u)$')))"
            )
        );
        assert_eq!(filter_condition(&Filter::default()), "(true AND NOT false AND NOT false)");
    }
}
