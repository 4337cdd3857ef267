-- Who may do what. Whoever was signed in signs in again: sessions are looked up differently from here on.
ALTER TABLE api_key ADD COLUMN old_hash BLOB;
ALTER TABLE api_key ADD COLUMN old_until INTEGER;
ALTER TABLE api_key ADD COLUMN used_at INTEGER;
ALTER TABLE api_key ADD COLUMN categories TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN only_itself INTEGER NOT NULL DEFAULT 0;

DROP TABLE session;
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
CREATE TABLE organisation (
  org TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  suspended_at INTEGER,
  withheld TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `permissions` are the names of those that are full, with blanks between.
CREATE TABLE role (
  org TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  permissions TEXT NOT NULL,
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
