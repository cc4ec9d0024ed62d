-- Everything that two equal databases agree on, as text: rows, sequences, definitions, rights, comments, large objects.
SET search_path = ''; SET row_security = off; SET extra_float_digits = 3;
SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C"), '''')) FROM ONLY %s t', c.oid::regclass, c.oid::regclass)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1 \gexec
SELECT format('SELECT %L, last_value, is_called FROM %s', c.oid::regclass, c.oid::regclass)
  FROM pg_catalog.pg_class c WHERE c.relkind = 'S' ORDER BY 1 \gexec
SELECT c.oid::regclass::text COLLATE "C", c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.relrowsecurity,
    pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), obj_description(c.oid, 'pg_class'),
    (SELECT array_agg(a::text ORDER BY a::text COLLATE "C") FROM unnest(c.relacl) a)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1;
SELECT a.attrelid::regclass::text COLLATE "C", a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
    a.attgenerated, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum), a.attacl::text
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2;
SELECT c.oid::regclass::text COLLATE "C", pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1;
SELECT indexrelid::regclass::text COLLATE "C", pg_get_indexdef(indexrelid) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' ORDER BY 1;
SELECT conrelid::regclass::text COLLATE "C", conname, pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint
  WHERE connamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1, 2, 3;
SELECT tgrelid::regclass::text COLLATE "C", pg_get_triggerdef(oid) FROM pg_catalog.pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2;
SELECT schemaname, tablename, policyname, roles, cmd, qual FROM pg_catalog.pg_policies ORDER BY 1, 2, 3;
SELECT schemaname, tablename, rulename, definition FROM pg_catalog.pg_rules WHERE schemaname !~ '^pg_' ORDER BY 1, 2, 3;
SELECT p.oid::regprocedure::text COLLATE "C", md5(pg_get_functiondef(p.oid)), pg_get_userbyid(p.proowner), p.proacl::text FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE p.prokind <> 'a' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1;
SELECT t.oid::regtype::text COLLATE "C", t.typtype, (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_catalog.pg_enum WHERE enumtypid = t.oid)
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1;
SELECT nspname COLLATE "C", pg_get_userbyid(nspowner), nspacl::text, obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1;
SELECT extname COLLATE "C", extversion FROM pg_catalog.pg_extension ORDER BY 1;
SELECT m.oid, pg_get_userbyid(lomowner), md5(lo_get(m.oid)), obj_description(m.oid, 'pg_largeobject') FROM pg_catalog.pg_largeobject_metadata m ORDER BY 1;
SELECT stxname, stxkeys FROM pg_catalog.pg_statistic_ext ORDER BY 1;
SELECT pubname, prrelid::regclass::text FROM pg_catalog.pg_publication JOIN pg_catalog.pg_publication_rel r ON prpubid = pg_publication.oid ORDER BY 1, 2;
SELECT defaclobjtype, defaclnamespace::regnamespace::text, defaclacl::text FROM pg_catalog.pg_default_acl ORDER BY 1, 2, 3;
SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, shobj_description(oid, 'pg_database'),
    (SELECT array_agg(a::text ORDER BY a::text COLLATE "C") FROM unnest(datacl) a)
  FROM pg_catalog.pg_database WHERE datname = current_database();
SELECT pg_get_userbyid(setrole), setconfig FROM pg_catalog.pg_db_role_setting
  WHERE setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) ORDER BY 1;
