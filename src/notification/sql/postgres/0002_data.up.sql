-- The event's data, for what the mail says; the token of a link in it is sealed. NULL once the mail is out.
ALTER TABLE deliveries ADD COLUMN data TEXT;
