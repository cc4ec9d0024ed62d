-- What PostgreSQL 16 to 18 added.
SET search_path = kinds, public;
CREATE TABLE virtual (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int, CONSTRAINT not_held CHECK (a > 100) NOT ENFORCED); INSERT INTO virtual (a) VALUES (1);
ALTER TABLE virtual ADD CONSTRAINT c_later NOT NULL c NOT VALID; ALTER TABLE made ALTER j SET COMPRESSION lz4;
CREATE TABLE spans (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE within (id int, during daterange, FOREIGN KEY (id, PERIOD during) REFERENCES spans (id, PERIOD during)); INSERT INTO spans VALUES (1, '[2020-01-01,2021-01-01)'); INSERT INTO within VALUES (1, '[2020-02-01,2020-03-01)');
CREATE TABLE inherited_not_null (a int, CONSTRAINT kept NOT NULL a NO INHERIT); CREATE TABLE named_nulls (CONSTRAINT own_name NOT NULL a) INHERITS (rowless);
CREATE COLLATION builtin_c (provider = builtin, locale = 'C.UTF-8'); CREATE COLLATION with_rules (provider = icu, locale = 'und', rules = '&a < g');
CREATE TABLE json_held (j json CHECK (j IS JSON OBJECT), t text DEFAULT JSON_OBJECT('a': 1)); INSERT INTO json_held VALUES ('{}');
CREATE VIEW of_json AS SELECT t.* FROM json_held, JSON_TABLE(j, '$' COLUMNS (a int PATH '$.a')) t; CREATE VIEW returned AS SELECT JSON_EXISTS(jsonb '{}', '$.a') AS e;
CREATE FUNCTION on_login() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$; CREATE EVENT TRIGGER logging_in ON login EXECUTE FUNCTION on_login(); ALTER EVENT TRIGGER logging_in DISABLE;
CREATE PUBLICATION generated FOR TABLE virtual (a) WITH (publish_generated_columns = stored); GRANT MAINTAIN ON spans TO pg_monitor;
CREATE INDEX ON spans USING brin (id) WITH (autosummarize = on);
