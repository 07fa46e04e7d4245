DROP INDEX deliveries_recipient;
DROP TABLE leases;
