"""The settings of the small Django host; its databases are named by the fixtures, each test's anew."""

import tempfile
from pathlib import Path

SECRET_KEY = "of a test"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "trailbook.capture.django",
    "tests.capture.django.company",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "trailbook.capture.django.ActivityMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.capture.django.company.urls"
ALLOWED_HOSTS = ["testserver"]
TRAILBOOK = {
    "org": "acme",
    "trusted_proxies": ["10.0.0.0/8"],
    "actor": "trailbook.capture.django.signed_in",  # said, for the people of this host are not its users
}
_FOLDER = Path(tempfile.gettempdir())
DATABASES = {
    alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(_FOLDER / "no-such-folder" / alias)}
    for alias in ("default", "other")
}
