"""The one table of the Django host. Owns its columns, the same as those of the SQLAlchemy host; refuses nothing."""

from django.db import models


class Person(models.Model):  # type: ignore[misc]  # Django ships no types
    """Somebody, under an id that the host gives."""

    id = models.IntegerField(primary_key=True)
    name = models.TextField()
    phone = models.TextField()
    title = models.TextField()

    class Meta:
        db_table = "person"
