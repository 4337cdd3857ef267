"""What Nordlys AS is made of: names of people, teams, roles, permissions, courses, and the canaries.

Owns words only; who exists and when is for the simulation. The canaries stand in the HR system's own
columns (salaries, national ids, notes, secrets), so that a test can look for them in every file of the log.
"""

from typing import NamedTuple

ORGANISATION = "Nordlys AS"

# Distinctive enough that finding one in a file of the log can have one cause only.
CANARY_SALARY = "913274.55"
CANARY_NATIONAL_ID = "31127156719"
CANARY_NOTE = "Kanarifuglen sang ved Mjøsa"
CANARY_SECRET = "kanari-4417-visma-hemmelig"
CANARY_ACCOUNT = "86011117947"
CANARIES = (CANARY_SALARY, CANARY_NATIONAL_ID, CANARY_NOTE, CANARY_SECRET, CANARY_ACCOUNT)


class Colleague(NamedTuple):
    """Somebody whom the story needs by name; `boss` is another one's id."""

    id: str
    first: str
    last: str
    title: str
    department: str
    boss: str | None


class Lead(NamedTuple):
    """Who leads a department, by id, and how many of a hundred people work there."""

    head: str
    share: int


CEO, HR_LEAD, HR_ADVISOR = "u-1001", "u-1002", "u-1003"
PAYROLL, IT_LEAD, SUPPORT = "u-1004", "u-1005", "u-1006"
REVIEWED, MARRIED, NEW_HIRE, MERGED = "u-1011", "u-1012", "u-2000", "u-2001"

COLLEAGUES = (
    Colleague(CEO, "Bjørn", "Åkesson", "Chief executive", "management", None),
    Colleague(HR_LEAD, "Ingrid", "Sæther", "HR lead", "hr", CEO),
    Colleague(HR_ADVISOR, "Freja", "Kjær", "HR adviser", "hr", HR_LEAD),
    Colleague(PAYROLL, "Solveig", "Ødegård", "Payroll specialist", "finance", "u-1007"),
    Colleague(IT_LEAD, "Mikael", "Nyström", "IT lead", "it", CEO),
    Colleague(SUPPORT, "Tuomas", "Mäkelä", "IT support engineer", "it", IT_LEAD),
    Colleague("u-1007", "Sigríður", "Jónsdóttir", "Finance lead", "finance", CEO),
    Colleague("u-1008", "Håkon", "Brækhus", "Head of operations", "operations", CEO),
    Colleague("u-1009", "Märta", "Öberg", "Head of sales", "sales", CEO),
    Colleague("u-1010", "Søren", "Højgaard", "Head of engineering", "engineering", CEO),
    Colleague(REVIEWED, "Jonas", "Lindström", "Platform engineer", "it", IT_LEAD),
    Colleague(MARRIED, "Åse", "Bjørnstad", "Project lead", "engineering", "u-1010"),
    # Several people share a name: only the id tells them apart.
    Colleague("u-1013", "Anna", "Berg", "Technician", "operations", "u-1008"),
    Colleague("u-1014", "Anna", "Berg", "Account executive", "sales", "u-1009"),
    Colleague("u-1015", "Lars", "Hansen", "Technician", "operations", "u-1008"),
    Colleague("u-1016", "Lars", "Hansen", "Engineer", "engineering", "u-1010"),
    Colleague("u-1017", "Lars", "Hansen", "Accountant", "finance", "u-1007"),
)
STAYING = frozenset(
    (*(colleague.id for colleague in COLLEAGUES), NEW_HIRE)
)  # the story needs them to the end
NEW_NAME = "Lindqvist"  # Åse's, once she has married
NEWCOMER = Colleague(NEW_HIRE, "Live", "Sørbø", "Engineer", "engineering", "u-1010")

