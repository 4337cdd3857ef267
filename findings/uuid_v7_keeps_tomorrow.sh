#!/usr/bin/env bash
# After the clock was ahead for a moment, uuid's version 7 ids carry that later time until the clock has caught up.
#
# Version:   uuid 14.0.3 (npm), seen with Node.js 20.
# Expected:  the first 48 bits of a version 7 id are the time at which it was made. When a clock is set back, one
#            expects either the set-back time, and so ids out of order, or a refusal.
# Seen:      the module keeps the latest time that it has seen and counts on from there. A server that starts with
#            its clock a day ahead, as virtual machines do before the first answer of a time server, writes
#            tomorrow's date into every id of that process for a whole day, while Date.now() beside it is right. The
#            ids of a worker that is started later are right, and so a day apart from them. Ids made with `msecs`
#            follow the time given.
# Met by:    whoever reads the time of an entry out of its id, cuts a log by id, or looks for "the newest" by id:
#            entries of the one worker are skipped or come first. RFC 9562 (section 6.2) allows it.
# Instead:   record the time in a member of its own, and let ids tell entries apart and no more.
# Known:     the maintainers say in an issue that time and id may differ; the readme does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact uuid@14.0.3
cat >ids.mjs <<'PROGRAM'
import { v7 } from 'uuid';

const DAY = 86_400_000;
const real = Date.now;
const start = real();
const ahead = (id) => Math.round((parseInt(id.replaceAll('-', '').slice(0, 12), 16) - start) / 3_600_000);

const before = ahead(v7());
Date.now = () => real() + DAY; // the clock is a day ahead ...
v7();
Date.now = real; // ... and is set right
const after = Array.from({ length: 10_000 }, () => ahead(v7()));
const given = ahead(v7({ msecs: real() }));

console.log(`an id made before: ${before} hours ahead of the clock`);
console.log(`10,000 ids made after: ${Math.min(...after)} to ${Math.max(...after)} hours ahead`);
console.log(`an id made with the time given: ${given} hours ahead`);
if (before !== 0 || given !== 0 || after.some((hours) => hours !== 24)) {
  console.error('The ids of uuid follow a clock that was set back.');
  process.exit(1);
}
PROGRAM
node ids.mjs
