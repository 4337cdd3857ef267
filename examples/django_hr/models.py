"""People, their absences, and the roles that they were given."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=30, blank=True)

    def get_full_name(self) -> str:
        return str(self.name)


class Absence(models.Model):
    person = models.ForeignKey(Person, models.CASCADE, related_name="absences")
    starts = models.DateField()
    approved = models.BooleanField(default=False)


class RoleGiven(models.Model):
    person = models.ForeignKey(Person, models.CASCADE)
    role = models.CharField(max_length=30)
