"""Jobs: who acts in a worker. One file for each queue: `celery`, `rq`, `apscheduler`; each imports its own library.

Owns nothing. A job that somebody asked for acts as them, from the interface `job`; any other acts as the system, named
after the job, never as whoever ran before.
"""
