//! What a MySQL or MariaDB database holds, as a text.

use super::mysql::Sql;

impl Sql {
    /// Equal for databases that are equal, down to every byte of every table.
    pub(crate) fn fingerprint(&self, database: &str) -> String {
        let name = database.replace('\\', "\\\\").replace('\'', "''");
        let listed = self.run(
            "",
            &format!(
                "SELECT CONCAT('`', REPLACE(TABLE_NAME, '`', '``'), '`'), TABLE_TYPE FROM information_schema.TABLES
                 WHERE TABLE_SCHEMA = '{name}' ORDER BY TABLE_NAME;"
            ),
        );
        let mut sql = "SET SESSION time_zone = '+00:00';\n".to_owned();
        for line in listed.lines() {
            let (table, kind) = line.rsplit_once('\t').unwrap();
            let table = table.replace("\\\\", "\\").replace("\\n", "\n");
            sql += &format!("SHOW CREATE TABLE {table};\n");
            if kind == "BASE TABLE" {
                sql += &format!("CHECKSUM TABLE {table};\n");
            }
        }
        for (view, columns, of) in [
            (
                "ROUTINES",
                "ROUTINE_TYPE, ROUTINE_NAME, DTD_IDENTIFIER, ROUTINE_DEFINITION, SQL_MODE, SECURITY_TYPE, \
                ROUTINE_COMMENT, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION",
                "ROUTINE_SCHEMA",
            ),
            (
                "TRIGGERS",
                "TRIGGER_NAME, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_STATEMENT, ACTION_TIMING, \
                SQL_MODE, DEFINER, CHARACTER_SET_CLIENT",
                "TRIGGER_SCHEMA",
            ),
            (
                "EVENTS",
                "EVENT_NAME, EVENT_DEFINITION, INTERVAL_VALUE, INTERVAL_FIELD, STARTS, STATUS, DEFINER, \
                EVENT_COMMENT",
                "EVENT_SCHEMA",
            ),
            ("SCHEMATA", "DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME", "SCHEMA_NAME"),
        ] {
            sql += &format!(
                "SELECT {columns} FROM information_schema.{view} WHERE {of} = '{name}' ORDER BY 1, 2;\n"
            );
        }
        // The name of a database stands in front of its tables in checksums.
        self.run(database, &sql).replace(&format!("{database}."), "")
    }
}
