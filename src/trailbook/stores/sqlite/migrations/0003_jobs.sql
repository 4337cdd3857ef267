-- Exports that were ordered. `asked` names the filter and the viewer, `said` the file once there is one: both are JSON,
-- and go with the row when somebody is erased.
CREATE TABLE job (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  viewer TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  beat_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  rows_done INTEGER NOT NULL,
  count INTEGER NOT NULL,
  as_of INTEGER NOT NULL,
  asked BLOB NOT NULL,
  said BLOB,
  problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX job_org ON job (org, created_at);
