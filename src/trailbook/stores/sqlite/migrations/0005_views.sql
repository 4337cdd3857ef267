-- Saved views. `asked` is JSON of a filter in which items are numbers: it names nobody once they were erased.
CREATE TABLE saved_view (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  shared INTEGER NOT NULL,
  asked BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (org, owner, name)
) STRICT, WITHOUT ROWID;
-- What each viewer does with a view, a saved one or one of the ready ones.
CREATE TABLE choice (
  org TEXT NOT NULL,
  viewer TEXT NOT NULL,
  view TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  alert INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  PRIMARY KEY (org, viewer, view)
) STRICT, WITHOUT ROWID;
