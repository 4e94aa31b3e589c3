ALTER TABLE products ADD COLUMN stock integer NOT NULL DEFAULT 0;
UPDATE products SET stock = 10;
ALTER TABLE products ADD CONSTRAINT stock_is_never_negative CHECK (stock >= 0);
