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
-- `leaf` is kept only where retention removed the body.
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

-- The directory. With `word` the only place where names, ids, addresses and user agents stand.
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
) STRICT;

CREATE TABLE session (
  token_hash BLOB PRIMARY KEY,
  org TEXT NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  activity_log TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  link INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
