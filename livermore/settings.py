"""Django's settings: production-safe defaults, the environment read once in `livermore.env`."""

from __future__ import annotations

from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from livermore import env, logs
from livermore.addresses import redis_database, with_redis_database
from trading.net.endpoints import Endpoints

ENVIRONMENT = env.read()

BASE_DIR = env.PROJECT
SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = False
ALLOWED_HOSTS = list(ENVIRONMENT.hosts)

# ------------------------------------------------------------------ applications
INSTALLED_APPS = [
    "livermore.apps.LivermoreAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "axes",
    "csp",
    "ninja",
    "livermore",
    "control",
    "settings_app",
    "trading",
]
MIDDLEWARE = [
    "livermore.boundary.api_boundary",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "livermore.urls"
ASGI_APPLICATION = "livermore.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# ------------------------------------------------------------------ servers
DATABASES: dict[str, dict[str, Any]]
if ENVIRONMENT.database_url is None:
    # No stack: commands that need no database work, the others were turned away (preflight).
    DATABASES = {"default": {"ENGINE": "django.db.backends.dummy"}}
else:
    DATABASES = {"default": {**dj_database_url.parse(ENVIRONMENT.database_url)}}
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"].setdefault("OPTIONS", {})
    DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 3)
    # Values travel beside the statement: the server's log of a failed one holds none of them.
    # Statements are prepared after some uses, which halves the time of the small ones.
    DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 5}
    if ENVIRONMENT.pool_size:
        # ASGI gives every request a fresh thread context: without a pool each would connect anew.
        # Whoever serves has limits as well: one hung query must not take a thread for ever, and a
        # process that stands still in mid-transaction keeps its locks no longer than the lease
        # that it wrote under runs on at least (TTL - renewal = 5 s). None of ours pauses that long
        # between two statements.
        DATABASES["default"]["OPTIONS"] |= {
            "pool": {"min_size": 1, "max_size": ENVIRONMENT.pool_size, "timeout": 3.0},
            "options": (
                "-c statement_timeout=10s -c lock_timeout=5s"
                " -c idle_in_transaction_session_timeout=4s"
            ),
            "tcp_user_timeout": 10_000,
        }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = ENVIRONMENT.redis_url or "redis://127.0.0.1:6379/0"  # the wire
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        # Another logical database than the wire: the cache's clear() is FLUSHDB.
        "LOCATION": with_redis_database(REDIS_URL, redis_database(REDIS_URL) + 1),
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 2, "SOCKET_TIMEOUT": 2},
    },
}

EXCHANGES = {
    "coinbase": Endpoints(rest=ENVIRONMENT.coinbase_rest, websocket=ENVIRONMENT.coinbase_websocket),
    "binance": Endpoints(rest=ENVIRONMENT.binance_rest, websocket=ENVIRONMENT.binance_websocket),
    # It tells the address of each connection itself.
    "kucoin": Endpoints(rest=ENVIRONMENT.kucoin_rest, websocket=""),
}

# ------------------------------------------------------------------ users
AUTH_USER_MODEL = "settings_app.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Whose settings may name which variables (`settings_app.credentials`): the operator's word alone.
CREDENTIAL_GRANTS = ENVIRONMENT.credential_grants

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:control"
LOGOUT_REDIRECT_URL = "admin:login"

# Ten wrong passwords for one name from one address lock that pair out for a quarter of an hour:
# the name alone would let a stranger lock its owner out.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says how long; it is kept
AXES_LOCKOUT_CALLABLE = "livermore.lockout.locked_out"
AXES_CLIENT_IP_CALLABLE = "livermore.lockout.address_of"
AXES_VERBOSE = False

# ------------------------------------------------------------------ security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
# The settings' form posts four fields for each row of a watchlist, which may have 2,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# In PostgreSQL alone: while Redis is away nobody could read a session that is cached there, and so
# nobody could record a pause.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CSRF_COOKIE_HTTPONLY = True  # pages read the token from their form
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_A_PROXY = ENVIRONMENT.https
if BEHIND_A_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.hosts]

# ------------------------------------------------------------------ static files
STATIC_URL = "static/"
STATIC_ROOT = ENVIRONMENT.state.static
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "livermore.static.PackagesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "livermore.static.HashedStaticFiles"
        if ENVIRONMENT.hashed_static
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
WHITENOISE_USE_FINDERS = not ENVIRONMENT.hashed_static
WHITENOISE_AUTOREFRESH = not ENVIRONMENT.hashed_static

# ------------------------------------------------------------------ what watches the workers
# Every web process looks whether somebody drives each runtime (`control.absence`).
WATCHES_FOR_WORKERS = True
# The worker asks for this while all is well (`control.deadman`). A secret; None: it asks nobody.
DEADMAN_URL = ENVIRONMENT.deadman_url

# ------------------------------------------------------------------ e-mail
# Django's backend, which also tells how far a letter came (`trading.alerts.email`). Without a
# server nobody is asked, and whoever wanted a letter is told why there is none.
EMAIL_BACKEND = "trading.alerts.smtp.EmailBackend"
EMAIL_HOST = ENVIRONMENT.mail.host if ENVIRONMENT.mail else ""
EMAIL_TIMEOUT = 10
if ENVIRONMENT.mail:
    EMAIL_PORT = ENVIRONMENT.mail.port
    EMAIL_HOST_USER = ENVIRONMENT.mail.user
    EMAIL_HOST_PASSWORD = ENVIRONMENT.mail.password
    EMAIL_USE_SSL = ENVIRONMENT.mail.encryption == "tls"
    EMAIL_USE_TLS = ENVIRONMENT.mail.encryption == "starttls"
    DEFAULT_FROM_EMAIL = ENVIRONMENT.mail.sender

# ------------------------------------------------------------------ language, time, logs
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "livermore.formats"

LOGGING = logs.logging_config(as_json=ENVIRONMENT.log_json)
logs.configure_structlog()
