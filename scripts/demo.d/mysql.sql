-- A small shop: enough kinds of objects that a restore has something to lose. @rows is the number of orders.
CREATE TABLE digits (d INT PRIMARY KEY);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TABLE millions AS SELECT d FROM digits WHERE d <= (@rows - 1) DIV 1000000;
CREATE VIEW numbers AS
SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d + 1000000 * g.d AS n
FROM digits a, digits b, digits c, digits d, digits e, digits f, millions g;
CREATE TABLE customers (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL,
    email VARCHAR(200) NOT NULL UNIQUE,
    profile JSON NOT NULL
) CHARACTER SET utf8mb4;
CREATE TABLE orders (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    customer BIGINT NOT NULL,
    placed DATETIME NOT NULL,
    state ENUM('new', 'paid', 'shipped', 'returned') NOT NULL,
    total DECIMAL(12, 2) NOT NULL,
    note TEXT,
    KEY orders_placed (placed),
    FOREIGN KEY (customer) REFERENCES customers (id)
) COMMENT 'one row per order';
CREATE TABLE order_items (
    order_id BIGINT NOT NULL,
    position INT NOT NULL,
    article VARCHAR(100) NOT NULL,
    price DECIMAL(12, 2) NOT NULL,
    PRIMARY KEY (order_id, position),
    FOREIGN KEY (order_id) REFERENCES orders (id)
);
INSERT INTO customers (id, name, email, profile)
SELECT n, CONCAT('Customer ', n), CONCAT('c', n, '@example.org'), JSON_OBJECT('visits', n MOD 97)
FROM numbers WHERE n <= @rows / 20;
INSERT INTO orders (id, customer, placed, state, total, note)
SELECT n, 1 + n MOD (@rows DIV 20), '2026-01-01' + INTERVAL n * 17 SECOND, 1 + n MOD 4, (n MOD 100000) / 100,
       REPEAT(CONCAT(SHA2(n, 224), ' '), 1 + n MOD 4)
FROM numbers WHERE n <= @rows;
INSERT INTO order_items
SELECT n, 1, CONCAT('article ', n MOD 5000), (n MOD 9999) / 100 FROM numbers WHERE n <= @rows AND n MOD 2 = 1;
DROP VIEW numbers;
DROP TABLE digits, millions;
CREATE VIEW open_orders AS SELECT * FROM orders WHERE state IN ('new', 'paid');
CREATE FUNCTION turnover(of_day DATE) RETURNS DECIMAL(20, 2) READS SQL DATA
    RETURN (SELECT COALESCE(SUM(total), 0) FROM orders WHERE DATE(placed) = of_day);
CREATE TRIGGER no_negative_total BEFORE INSERT ON orders FOR EACH ROW SET NEW.total = GREATEST(NEW.total, 0);
