#!/usr/bin/env bash
# ldap3 turns the two ways in which Active Directory says "never expires" into the years 1601 and 9999.
#
# Version:   ldap3 2.9.1 with pyasn1 0.6.5, its own offline Active Directory schema and its own directory in memory.
# Expected:  accountExpires has two values for "never": 0, and the largest 64-bit number. One expects None for both,
#            or the numbers as they stand; whoever tries it on new accounts sees 9999 and takes "far away" as the
#            rule.
# Seen:      the attribute comes as a datetime. The largest number is the last microsecond of 9999; 0, which an
#            account gets when an end date is taken away again, is 1 January 1601. Compared with now, that account
#            expired long ago. The same date stands in pwdLastSet, where 0 means that the password has to be changed
#            at the next sign-in.
# Met by:    directory synchronisation that records who lost access: people whose temporary contract was made
#            permanent are written down as expired, once in every run.
# Instead:   read `raw_values` and decide 0 and 9223372036854775807 before anything becomes a date.
# Known:     the directory's documentation has both values; no issue of ldap3 about reading them was found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps ldap3==2.9.1 pyasn1==0.6.5
"$folder/venv/bin/python" - <<'PROGRAM'
import sys

from ldap3 import MOCK_SYNC, OFFLINE_AD_2012_R2, Connection, Server

STAFF = {
    "Anna (an end date was taken away)": "0",
    "Bob (never had one)": "9223372036854775807",
    "Kari (has one)": "134405568000000000",
}
server = Server("directory", get_info=OFFLINE_AD_2012_R2)
connection = Connection(server, "cn=reader,dc=acme,dc=example", "reader", client_strategy=MOCK_SYNC)
connection.strategy.add_entry("cn=reader,dc=acme,dc=example", {"userPassword": "reader", "sn": "reader"})
for number, expires in enumerate(STAFF.values()):
    connection.strategy.add_entry(
        f"cn=p{number},ou=staff,dc=acme,dc=example", {"sn": f"p{number}", "accountExpires": expires, "pwdLastSet": "0"}
    )
connection.bind()

years = []
for number, name in enumerate(STAFF):
    connection.search("ou=staff,dc=acme,dc=example", f"(sn=p{number})", attributes=["accountExpires", "pwdLastSet"])
    entry = connection.entries[0]
    expires, changed = entry.accountExpires, entry.pwdLastSet
    print(f"{name}: sent {expires.raw_values[0].decode()}, read {expires.value}; password changed {changed.value}")
    years.append((expires.value.year, changed.value.year))
if years != [(1601, 1601), (9999, 1601), (2026, 1601)]:
    sys.exit("ldap3 reads the two values for never, or a password that was never set, in another way.")
PROGRAM
