-- The restricted categories that a role may read: their names, with blanks between.
ALTER TABLE role ADD COLUMN categories TEXT NOT NULL DEFAULT '';
