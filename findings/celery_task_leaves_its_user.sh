#!/usr/bin/env bash
# A Celery worker runs a task with the context variables that the task before it has set.
#
# Version:   celery 5.7.0 with kombu 5.7.0 and billiard 4.3.2.
# Expected:  a context variable that a task sets is gone with the task, as it is with a task of asyncio and with
#            a request of Starlette: each of them has a context of its own.
# Seen:      in the pools solo, prefork and threads all tasks of a worker's process, or of its thread, run in one
#            context. What Anna's task set, the next one finds, whoever sent it, and so do all others until one of
#            them sets something else. With one task at a time in development nobody sees it.
# Met by:    whoever sets the user or the tenant at the beginning of some tasks, in a variable that the log reads in
#            all: a cleaning job that nobody asked for is recorded as Anna's, or done in her tenant.
# Instead:   set it and take it back in `task_prerun` and `task_postrun`, for every task, those without a user too; or
#            run the body of a task in `contextvars.Context().run(...)`.
# Known:     an issue of 2014 asks the same of thread-local storage, and was closed; none was found about contexts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps celery==5.7.0 kombu==5.7.0 billiard==4.3.2 amqp==5.4.2 \
  vine==5.1.0 click==8.5.1 click-didyoumean==0.3.1 click-repl==0.4.1 click-plugins==1.1.1.2 prompt-toolkit==3.0.53 \
  wcwidth==0.9.4 typing-extensions==4.16.0 python-dateutil==2.9.0.post0 six==1.17.0 tzdata==2026.6 tzlocal==5.4.5
cd "$folder"
mkdir messages control results
cat >host.py <<'PROGRAM'
from contextvars import ContextVar

from celery import Celery

user = ContextVar("user", default="nobody")
url = "{}://{}".format
app = Celery("host", broker=url("filesystem", ""), backend=url("file", "results"))
app.conf.broker_transport_options = {
    "data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"
}


@app.task
def sign_off(name):
    user.set(name)


@app.task
def clean_up():
    return user.get()
PROGRAM
cat >send.py <<'PROGRAM'
import sys

from host import clean_up, sign_off

ran = []
ran.append(clean_up.delay().get(timeout=60))
sign_off.delay("Anna").get(timeout=60)
ran += [clean_up.delay().get(timeout=60) for _ in range(3)]
print(f"{sys.argv[1]}: cleaned up as {ran[0]}, and after Anna's task as {', '.join(ran[1:])}")
if ran != ["nobody", "Anna", "Anna", "Anna"]:
    sys.exit(f"A worker of the pool {sys.argv[1]} forgets what a task has set.")
PROGRAM
for pool in solo prefork threads; do
  venv/bin/python -W ignore -m celery -q -A host worker -P "$pool" -c 1 -l critical >/dev/null 2>&1 &
  worker=$!
  trap 'kill "$worker" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
  venv/bin/python send.py "$pool"
  kill "$worker"
  wait "$worker" || true
done
