-- What the host says of an item today, to tell namesakes apart: the last one by the time of its entry, `at`. In no hash,
-- and erased with the item. An empty text says that the host took it back: one of an earlier time says nothing then.
CREATE TABLE hint (
  org INTEGER NOT NULL,
  item INTEGER NOT NULL,
  text TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (org, item)
) STRICT, WITHOUT ROWID;
