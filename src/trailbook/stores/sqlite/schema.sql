-- The current truth; a test proves that the migrations end here.

-- One row an organisation: its head. `range` is the tree's compact range, 32 bytes a hash.
CREATE TABLE org (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  range BLOB NOT NULL,
  recorded_at INTEGER NOT NULL,
  items INTEGER NOT NULL,
  removed INTEGER NOT NULL
) STRICT;

-- place = organisation number * 2^40 + seq, so that one organisation's entries lie together and in order.
-- `body` is what bodies.py makes of the hashed bytes. `leaf` is kept only where retention removed the body.
CREATE TABLE entry (
  place INTEGER PRIMARY KEY,
  body BLOB,
  leaf BLOB,
  CHECK ((body IS NULL) = (leaf IS NOT NULL))
) STRICT;

CREATE TABLE entry_id (
  org INTEGER NOT NULL,
  id BLOB NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

-- The directory. With `word` and `hint` the only place where names, ids, addresses and user agents stand.
-- `key` is type/id, or origin/owner/ip; it, `name` and `salt` are NULL once erased.
CREATE TABLE identity (
  version INTEGER PRIMARY KEY,
  org INTEGER NOT NULL,
  item INTEGER NOT NULL,
  token BLOB NOT NULL,
  type TEXT NOT NULL,
  key TEXT,
  name TEXT,
  salt BLOB,
  owner INTEGER
) STRICT;
CREATE UNIQUE INDEX identity_token ON identity (org, token);
CREATE INDEX identity_key ON identity (org, key) WHERE key IS NOT NULL;
CREATE INDEX identity_item ON identity (org, item);
CREATE INDEX identity_owner ON identity (org, owner) WHERE owner IS NOT NULL;

CREATE TABLE word (
  org INTEGER NOT NULL,
  word TEXT NOT NULL,
  item INTEGER NOT NULL,
  PRIMARY KEY (org, word, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX word_item ON word (org, item);

-- What the host says of an item today, to tell namesakes apart: the last one by the time of its entry, `at`. In no hash,
-- and erased with the item. An empty text says that the host took it back: one of an earlier time says nothing then.
CREATE TABLE hint (
  org INTEGER NOT NULL,
  item INTEGER NOT NULL,
  text TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (org, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE blob (
  number INTEGER PRIMARY KEY,
  org INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  content BLOB NOT NULL,
  UNIQUE (org, kind, key)
) STRICT;

-- The registry: who may open a log. Of a key, link or session only a SHA-256 is kept.
CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  secret_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
, old_hash BLOB, old_until INTEGER, used_at INTEGER, categories TEXT NOT NULL DEFAULT '', only_itself INTEGER NOT NULL DEFAULT 0, restricted TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE session (
  token_hash BLOB PRIMARY KEY,
  org TEXT NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  roles TEXT,
  expires_at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_item ON session (org, type, id);

-- `version` counts the changes of an organisation's access, so that two at once do not pass each other.
-- `working_hours` is JSON, or empty where they were never set.
CREATE TABLE organisation (
  org TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  suspended_at INTEGER,
  withheld TEXT NOT NULL
, working_hours TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;

-- `permissions` are the names of those that are full, `categories` of the restricted ones it may read, with blanks
-- between.
CREATE TABLE role (
  org TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  permissions TEXT NOT NULL, categories TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (org, id)
) STRICT, WITHOUT ROWID;

-- `password` is an Argon2id hash in PHC form.
CREATE TABLE member (
  org TEXT NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  roles TEXT NOT NULL,
  login TEXT,
  password TEXT,
  disabled_at INTEGER,
  PRIMARY KEY (org, type, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX member_login ON member (org, login) WHERE login IS NOT NULL;

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