_FIRST_NAMES = """
Aksel Alma Anders Astrid Aurora Berit Birk Björn Bodil Camilla Christian Dagny Ebba Eero Eirik
Elin Elsa Emil Erik Eva Fredrik Frøya Gro Gunnar Guðrún Göran Hanna Hedda Helge Henrik Ida Iben
Inger Jens Johanna Jørgen Karin Kasper Kjersti Knut Kåre Leif Linnéa Liv Magnus Maja Malin Mads
Nora Oda Olav Oskar Päivi Ragnhild Rasmus Rune Signe Sigurd Siri Sofie Stian Sunniva Svein Søren
Thea Tor Torbjørn Tove Trygve Tuva Ulrik Vigdis Viktor Vilde Ylva Yngve Øystein Øyvind Åsmund
Åge Åshild Zainab Amir Fatima Ewa Piotr Priya Minh Yusuf Ægir
"""
FIRST_NAMES = tuple(_FIRST_NAMES.split())
_LAST_NAMES = """
Aas Andersson Bakke Berge Bjerke Björklund Bø Bråten Christensen Dahl Eide Engström Eriksen
Fjeld Forsberg Frøyland Gjerde Granlund Grønvold Haga Hagen Halvorsen Haugen Holm Håland Isaksen
Jakobsen Jensen Johansson Jørgensen Karlsen Kjeldsen Knudsen Korhonen Kristiansen Kvåle Larsen
Lie Lindberg Lund Løvås Madsen Moe Møller Myhre Nielsen Nilsen Norén Nygård Næss Olsen Pedersen
Rasmussen Rød Rønning Sandvik Skår Solberg Strøm Sund Sæbø Sørensen Tangen Thorsen Tveit Ueland
Vik Virtanen Wåhlin Ytterdal Østby Øvrebø Åberg Ås Hussein Kowalska Nguyen Sharma
"""
LAST_NAMES = tuple(_LAST_NAMES.split())

DEPARTMENTS = {
    "management": "Management",
    "hr": "People and culture",
    "finance": "Finance",
    "it": "IT",
    "operations": "Operations",
    "sales": "Sales",
    "engineering": "Engineering",
}
LEADS = {
    "operations": Lead("u-1008", 38),
    "engineering": Lead("u-1010", 26),
    "sales": Lead("u-1009", 18),
    "finance": Lead("u-1007", 7),
    "it": Lead(IT_LEAD, 7),
    "hr": Lead(HR_LEAD, 4),
}
TEAMS = {
    "operations": ("Field north", "Field south", "Warehouse"),
    "engineering": ("Grid", "Instruments", "Quality"),
    "sales": ("Nordic sales", "Customer care"),
    "finance": ("Accounting",),
    "it": ("Platform",),
    "hr": ("HR",),
    "management": ("Management",),
}
TITLES = {
    "operations": ("Technician", "Senior technician", "Field supervisor", "Warehouse operator", "Planner"),
    "engineering": ("Engineer", "Senior engineer", "Test engineer", "Project lead", "Principal engineer"),
    "sales": ("Account executive", "Sales engineer", "Customer adviser", "Key account lead"),
    "finance": ("Accountant", "Controller", "Payroll specialist"),
    "it": ("Systems engineer", "Platform engineer", "IT support engineer"),
    "hr": ("HR adviser", "Recruiter"),
    "management": ("Chief executive",),
}
LOCATIONS = ("Tromsø", "Bodø", "Ålesund", "Oslo", "Malmö", "Aarhus")

ROLES = {
    "employee": "Employee",
    "line-lead": "Line lead",
    "department-head": "Department head",
    "hr-adviser": "HR adviser",
    "hr-administrator": "HR administrator",
    "payroll-officer": "Payroll officer",
    "payroll-approver": "Payroll approver",
    "system-administrator": "System administrator",
    "support-agent": "Support agent",
    "safety-representative": "Safety representative",
    "recruiter": "Recruiter",
    "auditor": "Internal auditor",
    "project-lead": "Project lead",
    "report-reader": "Report reader",
}
SPARE_ROLES = ("safety-representative", "recruiter", "auditor", "project-lead", "report-reader", "line-lead")
PERMISSIONS = {
    "people.read": "See people",
    "people.edit": "Edit people",
    "people.invite": "Invite people",
    "roles.assign": "Give and take roles",
    "roles.edit": "Edit roles",
    "absence.read": "See absence",
    "absence.approve": "Approve absence",
    "competence.verify": "Verify competence",
    "salary.read": "See salaries",
    "salary.edit": "Edit salaries",
    "payroll.run": "Run payroll",
    "reports.run": "Run reports",
    "integrations.edit": "Edit integrations",
    "activity-log": "Activity log",
}
PERMISSION_SETS = {"set-line": "Line leadership", "set-hr": "HR core", "set-pay": "Payroll"}
LEVELS = ("none", "limited", "full")

