#!/usr/bin/env bash
# Syslog messages from glossy are up to nine tenths of a second late whenever their milliseconds are below 100.
#
# Version:   glossy 0.1.7 (npm), which winston-syslog 2.7.1 writes its messages with; seen with Node.js 20.
# Expected:  the fraction of a second has three digits, so that the time that a receiver reads is the time that was
#            sent.
# Seen:      it is padded to two digits: 5 ms is written .05 and read as 50 ms, 42 ms is written .42 and read as 420
#            ms. Every tenth message is late, by 9 to 891 ms. Sorted by their time, messages of one second change
#            places: what happened at 42 ms stands behind what happened at 120 ms. Its own parser reads the wrong
#            time as well.
# Met by:    whoever streams entries to a collector from Node.js and lines them up with another source: a permission
#            is used before it is given, an answer stands before the question.
# Instead:   send a number with each message and sort by that, or write the time yourself into the text; messages of
#            the older format (RFC 3164, the default) have whole seconds and are not affected.
# Known:     RFC 5424 warns of this very mistake in appendix A.4; open since 2021 in glossy and in winston-syslog.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact glossy@0.1.7
cat >times.mjs <<'PROGRAM'
import glossy from 'glossy';

const producer = new glossy.Produce({ type: 'RFC5424' });
const second = Date.UTC(2026, 10, 30, 10);
const late = [];
for (let millisecond = 0; millisecond < 1000; millisecond += 1) {
  const date = new Date(second + millisecond);
  const entry = { facility: 'audit', severity: 'info', host: 'hr', appName: 'log', pid: '1', message: 'x' };
  const line = producer.produce({ ...entry, date });
  const read = Date.parse(line.split(' ')[1]) - second;
  if ([5, 42, 120].includes(millisecond)) console.log(`${millisecond} ms: ${line} is read as ${read} ms`);
  if (read !== millisecond) late.push([millisecond, read - millisecond]);
}
const lags = late.map(([, lag]) => lag);
const shortest = Math.min(...lags);
const longest = Math.max(...lags);
console.log(`${late.length} of 1,000 are late, by ${shortest} to ${longest} ms; the last at ${late.at(-1)?.[0]} ms`);
if (late.length !== 99 || late.at(-1)[0] !== 99 || longest !== 891) {
  console.error('glossy writes milliseconds below 100 in another way.');
  process.exit(1);
}
PROGRAM
TZ=UTC node times.mjs
