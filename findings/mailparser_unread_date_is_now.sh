#!/usr/bin/env bash
# A message whose date mailparser cannot read was sent, it says, this very moment.
#
# Version:   mailparser 3.14.2 (npm) with everything that it needs, seen with Node.js 20.
# Expected:  a date in a form that the parser does not know is missing from the answer, as it is when there is no
#            date.
# Seen:      it is the time of parsing, in `date` and among the headers, with nothing that tells it from a real one;
#            parsed again, the same message has another date. It is enough that the zone is a name like CET, which
#            RFC 5322 (section 4.3) wants read as an unknown offset, or that one of its old forms is used, which
#            readers have to accept: a military letter as zone, spaces around the colons. A message without any date
#            has none, as it should.
# Met by:    whoever turns mail into entries (applications, sick notes, answers of another system): old mail that is
#            brought in stands at the hour of the import, and since an id made from content now differs each time,
#            twice.
# Instead:   read `headerLines`, where the text of the header stands, or compare two parses a moment apart; take the
#            server's time of receipt where the date does not read.
# Known:     a line of its source means it so; the readme does not say it, and no issue about it was found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >package.json <<'PACKAGES'
{
  "private": true,
  "dependencies": {
    "@selderee/plugin-htmlparser2": "0.12.0",
    "@zone-eu/mailsplit": "5.4.30",
    "deepmerge-ts": "8.0.2",
    "dom-serializer": "2.0.0",
    "domelementtype": "2.3.0",
    "domhandler": "5.0.3",
    "domutils": "3.2.2",
    "encoding-japanese": "2.5.0",
    "entities": "7.0.1",
    "he": "1.2.0",
    "html-to-text": "10.0.1",
    "htmlparser2": "10.1.0",
    "iconv-lite": "0.7.3",
    "leac": "0.7.0",
    "libbase64": "1.4.1",
    "libmime": "5.6.4",
    "libqp": "3.0.1",
    "linkify-it": "5.0.2",
    "mailparser": "3.14.2",
    "nodemailer": "10.3.1",
    "parseley": "0.13.1",
    "peberminta": "0.10.0",
    "punycode.js": "2.3.1",
    "safer-buffer": "2.1.2",
    "selderee": "0.12.0",
    "tlds": "1.261.0",
    "uc.micro": "2.1.0"
  },
  "overrides": { "dom-serializer": { "entities": "4.5.0" } }
}
PACKAGES
npm install --silent --no-audit --no-fund --ignore-scripts
cat >dates.mjs <<'PROGRAM'
import { simpleParser } from 'mailparser';

const start = Date.now();
const message = (date) => `From: hr@acme.example\r\n${date}Subject: Sick note\r\n\r\nHello\r\n`;
const isNow = (date) => date instanceof Date && date.getTime() >= start && date.getTime() <= Date.now();
const sent = {
  'Mon, 16 Mar 2026 09:00:00 +0100': false,
  'Mon, 16 Mar 2026 09:00:00 CET': true,
  'Mon, 16 Mar 2026 09:00:00 A': true,
  'Mon, 16 Mar 2026 09 : 00 : 00 +0100': true,
};
let changed = false;
for (const [date, expected] of Object.entries(sent)) {
  const mail = await simpleParser(message(`Date: ${date}\r\n`));
  const now = isNow(mail.date) && isNow(mail.headers.get('date'));
  console.log(`Date: ${date} is read as ${now ? 'the time of parsing' : mail.date?.toISOString()}`);
  changed ||= now !== expected || !mail.headerLines.some(({ line }) => line === `Date: ${date}`);
}
const none = (await simpleParser(message(''))).date;
console.log(`no Date at all is read as ${none}`);
if (changed || none !== undefined) {
  console.error('mailparser reads these dates, or tells when it cannot.');
  process.exit(1);
}
PROGRAM
node dates.mjs
