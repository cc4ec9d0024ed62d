-- One of everything that a dump must carry. Runs on PostgreSQL 13 and newer as a superuser.
CREATE ROLE app_owner; CREATE ROLE reader; CREATE ROLE "odd ""role";
GRANT CREATE ON SCHEMA public TO app_owner;
CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm;
CREATE SCHEMA "Odd schema.ö/'x" AUTHORIZATION app_owner;
CREATE SCHEMA sales AUTHORIZATION app_owner;
SET ROLE app_owner;

CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
CREATE TYPE public.pair AS (a int, b text);
CREATE FUNCTION public.shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(t) || '!;--' $$;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$;
CREATE PROCEDURE public.nothing() LANGUAGE sql AS $$ SELECT 1 $$;

CREATE TABLE public.every_type (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  small smallint, whole int, big bigint, num numeric(20,5), r real, d double precision, b boolean, t text,
  c char(5), v varchar(20), raw bytea, day date, at timestamp, atz timestamptz, span interval, clock time,
  net inet, mac macaddr, u uuid, j json, jb jsonb, x xml, arr int[], arr2 text[][], m mood, p positive, pr pair,
  rng int4range, pt point, bits bit varying, h hstore, tsv tsvector, mon money,
  twice int GENERATED ALWAYS AS (whole * 2) STORED);
INSERT INTO public.every_type (small, whole, big, num, r, d, b, t, c, v, raw, day, at, atz, span, clock, net, mac, u, j, jb,
    arr, arr2, m, p, pr, rng, pt, bits, h, tsv, mon)
  VALUES (1, 2, 9223372036854775807, 12345.67890, 1.5, 'NaN', true, 'plain', 'ab', 'v', '\x00ff5c2e0a', '2026-01-02', 'infinity',
    '2026-01-02 03:04:05.678901+02', '1 mon 2 days 03:04:05', '23:59:60', '10.0.0.0/8', '08:00:2b:01:02:03',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null]}', '{"b": "\u00e4"}', '{1,NULL,3}', '{{a,b},{c,"d e"}}', 'it''s ok', 5,
    ROW(1, 'x, "y"'), '[1,5)', '(1,2)', B'101', 'k=>v, n=>NULL', 'a:1 fat:2', '12.34'),
    (NULL, NULL, NULL, 'NaN', '-infinity', NULL, NULL, '', NULL, NULL, '', 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, '{}', NULL, NULL, NULL, NULL, 'empty', NULL, NULL, NULL, NULL, NULL);

CREATE TABLE public.hostile (n serial, t text);
INSERT INTO public.hostile (t) VALUES (E'\\.'), (E'a\n\\.\nb'), (E'\\\\.\n'), (E'\t\r\n\v\f\b'), (E'\\N'), (''), (NULL),
  (E'\\x00\\0'), ('ünïcödé ☃ 🐘'), (repeat(E'long \\ line\n', 5000)), (E'\nCOPY x FROM stdin;\n\\.\n\n\n');
CREATE TABLE public.only_dots (t text);
INSERT INTO public.only_dots SELECT E'\\.' FROM generate_series(1, 100);
CREATE TABLE public.no_columns ();
INSERT INTO public.no_columns SELECT FROM generate_series(1, 3);
CREATE TABLE public.empty (a int PRIMARY KEY);
CREATE TABLE public."Weird Name ""q"" 'a' / \ ; ö.tbl" ("Col 1" int, "select" text, "ü;--" text DEFAULT 'x''y');
INSERT INTO public."Weird Name ""q"" 'a' / \ ; ö.tbl" VALUES (1, 'a'), (2, NULL);
CREATE TABLE "Odd schema.ö/'x"."T 1" (a int);
INSERT INTO "Odd schema.ö/'x"."T 1" VALUES (1);
CREATE UNLOGGED TABLE public.unlogged (a int);
INSERT INTO public.unlogged VALUES (1);

CREATE TABLE public.parent (a int); CREATE TABLE public.child (b int) INHERITS (public.parent);
INSERT INTO public.parent VALUES (1), (2); INSERT INTO public.child VALUES (3, 3);
CREATE TABLE sales.customer (id int PRIMARY KEY, name text NOT NULL CHECK (name <> ''), touched int DEFAULT 0);
CREATE TABLE sales.orders (id bigserial, customer int REFERENCES sales.customer, day date NOT NULL, total numeric,
  PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE sales.orders_2025 PARTITION OF sales.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE sales.orders_rest PARTITION OF sales.orders DEFAULT;
CREATE INDEX orders_total ON sales.orders (total);
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON sales.customer FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE UNIQUE INDEX customer_name ON sales.customer (lower(name)) WHERE id > 0;
CREATE RULE no_delete AS ON DELETE TO sales.customer DO INSTEAD NOTHING;
CREATE STATISTICS sales.customer_stats ON id, name FROM sales.customer;
INSERT INTO sales.customer (id, name) SELECT g, 'name ' || g FROM generate_series(1, 50) g;
INSERT INTO sales.orders (customer, day, total) SELECT 1 + g % 50, date '2025-06-01' + g, g FROM generate_series(1, 400) g;
CREATE SEQUENCE sales.loose START 5 INCREMENT 7; SELECT nextval('sales.loose'), nextval('sales.loose');
CREATE VIEW sales.totals AS SELECT customer, sum(total) AS total FROM sales.orders GROUP BY customer;
CREATE MATERIALIZED VIEW sales.totals_now AS SELECT * FROM sales.totals;
CREATE UNIQUE INDEX totals_now_key ON sales.totals_now (customer);

CREATE TABLE public.secret (who text, what text);
INSERT INTO public.secret VALUES ('reader', 'yours'), ('other', 'hidden');
ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.secret FOR SELECT TO reader USING (who = CURRENT_USER);

GRANT USAGE ON SCHEMA sales TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA sales TO reader WITH GRANT OPTION;
GRANT SELECT (t), UPDATE (t) ON public.hostile TO "odd ""role";
GRANT EXECUTE ON FUNCTION public.shout(text) TO reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO reader;
COMMENT ON TABLE sales.customer IS E'a comment with \'quotes\', "double" and\nlines';
COMMENT ON COLUMN sales.customer.name IS 'the name'; COMMENT ON SCHEMA sales IS 'sales';
COMMENT ON INDEX sales.customer_name IS 'index'; COMMENT ON FUNCTION public.shout(text) IS 'loud';
SELECT lo_from_bytea(4711, decode('00ff5c2e0a00', 'hex')), lo_from_bytea(4712, ''), lo_from_bytea(4713, decode(repeat('0a5c2e0a', 100000), 'hex'));
COMMENT ON LARGE OBJECT 4711 IS 'large';
RESET ROLE;
CREATE PUBLICATION pub FOR TABLE sales.customer;