VISMA, ENTRA, HULDRA, MOODLE = "visma-payroll", "entra-id", "huldra-archive", "moodle"
INTEGRATIONS = {
    VISMA: "Visma Payroll",
    ENTRA: "Microsoft Entra ID",
    HULDRA: "Huldra Archive",
    MOODLE: "Moodle Courses",
}
RULES = {  # the system's own jobs, each an actor of its own
    "access-expiry": "Access expiry",
    "competence-reminders": "Competence reminders",
    "account-guard": "Account guard",
    "leave-accrual": "Leave accrual",
    "payroll-calendar": "Payroll calendar",
}

COURSES = {
    "first-aid": ("First aid", 24),
    "working-at-heights": ("Working at heights", 24),
    "hot-work": ("Hot work", 36),
    "electrical-safety": ("Electrical safety FSE", 12),
    "privacy-basics": ("Privacy basics", 12),
    "forklift": ("Forklift T1-T4", None),
    "grid-design": ("Grid design", None),
    "project-leadership": ("Project leadership", None),
    "norwegian-b2": ("Norwegian B2", None),
}
MANDATORY = ("first-aid", "electrical-safety", "privacy-basics")
ABSENCE_TYPES = {
    "vacation": "Vacation",
    "sick-self": "Sick leave, self-certified",
    "sick-doctor": "Sick leave, doctor's note",
    "sick-child": "Sick child",
    "parental": "Parental leave",
    "unpaid": "Unpaid leave",
}
FOLLOW_UP_STEPS = ("plan", "dialogue", "review")
USER_FIELDS = {"shoe-size": "Shoe size", "car-plate": "Car plate", "allergies": "Allergies", "union": "Union"}

# What the other modules have from the start, by kind and id.
THINGS: dict[str, dict[str, str]] = {
    "team": {
        "field-south": "Field south",
        "field-north": "Field north",
        "grid": "Grid",
        "nordic-sales": "Nordic sales",
    },
    "department": {"operations": "Operations"},
    "user_field": {"car-plate": "Car plate"},
    "course": {
        "course-privacy": "Privacy basics",
        "course-fire": "Fire safety",
        "course-lead": "Leading a shift",
        "course-english": "English for technicians",
    },
    "document_type": {  # none that tells of anybody's health or conduct
        "doc-contract": "Employment contract",
        "doc-certificate": "Course certificate",
        "doc-licence": "Driving licence",
        "doc-addendum": "Change of contract",
    },
    "report": {
        "report-staff": "Headcount by team",
        "report-absence": "Absence by month",
        "report-skills": "Skills due",
    },
    "handbook_page": {
        "page-travel": "Travel and expenses",
        "page-home": "Working from home",
        "page-safety": "Safety",
    },
    "setting": {"setting-hours": "Working hours", "setting-notice": "Notice before vacation"},
    "workflow": {"workflow-onboarding": "Onboarding of engineers"},
    "notification_rule": {"rule-expiry": "Certificates about to expire"},
    "module": {"module-goals": "Goals"},
}
EQUIPMENT = ("Laptop", "Access card", "Mobile phone", "Van EL 48213", "Tool case")
FIRST_TASKS = ("Order a laptop and a phone", "Show the newcomer around", "Plan the first weeks")
VACANCIES = ("Technician, Field south", "Senior engineer, Grid", "Account executive", "Controller")

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
)
MOBILE = AGENTS[3:]
NOTES = (
    "Back pain, doctor's note received by e-mail",
    "Travels to Røros with the family",
    "Wants to talk about workload before the review",
    "Prefers calls after two o'clock",
    "Knee operation at Ullevål",
    "Daughter starts school",
)
