//! Which names in which statements are those of the database.

use super::qualified::{Renaming, references, renamed};
use super::syntax::QuoteRules;

/// The statement with `shop` called `copy`.
fn copied(statement: &str) -> String {
    let change = Renaming { from: "shop".to_owned(), to: "copy".to_owned(), folds_case: false };
    let renamed = renamed(statement.as_bytes(), QuoteRules::default(), &change);
    renamed.map_or_else(|| statement.to_owned(), |text| String::from_utf8(text).unwrap())
}

#[test]
fn what_names_the_database_is_renamed() {
    for statement in [
        "ALTER DATABASE @ CHARACTER SET utf8mb4",
        "CREATE DEFINER=`a`@`b` TRIGGER @.`t` AFTER INSERT ON @.item FOR EACH ROW INSERT INTO @.audit(w) VALUES (1)",
        "create trigger t before update on @.item for each row begin update @.a, @.b set x = 1; delete from @.c; end",
        "CREATE TABLE `o` (`id` bigint DEFAULT nextval(@.`s`), `n` int DEFAULT (lastval(@.`s`) + 1), CHECK (@.`o`.`n` > 0))",
        "CREATE TABLE m (a int) ENGINE=MRG_MyISAM UNION=(@.`m1`,@.`m2`,`m3`)",
        "CREATE TABLE f (a int, FOREIGN KEY (`a`) REFERENCES @.`item` (`id`) ON DELETE CASCADE ON UPDATE SET NULL)",
        "/*!50001 VIEW `v` AS select @.`f`(`i`.`id`),extract(year from `i`.`d`) from (@.`item` `i` join `third`.`t` `x` on(`x`.`a` = `i`.`id`))",
        "create view v as select @.pk.g(), @.item.id from @.item where exists(select 1 from (@.a, @.b) where @.a.x = 1)",
        "create procedure p() begin declare c cursor for select n from item, @.x; call @.q; set y = @.f(1); end",
        "create procedure p() begin replace into @.a select * from b; truncate table @.a; drop table if exists @.t, @.u; end",
        "create procedure p() begin declare r row type of @.item; declare s @.item.n%TYPE; declare u @.item%ROWTYPE; end",
        "create event e on schedule every 1 day do insert into @.audit select next value for @.s",
        "create function f() returns int return (select max(id) from @.item)",
        "create procedure p() with c as (select 1 from @.a) select * from c left join @.b using (id) where 1 in (select 1 from @.d)",
        "create procedure p() begin create temporary table @.x like @.item; alter table @.x add b int; create index i on @.x (b); drop index i on @.x; end",
        "create procedure p() begin rename table @.a to @.b, @.c to @.d; analyze table @.a, @.b; show columns from @.a; grant select on @.* to u; end",
        "create procedure p() begin select max(id) into x from @.a natural join @.b cross join @.c; insert into @.t set a = @.f(1); return @.g(); end",
        "create procedure p() begin delete from a using @.a inner join @.b on a.x = b.x, @.c where exists (select * from @.d); do @.f(1); end",
        "create procedure p() begin show tables from @; show full tables in @ like 'x'; show open tables from @; show table status from @; end",
        "create procedure p() begin if 1 then show triggers from @; else show events in @ where 1; end if; show columns from t from @; end",
        "create procedure p() begin show index from @.t; show keys in t in @; show fields from @.t; show create table @.t; show create procedure @.p; end",
        "create procedure p() begin describe @.t; desc @.t; explain @.t n; show create view @.v; show create database @; end",
        "create procedure p() reads sql data desc @.t",
        "create view v as select 1 from ((@.a left join @.b on(@.a.x = @.b.x)) join (select x from @.c union select y from @.d) e)",
        "create trigger t after insert on @.item for each row if new.id in (select id from @.a) then call @.p(1, @.f(2)); end if",
        "create procedure p() begin while @.f(1) > 0 do update @.a join @.b on a.x = b.x set a.y = (select z from @.c limit 1); end while; end",
        "create procedure p() insert into @.a (x) values (1) on duplicate key update x = (select max(y) from @.b)",
        "create procedure p() if exists (select 1 from @.a) then delete @.a from @.a join @.b; else lock tables @.a read, @.b write; end if",
    ] {
        let (before, after) = (statement.replace('@', "`shop`"), statement.replace('@', "`copy`"));
        let (before, after) =
            (before.replace("`a``shop``b`", "`a`@`b`"), after.replace("`a``copy``b`", "`a`@`b`"));
        assert_eq!(copied(&before), after);
        // Without quotes, and with space around dots.
        assert_eq!(copied(&before.replace("`shop`", "shop")), after);
    }
}

