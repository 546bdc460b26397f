"""Settings, all from the environment (README, "Settings"). A wrong one stops every entry point with a sentence."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from huey.serializer import SignedSerializer

from ipexportal.standing_connections import still_stands
from tenants.keys import parse_keys
from tenants.rates import parse_rates

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
LOOPBACK_HOSTS = {"127.0.0.1", "localhost"}

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY")
FIELD_KEYS = parse_keys(env.str("FIELD_KEYS"), name="FIELD_KEYS")
INDEX_KEYS = parse_keys(env.str("INDEX_KEYS"), name="INDEX_KEYS")
PORTAL_URL = env.str("PORTAL_URL", default="http://127.0.0.1:8000").rstrip("/")
PORTAL = urlsplit(PORTAL_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[PORTAL.hostname or ""])

# Microsoft
ENTRA_AUTHORITY = env.str("ENTRA_AUTHORITY", default="https://login.microsoftonline.com").rstrip("/")
ENTRA_CLIENT_ID = env.str("ENTRA_CLIENT_ID", default="")
ENTRA_CLIENT_SECRET = env.str("ENTRA_CLIENT_SECRET", default="")
ALLOW_LOOPBACK_MICROSOFT = env.bool("ALLOW_LOOPBACK_MICROSOFT", default=False)
if ALLOW_LOOPBACK_MICROSOFT and PORTAL.hostname not in LOOPBACK_HOSTS:
    raise ImproperlyConfigured(
        "ALLOW_LOOPBACK_MICROSOFT lets the portal take any server on this machine for Microsoft. It is on, but "
        "PORTAL_URL is not a loopback address. Switch it off, or set PORTAL_URL to http://127.0.0.1:PORT."
    )
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LIMITS = parse_rates(env.str("LIMITS", default=""))

# The number index
INDEX_SYNC_SECONDS = env.int("INDEX_SYNC_SECONDS", default=180)  # between two looks at what changed in a CRM
INDEX_OLDEST_SECONDS = env.int("INDEX_OLDEST_SECONDS", default=3600)  # older ones are not asked
KNOWN_FOR_SECONDS = 2.0  # tenants.briefly: the longest that a revoked key may still open something

# Database and jobs
DATABASE_URL = env.str("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'portal.sqlite3'}")
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url_config(DATABASE_URL)}
ON_POSTGRESQL = DATABASES["default"]["ENGINE"].endswith("postgresql")
if ON_POSTGRESQL:
    pool = {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=16), "timeout": 10, "check": still_stands}
    DATABASES["default"] |= {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": pool}}
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # after a restart of PostgreSQL the pool holds dead connections
else:
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
# Streams and jobs listen on a direct connection; needed where DATABASE_URL goes through PgBouncer
STREAM_DATABASE_URL = env.str("STREAM_DATABASE_URL", default="")
if STREAM_DATABASE_URL:
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True  # they do not outlive a transaction there
elif ON_POSTGRESQL:
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5  # or psycopg keeps no statement (tenants.prepared)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Jobs and the shared cache (counters of attempts) live in the database, or in Redis
REDIS_URL = env.str("REDIS_URL", default="")
JOBS_URL = env.str("JOBS_URL", default=REDIS_URL)
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "tenants.shared_cache.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},  # Django's 300 would let a stranger's counters push out everybody else's
    }
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "ipex",
    }
REFUSED_LOOPBACK_PORTS = {
    PORTAL.port or {"https": 443}.get(PORTAL.scheme, 80),
    *([int(DATABASES["default"]["PORT"] or 5432)] if ON_POSTGRESQL else []),
    *(urlsplit(url).port or 6379 for url in (REDIS_URL, JOBS_URL) if url),
}
HUEY: dict[str, Any] = {
    "name": "ipex",
    "serializer": SignedSerializer(secret=SECRET_KEY, salt="ipex.jobs"),
    "results": False,
    "immediate": env.bool("HUEY_IMMEDIATE", default=False),
    "consumer": {
        "workers": env.int("HUEY_WORKERS", default=4),
        "worker_type": "thread",
        "shutdown_timeout": 30,  # a job that takes longer is done again; systemd waits for 45
    },
}
if HUEY["immediate"]:
    HUEY |= {"huey_class": "huey.MemoryHuey"}
elif JOBS_URL:
    HUEY |= {"huey_class": "ipexportal.job_queue.InRedis", "connection": {"url": JOBS_URL}}
elif ON_POSTGRESQL:  # its tables are made by a migration (crmwindow, "job queue tables"), not by whoever imports this
    dsn = STREAM_DATABASE_URL or DATABASE_URL  # it LISTENs
    HUEY |= {
        "huey_class": "ipexportal.job_queue.InPostgreSQL",
        "connection": {"dsn": dsn, "create_tables": False},
    }
else:
    HUEY |= {"huey_class": "huey.SqliteHuey", "connection": {"filename": f"{DATABASES['default']['NAME']}.jobs"}}

# Mail
MAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")
SMTP = {
    "host": env.str("EMAIL_HOST", default="localhost"),
    "port": env.int("EMAIL_PORT", default=25),
    "username": env.str("EMAIL_HOST_USER", default=""),
    "password": env.str("EMAIL_HOST_PASSWORD", default=""),
    "use_tls": env.bool("EMAIL_USE_TLS", default=False),
    "use_ssl": env.bool("EMAIL_USE_SSL", default=False),
    "timeout": env.int("EMAIL_TIMEOUT", default=10),  # seconds, for each step of the conversation
}
MAIL_OPTIONS = {"smtp": SMTP, "filebased": {"file_path": env.str("EMAIL_FILE_PATH", default="")}}
MAILERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": MAIL_BACKEND, "OPTIONS": MAIL_OPTIONS.get(MAIL_BACKEND.split(".")[-2], {})}
}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@localhost")

INSTALLED_APPS = [
    "ipexportal.office.OfficeConfig",  # django.contrib.admin with our first page
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "huey.contrib.djhuey",
    "ninja",  # the API page's own copy of Swagger UI
    "ipexportal",
    "crmwindow",
    "tenants",
]
MIDDLEWARE = [
    "ipexportal.middleware.partitioned_cookies",
    "ipexportal.middleware.strict_headers",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",  # before whatever answers by itself: redirects, files
    "ipexportal.middleware.server_timing",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "ipexportal.middleware.language",
    "django.middleware.common.CommonMiddleware",
    "ipexportal.limits.Limited",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ipexportal.accounts.second_factor",
    "ipexportal.wrong_key.WrongKey",
]
ROOT_URLCONF = "ipexportal.urls"
ASGI_APPLICATION = "ipexportal.asgi.application"
WSGI_APPLICATION = "ipexportal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "ipexportal" / "templates"],  # before Django's and allauth's own
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["tenants.templatetags.looks"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# People
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "ipexportal.passwords.LongEnough", "OPTIONS": {"min_length": 12}},
    {"NAME": "ipexportal.passwords.NotCommon"},
]
LOGIN_URL, LOGIN_REDIRECT_URL = "account_login", "portal:home"
ACCOUNT_ADAPTER = "ipexportal.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # whoever signs in by a mailed code has shown it; nobody signs up
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600  # seconds, for slow mail servers
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_RATE_LIMITS = {"request_login_code": "20/m/ip,3/m/key,10/h/key", "reset_password": "20/m/ip,3/m/key,10/h/key"}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
ACCOUNT_FORMS = {"request_login_code": "ipexportal.account_pages.CodeForm"}
MFA_ADAPTER = "ipexportal.accounts.SecondFactorAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # that setting is against strangers who sign up; here nobody does

# Languages
LANGUAGE_CODE = "cs"
LANGUAGES = [("cs", "Čeština"), ("sk", "Slovenčina"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "ipexportal" / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = env.str("TIME_ZONE", default="Europe/Prague")
USE_TZ = True
USE_I18N = True

# Static files
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.bool("SERVE_STATIC_FROM_SOURCE", default=DEBUG or DEMO)
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Transport
SECURE = PORTAL.scheme == "https"
WINDOW_COOKIE = "__Host-ipex-window"  # crmwindow.sessions; browsers take Secure from a loopback address, too
SIGN_IN_COOKIE = "__Host-ipex-signin"  # tenants.views; first-party, ten minutes
PORTAL_SIGN_IN_COOKIE = "__Host-ipex-portal-signin"  # tenants.portal.microsoft; the same for the portal's people
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_SSL_REDIRECT = SECURE and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # monitoring asks each process, behind the proxy
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin-allow-popups"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]

# Logs: one JSON object per line, never a query string (numbers travel there), never a body
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "ipexportal.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "uvicorn.access": {"handlers": [], "propagate": False},
        "msal": {"level": "INFO"},  # writes codes and verifiers at DEBUG
    },
}
