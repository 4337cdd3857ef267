"""The settings of a small HR system with Django, whose changes stand in a log. What is Trailbook's is marked."""

import os

SECRET_KEY = os.environ.get("HR_SECRET", "of an example")
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "trailbook.django",  # Trailbook: the page, the tab in the admin and the commands; before the admin
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "trailbook.capture.django",  # Trailbook: what is captured
    "examples.django_hr",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "trailbook.capture.django.ActivityMiddleware",  # Trailbook: who acts
]
PROCESSORS = ("template.context_processors.request", "contrib.auth.context_processors.auth")
MESSAGES = "django.contrib.messages.context_processors.messages"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}]
TEMPLATES[0]["OPTIONS"] = {"context_processors": [*(f"django.{each}" for each in PROCESSORS), MESSAGES]}
ROOT_URLCONF = "examples.django_hr.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "hr.db"}}
DEFAULT_AUTO_FIELD, TIME_ZONE = "django.db.models.BigAutoField", "Europe/Oslo"
AUTH_USER_MODEL = "hr.Person"
LOGIN_URL, STATIC_URL = "/", "static/"
SILENCED_SYSTEM_CHECKS = ["trailbook.W004"]  # nobody is given Django's own groups and permissions here
ADDRESS = os.environ.get("HR_ADDRESS", "http://127.0.0.1:8000")
TRAILBOOK = {"org": "acme", "log": "trailbook.db", "base_url": ADDRESS}
