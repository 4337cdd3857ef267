"""People, of whom two are there from the start: one before their table is made anew, and one after."""

from typing import Any, ClassVar

from django.db import connection, migrations, models


def unread(apps: Any, editor: Any) -> None:
    """A text that the judge cannot read, before there is any table it could write to."""
    text = "SELECT 1 /* a /* b */" if connection.vendor == "sqlite" else "DO $$ BEGIN PERFORM 1; END $$"
    with editor.connection.cursor() as cursor:
        cursor.execute(text)


def first(apps: Any, editor: Any) -> None:
    """The first row."""
    apps.get_model("company", "Person").objects.create(name="First")


def second(apps: Any, editor: Any) -> None:
    """The second row, and a change of the first."""
    model = apps.get_model("company", "Person")
    model.objects.create(name="Second")
    model.objects.filter(name="First").update(phone="1")


class Migration(migrations.Migration):  # type: ignore[misc]  # Django ships no types
    """Every step in one migration."""

    atomic = True
    operations: ClassVar[list[Any]] = [
        migrations.RunPython(unread),
        migrations.CreateModel(
            "Person",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=50)),
                ("email", models.CharField(max_length=100, null=True)),
                ("phone", models.CharField(max_length=20, null=True)),
                ("seen", models.IntegerField(default=0)),
                ("notes", models.JSONField(default=dict)),
                ("mentor", models.ForeignKey("self", models.SET_NULL, null=True)),
            ],
            {"db_table": "app_user"},
        ),
        migrations.RunPython(first),
        migrations.AlterField("Person", "name", models.CharField(max_length=100)),
        migrations.RunPython(second),
    ]
