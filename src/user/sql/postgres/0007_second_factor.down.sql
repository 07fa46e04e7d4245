DROP TABLE signing_keys;
ALTER TABLE sessions DROP COLUMN end_reason;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
