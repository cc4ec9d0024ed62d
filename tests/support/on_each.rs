//! Checks that run on several servers.

/// A check as one test on each of several servers: releases of MySQL and MariaDB, or major versions of PostgreSQL.
/// `on_each!(async check_rights as rights_are_checked: MySql97, MariaDb118);` calls `check_rights(Release::MySql97).await`
/// in the test `rights_are_checked::on_mysql_9_7`.
macro_rules! on_each {
    (async $check:ident as $name:ident: $($server:tt),+) => {
        mod $name {
            $(on_each!(@ $server async $check);)+
        }
    };
    ($check:ident as $name:ident: $($server:tt),+) => {
        mod $name {
            $(on_each!(@ $server $check);)+
        }
    };
    (@ MySql97 $($check:tt)+) => { on_each!(@ on_mysql_9_7, super::Release::MySql97, $($check)+); };
    (@ MariaDb1011 $($check:tt)+) => { on_each!(@ on_mariadb_10_11, super::Release::MariaDb1011, $($check)+); };
    (@ MariaDb118 $($check:tt)+) => { on_each!(@ on_mariadb_11_8, super::Release::MariaDb118, $($check)+); };
    (@ 15 $($check:tt)+) => { on_each!(@ on_postgresql_15, 15, $($check)+); };
    (@ 18 $($check:tt)+) => { on_each!(@ on_postgresql_18, 18, $($check)+); };
    (@ $test:ident, $server:expr, async $check:ident) => {
        #[tokio::test]
        async fn $test() {
            super::$check($server).await;
        }
    };
    (@ $test:ident, $server:expr, $check:ident) => {
        #[test]
        fn $test() {
            super::$check($server);
        }
    };
}
