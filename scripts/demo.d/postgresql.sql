-- A small shop: enough kinds of objects that a restore has something to lose. psql -v rows=N -f demo.sql
SET client_min_messages = warning;
CREATE TYPE state AS ENUM ('new', 'paid', 'shipped', 'returned');
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    profile jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer bigint NOT NULL REFERENCES customers,
    placed timestamptz NOT NULL,
    state state NOT NULL,
    total numeric(12, 2) NOT NULL,
    note text
);
CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders,
    position int NOT NULL,
    article text NOT NULL,
    price numeric(12, 2) NOT NULL,
    PRIMARY KEY (order_id, position)
);
INSERT INTO customers (name, email, profile)
SELECT 'Customer ' || n, 'c' || n || '@example.org', jsonb_build_object('city', md5(n::text), 'visits', n % 97)
FROM generate_series(1, :rows / 20) n;
INSERT INTO orders (customer, placed, state, total, note)
SELECT 1 + n % (:rows / 20), timestamptz '2026-01-01' + n * interval '17 seconds',
       (enum_range(NULL::state))[1 + n % 4], (n % 100000) / 100.0, repeat(md5(n::text) || ' ', 1 + n % 4)
FROM generate_series(1, :rows) n;
INSERT INTO order_items SELECT n, 1, 'article ' || n % 5000, (n % 9999) / 100.0 FROM generate_series(1, :rows, 2) n;
CREATE INDEX orders_placed ON orders (placed);
CREATE VIEW open_orders AS SELECT * FROM orders WHERE state IN ('new', 'paid');
CREATE FUNCTION turnover(day date) RETURNS numeric LANGUAGE sql STABLE AS
    $$ SELECT coalesce(sum(total), 0) FROM orders WHERE placed::date = day $$;
COMMENT ON TABLE orders IS 'one row per order';
ALTER TABLE customers OWNER TO shop_owner;
ALTER TABLE orders OWNER TO shop_owner;
ALTER TABLE order_items OWNER TO shop_owner;
ANALYZE;