#[test]
fn what_only_looks_like_it_stays() {
    for statement in [
        "create procedure p() insert into audit(w) select shop.n from item shop where shop.id > 1 and f(shop.a, shop.b)",
        "create procedure p() update item shop set shop.n = 1 where shop.id = 2",
        "create procedure p() insert into a (x) select shop.x from b shop on duplicate key update x = shop.y",
        "create trigger t after update on item for each row set @shop.x = new.shop",
        "create view v as select `shop`.`id` AS `id`,trim(leading `shop`.`a` from `shop`.`b`) from `item` `shop` order by `shop`.`a`,`shop`.`b`",
        "create procedure p() select 'shop.item', \"shop.item\" /* shop.item */ -- from shop.item\n from shop",
        "create procedure p() select replace(shop.a, shop.b, shop.c), insert(shop.a, 1, 2, shop.b) from x shop group by shop.a, shop.b",
        "CREATE TABLE `shop` (`shop` int COMMENT 'from shop.item', KEY `shop` (`shop`))",
        "create procedure p() select 1 from a join b on a.x = b.x and shop.y like shop.z",
        "create procedure p() select 1.5, shop.5",
        "ALTER DATABASE CHARACTER SET shop",
        "create trigger t after update on item for each row set new.a = shop.b",
        "create trigger t after insert on item for each row update x set a = 1 where shop.b = 2",
        "create procedure p() begin declare continue handler for 1062 set @a = shop.b; select shop.c from x; end",
        "create procedure p() begin rename table a to b; select 1 from x where a between shop.b and shop.c; end",
        "create procedure p() select x.shop.a, (select 1) shop, @shop.b from t",
        "create procedure p() begin create index i on t (a); select 1 from a join b on shop.a = b.a; end",
        "create table t (d timestamp on update current_timestamp, e int check (e in (shop.a, shop.b)))",
        "create view v as select 1 from (select 1 as a) x join t where shop.a = 'x' or 'x' = shop.a",
        "create procedure p() select insert(shop.a, 1, 2, 'x'), replace(shop.a, 'x', 'y') from x shop",
        "create procedure p() select show, shop.columns from shop where a in (shop.b)",
    ] {
        assert_eq!(copied(statement), statement);
    }
}

#[test]
fn names_in_double_quotes_are_names_where_the_mode_says_so() {
    let change = Renaming { from: "shop".to_owned(), to: "a`b".to_owned(), folds_case: true };
    let rules = QuoteRules { quoted_names: true, ..QuoteRules::default() };
    let text = renamed(b"insert into \"SHOP\".\"x\" values ('y')", rules, &change).unwrap();
    assert_eq!(text, b"insert into `a``b`.\"x\" values ('y')");
    assert_eq!(renamed(b"insert into \"SHOP\".\"x\" values ('y')", QuoteRules::default(), &change), None);
}

#[test]
fn no_input_is_too_odd() {
    for statement in [")))", "(((", "from", ".", "a.", ".a.b", "@", "alter database", "union=(", "for of"] {
        let _ = references(statement.as_bytes(), QuoteRules::default());
    }
}
