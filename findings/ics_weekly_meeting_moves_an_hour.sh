#!/usr/bin/env bash
# Reading a calendar with ics and writing it again moves every repeating appointment by an hour for half of the
# year.
#
# Version:   ics 0.7.3 (the newest release, as 0.8.0 is a preview), python-dateutil 2.9.0.post0 to list the
#            occurrences.
# Expected:  what is read and written unchanged is the same calendar; at worst the time zone's block is left out.
# Seen:      the start comes back in UTC, without the zone that it was given in, while the rule beside it is kept
#            word for word. A rule repeats in the zone of its start, so that a meeting at 09:00 in Oslo is at 10:00
#            from the end of March on. The first occurrence is right, which is what one looks at.
# Met by:    whoever passes on absences, shifts or interviews as calendar files, or records from one when something
#            was to take place: half the year's entries stand beside another hour, and "outside working hours" is
#            wrong.
# Instead:   icalendar keeps zone and rule; with ics, write the occurrences out one by one, each an instant of its
#            own.
# Known:     an issue of 2019 about it is closed, and the release is as it was.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps ics==0.7.3 arrow==1.4.0 attrs==26.1.0 \
  python-dateutil==2.9.0.post0 six==1.17.0 TatSu==5.15.1 tzdata==2026.6
"$folder/venv/bin/python" - <<'PROGRAM'
import datetime
import sys
import zoneinfo

from dateutil.rrule import rrulestr
from ics import Calendar

OSLO = zoneinfo.ZoneInfo("Europe/Oslo")
LINES = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Acme//Staff//EN
BEGIN:VTIMEZONE
TZID:Europe/Oslo
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:review@acme.example
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Oslo:20260316T090000
DTEND;TZID=Europe/Oslo:20260316T100000
RRULE:FREQ=WEEKLY;COUNT=4
SUMMARY:Review
END:VEVENT
END:VCALENDAR
"""


def member(lines, name):
    return next(line for line in lines.splitlines() if line.startswith(name))


def occurrences(lines):
    rule, start = member(lines, "RRULE:FREQ=WEEKLY"), member(lines, "DTSTART;TZID" if ";TZID" in lines else "DTSTART")
    print(" ", start, "|", rule)
    zone = datetime.UTC if start.endswith("Z") else OSLO
    begin = datetime.datetime.strptime(start.rpartition(":")[2].rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=zone)
    hours = [each.astimezone(OSLO).strftime("%d %b %H:%M") for each in rrulestr(rule, dtstart=begin)]
    print("  in Oslo:", ", ".join(hours))
    return [hour[-5:] for hour in hours]


print("as it was sent")
before = occurrences(LINES)
print("read and written by ics")
after = occurrences(Calendar(LINES.replace("\n", "\r\n")).serialize())
if before != ["09:00"] * 4 or after != ["09:00", "09:00", "10:00", "10:00"]:
    sys.exit("ics no longer moves the occurrences after the change of clocks by an hour.")
PROGRAM
