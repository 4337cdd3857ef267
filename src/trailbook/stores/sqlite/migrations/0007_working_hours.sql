-- When an organisation works, as JSON; empty where it was never set.
ALTER TABLE organisation ADD COLUMN working_hours TEXT NOT NULL DEFAULT '';
