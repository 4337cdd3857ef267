"""Django 6's tasks act as whoever enqueued them; what nobody asked for is the system's, named after the task."""

import asyncio

import django
import pytest
from tests.capture.django.company.models import Person
from tests.capture.django.outbox import ANNA, waiting

from trailbook.capture import acting_as
from trailbook.capture.django import tasks
from trailbook.model import Actor

BOB = Actor(kind="person", type="user", id="u-42", name="Bob Li")
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@tasks.activity_task
def add_person(name: str) -> None:
    """Add somebody."""
    Person.objects.create(name=name)


@tasks.activity_task
async def add_person_awaited(name: str) -> None:
    """Add somebody, awaited."""
    await Person.objects.acreate(name=name)


class Queue:
    """A queue as any backend is: what is enqueued runs later, elsewhere, with arguments that are text."""

    def __init__(self) -> None:
        self.kept: list[tuple[tuple[str, ...], dict[str, str]]] = []

    def enqueue(self, *args: str, **more: str) -> None:
        """Keep a task's arguments."""
        self.kept.append((args, more))


def test_a_worker_acts_as_whoever_asked(host: None) -> None:
    """Two people and nobody, one after the other in one process."""
    queue = Queue()
    for actor in (ANNA, BOB):
        with acting_as(actor):
            tasks.enqueue(queue, f"by {actor.name}")
    tasks.enqueue(queue, "by nobody")
    for args, more in queue.kept:
        add_person(*args, **more)
    who = {
        entry["target"]["name"]: (entry["actor"]["id"], entry["origin"]["interface"]) for entry in waiting()
    }
    assert who == {
        "by Anna Berg": ("u-17", "job"),
        "by Bob Li": ("u-42", "job"),
        "by nobody": ("add-person", "job"),
    }


if django.VERSION >= (6,):  # the older one has no tasks; test_versions.py runs this file with the newer one

    def test_a_task_of_django(host: None) -> None:
        """Django's own backend takes such a task, awaited or not, and runs it as who asked."""
        from django.tasks import task  # noqa: PLC0415  # only Django 6 has it

        with acting_as(ANNA):
            tasks.enqueue(task(add_person), "a")
            asyncio.run(tasks.aenqueue(task(add_person_awaited), "b"))
        task(add_person).enqueue("c")
        assert [entry["actor"]["id"] for entry in waiting()] == ["u-17", "u-17", "add-person"]
