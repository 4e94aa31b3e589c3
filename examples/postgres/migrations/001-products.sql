CREATE TABLE products (
  sku text PRIMARY KEY,
  name text NOT NULL,
  price_in_cents integer NOT NULL CHECK (price_in_cents > 0)
);

INSERT INTO products (sku, name, price_in_cents)
VALUES ('pencil', 'Pencil, 2B', 120), ('paper', 'Paper, 100 sheets', 450);
