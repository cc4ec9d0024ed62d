//! Dumps of some tables, and arguments of the user's own.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump_all, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, Filter, ServerSettings};
use jagad::process::SystemRunner;

/// The tables, with their rows, of a dump with this filter; or why there is none.
async fn tables(sql: &Sql, filter: Filter, extra: &[&str]) -> Result<Vec<(String, u64)>, String> {
    let extra_args = extra.iter().map(|arg| (*arg).to_owned()).collect();
    let settings = ServerSettings { filter, extra_args, ..sql.settings() };
    let server = MySql::new(settings).inspect(&SystemRunner).await.unwrap();
    let mut dumps = dump_all(server.as_ref(), &scope(&["shop"])).await.map_err(|error| error.to_string())?;
    let contents = dumps.remove(0).contents.unwrap();
    Ok(contents.tables.into_iter().map(|table| (table.table, table.rows)).collect())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn tables_are_chosen_by_patterns() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.create_content("shop");
        let only = Filter { tables: words(&["par*", "shop.ite?", "other.many"]), ..Filter::default() };
        let found = tables(&sql, only.clone(), &[]).await.unwrap();
        assert_eq!(found, [("item".to_owned(), 2), ("parent".to_owned(), 2), ("parted".to_owned(), 3)]);
        let both = Filter { exclude_tables: words(&["parted"]), ..only };
        assert_eq!(tables(&sql, both, &[]).await.unwrap().len(), 2);
        let none = Filter { tables: words(&["nowhere"]), ..Filter::default() };
        let refused = tables(&sql, none, &[]).await.unwrap_err();
        assert!(refused.contains("not found"), "{refused}");

        let rowless = Filter { exclude_table_data: words(&["many"]), ..Filter::default() };
        let found = tables(&sql, rowless, &[]).await;
        match release {
            Release::MySql97 => assert!(found.unwrap_err().contains("cannot leave out the rows")),
            _ => assert!(found.unwrap().contains(&("many".to_owned(), 0))),
        }
        let ordered = tables(&sql, Filter::default(), &["--order-by-primary"]).await.unwrap();
        assert!(ordered.contains(&("many".to_owned(), 64000)));
        let refused = tables(&sql, Filter::default(), &["--force"]).await.unwrap_err();
        assert!(refused.contains("--force"), "{refused}");
    }
}
