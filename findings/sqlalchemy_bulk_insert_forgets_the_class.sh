#!/usr/bin/env bash
# A bulk insert of a subclass in SQLAlchemy stores the class of its base where the discriminator's column has a name of
# its own.
#
# Version:   SQLAlchemy 2.1.9 and 2.0.58 (2.1.9 is run here).
# Expected:  session.execute(insert(Manager), rows) fills in the discriminator of Manager, as it does where the mapped
#            attribute and its column have the same name, and as session.add(Manager(...)) does always.
# Seen:      with the attribute `kind` over a column `kind_code` the rows get the column's default, the identity of the
#            base class. Both tables have their rows, no error or warning is raised, and select(Manager) fails when it
#            loads them; select(Employee) gives objects of the base class.
# Met by:    whoever imports people in bulk into an inherited model with a legacy column, and whoever captures changes by
#            class: the rows are those of another class than the one that was written.
# Instead:   give the column key="kind", or name the discriminator in every row: {"kind": "manager", ...}.
# Known:     the documentation of bulk inserts says that joined inheritance is supported, and nothing of this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps SQLAlchemy==2.1.9 typing-extensions==4.15.0
"$folder/venv/bin/python" - <<'PROGRAM'
import sys

from sqlalchemy import URL, Column, ForeignKey, Integer, String, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Session


def classes(discriminator):
    """An inherited model in two tables, whose discriminator is this column."""

    class Base(DeclarativeBase):
        pass

    class Employee(Base):
        __tablename__ = "employee"
        id = Column(Integer, primary_key=True)
        kind = discriminator
        __mapper_args__ = {"polymorphic_on": discriminator, "polymorphic_identity": "employee"}

    class Manager(Employee):
        __tablename__ = "manager"
        id = Column(ForeignKey("employee.id"), primary_key=True)
        title = Column(String)
        __mapper_args__ = {"polymorphic_identity": "manager"}

    return Base.metadata, Employee, Manager


def stored(how, discriminator):
    """The classes of the rows of two managers that were inserted in bulk, and of one that was added."""
    metadata, employee, manager = classes(discriminator)
    engine = create_engine(URL.create("sqlite"))
    metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(insert(manager), [{"title": "Head of pay"}, {"title": "Head of IT"}])
        session.add(manager(title="Head of HR"))
        session.flush()
        session.expunge_all()
        loaded = [type(each).__name__ for each in session.scalars(select(employee).order_by(employee.id))]
    print(f"{how}: two inserted in bulk, one added, loaded as {', '.join(loaded)}")
    return loaded


def column(*name, **more):
    return Column(*name, String, default="employee", **more)


alike = stored("attribute and column alike", column("kind"))
keyed = stored("another column, key='kind'", column("kind_code", key="kind"))
other = stored("another column", column("kind_code"))
if alike != ["Manager"] * 3 or keyed != alike:
    sys.exit("Bulk inserts forget the class where attribute and column are alike, too.")
if other != ["Employee", "Employee", "Manager"]:
    sys.exit("Bulk inserts keep the class where the column has a name of its own.")
PROGRAM
