-- The restricted categories that a key may read: their names, with blanks between.
ALTER TABLE api_key ADD COLUMN restricted TEXT NOT NULL DEFAULT '';
