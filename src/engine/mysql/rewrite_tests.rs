//! What becomes of statements on their way into a server.

use super::needed::DEFINITION_LIMIT;
use super::qualified::Renaming;
use super::rewrite::{Changes, Rows, rewrite};
use crate::engine::Ownership;
use std::collections::BTreeSet;
use tokio::io::AsyncReadExt as _;

/// What comes out of the stage, fed in pieces of `size` bytes.
pub(super) async fn rewritten(text: &str, size: usize, changes: Changes) -> std::io::Result<String> {
    let pieces = text.as_bytes().chunks(size).map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
    let pieces: Vec<_> = pieces.map(|piece| piece.map(std::io::Cursor::new)).collect();
    let stream = futures_util::stream::iter(pieces);
    let body = Box::pin(tokio_util::io::StreamReader::new(stream));
    let mut out = String::new();
    (rewrite(changes).0)(body).read_to_string(&mut out).await?;
    Ok(out)
}

fn everything() -> Changes {
    Changes::none(Ownership::Keep)
}

fn renaming() -> Renaming {
    Renaming { from: "shop".to_owned(), to: "copy".to_owned(), folds_case: false }
}

#[tokio::test]
async fn a_definition_that_is_too_long_to_be_renamed_fails_the_restore_under_another_name() {
    let long = "x".repeat(DEFINITION_LIMIT);
    let text = format!("CREATE PROCEDURE p() SELECT '{long}' FROM `shop`.`item`;\n");
    let failed =
        rewritten(&text, 100_000, Changes { renaming: Some(renaming()), ..everything() }).await.unwrap_err();
    assert!(failed.to_string().contains("4 MiB"), "{failed}");
    assert_eq!(rewritten(&text, 100_000, everything()).await.unwrap(), text);
    // Rows name no database, however long they are.
    let rows = format!("INSERT INTO `item` VALUES ('{long}');\n");
    let changes = Changes { renaming: Some(renaming()), ..everything() };
    assert_eq!(rewritten(&rows, 100_000, changes).await.unwrap(), rows);
}

#[tokio::test]
async fn a_trial_takes_definitions_without_rows_and_events() {
    let text = "CREATE TABLE `t` (`a` int);\nINSERT INTO `t` VALUES (1);\nREPLACE INTO `t` VALUES (2);\n\
                /*!50106 CREATE*/ /*!50117 DEFINER=`u`@`h`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY ENABLE DO DELETE FROM t */;\n\
                CREATE PROCEDURE `p`() INSERT INTO t VALUES (3);\n";
    let tried = rewritten(text, 7, Changes { rows: Rows::LeaveOut, ..everything() }).await.unwrap();
    assert_eq!(
        tried,
        "CREATE TABLE `t` (`a` int);\n\n\n\nCREATE PROCEDURE `p`() INSERT INTO t VALUES (3);\n"
    );
}

#[tokio::test]
async fn a_view_of_an_absent_database_stays_a_placeholder_and_the_view_is_kept_renamed() {
    let placeholder = |name: &str| format!("/*!50001 CREATE VIEW `{name}` AS SELECT 1 AS `a`*/;\n");
    let view = |name: &str, of: &str| format!("/*!50001 CREATE VIEW `{name}` AS SELECT `a` FROM {of}*/;\n");
    let far = "`third`.`t` join `shop`.`t`";
    let text = [
        placeholder("far"),
        placeholder("near"),
        "DROP VIEW IF EXISTS `far`;\n".to_owned(),
        view("far", far),
        view("near", "`shop`.`t`"),
    ]
    .concat();
    let absent = BTreeSet::from(["third".to_owned()]);
    let changes = Changes { absent, renaming: Some(renaming()), ..everything() };
    let postponed = changes.postponed.clone();
    let expected = text.replace(&view("far", far), &placeholder("far")).replace("`shop`", "`copy`");
    // A stream that is read once more keeps no view twice.
    for _ in 0..2 {
        assert_eq!(rewritten(&text, 1000, changes.clone()).await.unwrap(), expected);
        let kept = view("far", "`third`.`t` join `copy`.`t`");
        assert_eq!(postponed.statements(), [("far".to_owned(), kept)]);
    }
}

#[tokio::test]
async fn an_event_is_kept_in_mind_once_however_often_the_stream_is_read() {
    let text = "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ENABLE DO SELECT 1;\n";
    let changes = everything();
    let events = changes.events.clone();
    for _ in 0..2 {
        assert_eq!(rewritten(text, 9, changes.clone()).await.unwrap(), text.replace("ENABLE", "DISABLE"));
        assert_eq!(events.count(), 1);
    }
}
