#!/usr/bin/env bash
# scim2-filter-parser gives `and` and `or` the same rank, so that a filter without parentheses finds other people.
#
# Version:   scim2-filter-parser 0.7.0 with sly 0.5.
# Expected:  RFC 7644 (section 3.4.2.2) evaluates `and` before `or`, as every language does: A or B and C means A or
#            (B and C). The parser's own source repeats that sentence above its table of precedence.
# Seen:      both words stand on one line of that table, and are taken from the left: A or B and C becomes (A or B)
#            and C. B and C or A comes out right, so that a test with the operators in that order passes.
# Met by:    whoever answers a directory's requests with it, alone or inside a SCIM server built on it. Whoever asks
#            for a person under one of two names is told that there is none, makes a second account, and the log
#            shows somebody who was created twice.
# Instead:   put parentheses into filters that you send; as a receiver, test the order that fails, and refuse a
#            mixture of both words without parentheses until it is mended.
# Known:     no issue about it was found; one of 2020, that several operators in a row did not parse at all, is
#            closed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps scim2-filter-parser==0.7.0 sly==0.5
"$folder/venv/bin/python" - <<'PROGRAM'
import sqlite3
import sys

from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser
from scim2_filter_parser.transpilers.sql import Transpiler

COLUMNS = {("userName", None, None): "name", ("active", None, None): "active"}
users = sqlite3.connect(":memory:")
users.execute("CREATE TABLE users (name TEXT, active TEXT)")
users.executemany("INSERT INTO users VALUES (?, ?)", [("anna", "FALSE"), ("bob", "TRUE"), ("bob", "FALSE")])


def matches(text):
    condition, values = Transpiler(COLUMNS).transpile(SCIMParser().parse(SCIMLexer().tokenize(text)))
    condition = condition.format(**{name: f":{name}" for name in values})
    rows = users.execute(f"SELECT name, active FROM users WHERE {condition} ORDER BY name, active", values).fetchall()
    print(f"{text}\n  SQL:   {condition}\n  finds: {rows}")
    return rows


bare = matches('userName eq "anna" or userName eq "bob" and active eq true')
turned = matches('userName eq "bob" and active eq true or userName eq "anna"')
explicit = matches('userName eq "anna" or (userName eq "bob" and active eq true)')
if not turned == explicit == [("anna", "FALSE"), ("bob", "TRUE")]:
    sys.exit("The two spellings that came out right do so no longer.")
if bare != [("bob", "TRUE")]:
    sys.exit("scim2-filter-parser evaluates `and` before `or`, as RFC 7644 wants it.")
PROGRAM
