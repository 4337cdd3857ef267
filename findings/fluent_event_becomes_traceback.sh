#!/usr/bin/env bash
# An event that fluent-logger cannot pack is sent as somebody else's stack trace, and counted as delivered.
#
# Version:   fluent-logger 0.11.1 with msgpack 1.2.4.
# Expected:  an event with a value that MessagePack has no form for (a time, a decimal number) raises in emit(), or
#            at least makes it return False, so that the caller can mend the value or keep the event.
# Seen:      emit() returns True. What reaches the collector under the same tag is a record of level CRITICAL with
#            the text of the exception: who did what is nowhere in it, on neither side. Only `last_error` tells,
#            until it is cleared, and the next event that goes well does not clear it.
# Met by:    whoever streams activity to Fluentd or Fluent Bit. A time in an entry is the first thing that one would
#            put there, and the collector shows a busy stream without a gap.
# Instead:   turn times and decimals into text before emit(), and after each call look at `last_error` and clear it.
# Known:     the readme says the opposite, that emit() answers False after any error; an issue of 2017 about times
#            was closed when it stopped raising.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps fluent-logger==0.11.1 msgpack==1.2.4
"$folder/venv/bin/python" - <<'PROGRAM'
import datetime
import socket
import sys
import threading

import msgpack
from fluent import sender

collector = socket.create_server(("127.0.0.1", 0))
arrived = []


def collect():
    connection, _ = collector.accept()
    stream = msgpack.Unpacker(timestamp=0)
    while part := connection.recv(65536):
        stream.feed(part)
        arrived.extend(record for _, _, record in stream)


thread = threading.Thread(target=collect)
thread.start()
logger = sender.FluentSender("activity", port=collector.getsockname()[1])
plain = {"actor": "Anna", "action": "role.assigned", "at": "2026-11-30T10:00:00Z"}
timed = {"actor": "Bob", "action": "role.removed", "at": datetime.datetime(2026, 11, 30, 10, tzinfo=datetime.UTC)}
answers = [logger.emit("entry", plain), logger.emit("entry", timed), logger.emit("entry", plain)]
kept = logger.last_error
logger.close()
thread.join(10)

print("emit answered:", answers)
for record in arrived:
    print("arrived:", {name: str(value).strip().splitlines()[-1] for name, value in record.items()})
print("last_error:", repr(kept))
if answers != [True] * 3 or [record.get("action") for record in arrived] != ["role.assigned", None, "role.assigned"]:
    sys.exit("fluent-logger no longer reports an event as sent that it replaced by a traceback.")
if arrived[1]["level"] != "CRITICAL" or "Bob" in str(arrived[1]) or not isinstance(kept, TypeError):
    sys.exit("What fluent-logger sends or remembers instead of such an event has changed.")
PROGRAM
