#!/usr/bin/env bash
# APScheduler's AsyncIOScheduler runs a coroutine in the context of whoever touched any job last.
#
# Version:   APScheduler 3.11.3 with tzlocal 5.4.5.
# Expected:  a job runs with the context variables of the code that added it, or with none: as it is for functions
#            that are not coroutines, and in every other scheduler of the library.
# Seen:      the nightly job was added at start, when nobody was signed in. Anna's request adds another job, of her
#            own; that wakes the scheduler by `call_soon_threadsafe`, which copies her context into the timer that is
#            set then, and the timer's task copies it on. The nightly job finds Anna signed in, though her request
#            is over, and goes on doing so on every later run until somebody else adds, pauses or modifies any job.
# Met by:    whoever keeps the user of a request, the tenant, a trace or a database session in a context variable:
#            the log says that Anna did at night what nobody did, or the job reads another tenant's rows.
# Instead:   begin each job by setting what it needs, or wrap the executor, so that it submits jobs in a context of
#            its own; let what a request sets in a context be ended with the request, so that copies of it say no more.
# Known:     no issue about it was found for the releases of version 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps apscheduler==3.11.3 tzlocal==5.4.5
"$folder/venv/bin/python" - <<'PROGRAM'
import asyncio
import sys
from contextvars import ContextVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler

user = ContextVar("user", default="nobody")
runs = []


async def nightly():
    runs.append(user.get())


async def hers():
    pass


async def request(scheduler):
    user.set("Anna")
    scheduler.add_job(hers)  # a task of her own: what it sets is gone when it ends


async def host():
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(nightly, "interval", seconds=0.2)
    scheduler.start()
    while len(runs) < 2:
        await asyncio.sleep(0.01)
    before = list(runs)
    runs.clear()
    await asyncio.create_task(request(scheduler))
    while len(runs) < 3:
        await asyncio.sleep(0.01)
    scheduler.shutdown(wait=False)
    return before, list(runs)


before, after = asyncio.run(host())
print(f"the nightly job ran as {', '.join(before)}, and since Anna's request added another as {', '.join(after)}")
if set(before) != {"nobody"} or set(after) != {"Anna"}:
    sys.exit("APScheduler runs a job without the context of whoever touched another.")
PROGRAM
