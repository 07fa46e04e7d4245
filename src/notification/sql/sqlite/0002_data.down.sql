ALTER TABLE deliveries DROP COLUMN data;
