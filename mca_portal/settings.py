"""How is this installation set up? Everything is read from the environment.

Nothing set means: a working copy on this machine with SQLite in `var/`. `PRODUCTION=true` means: real customers' data; then the
settings that would be unsafe have no defaults and the start is refused, naming them.
"""

from pathlib import Path
from urllib.parse import urlsplit

import django_include_bootstrap
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from mca_portal import logs, production

BASE_DIR = Path(__file__).resolve().parent.parent
misread: list[str] = []  # what is set in the environment and cannot be read


class _Environment(environ.FileAwareMapping):
    """The environment, where NAME_FILE names a file with the value of NAME. A line break at its end belongs to the file."""

    def __getitem__(self, name: str) -> str:
        try:
            return super().__getitem__(name).strip()
        except OSError as error:
            misread.append(f"{name}_FILE: {error.strerror}")
            raise KeyError(name) from error


class _Env(environ.Env):
    ENVIRON = _Environment()


env = _Env()


def _switch(name: str) -> bool:
    """Whether it is on. A misspelled "true" must not quietly mean "off"."""
    value = env.str(name, default="").lower()
    if value not in (*env.BOOLEAN_TRUE_STRINGS, "", "false", "off", "no", "n", "0"):
        misread.append(f"{name}: say true or false")
    return value in env.BOOLEAN_TRUE_STRINGS


def _number(name: str, default: int) -> int:
    value = env.str(name, default="") or str(default)
    if not value.isascii() or not value.isdigit():
        misread.append(f"{name}: set a whole number")
        return default
    return int(value)


PRODUCTION = _switch("PRODUCTION")
DEBUG = _switch("DEBUG")
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)


def _own_secret_key() -> str:
    """The key of a working copy: made once, kept beside its database, never in the repository."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(get_random_secret_key())
        except FileExistsError:
            pass
    return path.read_text()


SECRET_KEY = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else _own_secret_key())
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DATABASE_URL = env.str("DATABASE_URL", default="")
IDP_OIDC_PRIVATE_KEY = env.str("IDP_OIDC_PRIVATE_KEY", default="", multiline=True)

# Applications ---------------------------------------------------------------

INSTALLED_APPS = [
    "mca_portal.pages",
    "mca_portal.api",
    "orders",
    "agreements",
    "customers",
    "mca_portal.staff",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.forms",
    "phonenumber_field",
    "django_countries",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.idp.oidc",
    "csp",
    "ninja",
]

MIDDLEWARE = [
    "mca_portal.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # what it adds at random hides the length of what was compressed (BREACH)
    "csp.middleware.CSPMiddleware",
    "mca_portal.staff.origin.OriginMiddleware",
    "mca_portal.api.middleware.ApiMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mca_portal.pages.middleware.SecondFactorMiddleware",
    "mca_portal.pages.middleware.KeepTypedMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "mca_portal.pages.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "mca_portal.urls"
WSGI_APPLICATION = "mca_portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mca_portal.pages.context.portal",
            ],
            "builtins": ["django.templatetags.i18n", "mca_portal.pages.templatetags.portal"],
        },
    }
]
FORM_RENDERER = "mca_portal.pages.rendering.PortalFormRenderer"

# Database -------------------------------------------------------------------

DATABASE_TIMEOUT = _number("DATABASE_TIMEOUT", 10)  # seconds
if DATABASE_URL:
    DATABASES = {"default": env.db_url("DATABASE_URL")}
    # Django's own pool, by default of one connection for each thread of the server (gunicorn.conf.py); it needs CONN_MAX_AGE = 0.
    pool_size = _number("DATABASE_POOL_SIZE", _number("THREADS", 8))
    DATABASES["default"] |= {
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # a connection that died with the database is not handed to anybody
        "OPTIONS": DATABASES["default"].get("OPTIONS", {})  # such as ?sslmode=verify-full
        | {
            # By default the pool would try again after ever longer pauses, up to minutes after the database is back.
            "pool": {"min_size": 1, "max_size": pool_size, "timeout": DATABASE_TIMEOUT, "reconnect_timeout": 5},
            "connect_timeout": 5,
            # Whoever holds a lock for longer, or froze in a transaction, does not stop the portal. No query here reads so much that it
            # would be quicker in parallel or compiled first; that PostgreSQL expects it of some costs each of them some 20 ms.
            "options": f"-c lock_timeout={DATABASE_TIMEOUT}s -c idle_in_transaction_session_timeout=60s "
            "-c max_parallel_workers_per_gather=0 -c jit=off",
        },
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "db.sqlite3",
            "OPTIONS": {
                # A write takes its lock at the start: never "database is locked" half-way (see README, "Two databases").
                "transaction_mode": "IMMEDIATE",
                "timeout": DATABASE_TIMEOUT,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    }
# Counters of attempts are in it, too: with Django's limit of 300 entries a crowd of strangers could push somebody's out.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# Who is there ---------------------------------------------------------------

AUTH_USER_MODEL = "staff.StaffMember"
AUTHENTICATION_BACKENDS = ["mca_portal.staff.backends.StaffBackend"]
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "mca_portal.staff.adapters.StaffAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an Admin agent vouches for the address by adding the member
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody may make the portal write to strangers
# allauth's own writes a row at somebody's first link, which takes time that an unknown address does not. Django's knows the address, too.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a changed password, a new or a removed second factor
ACCOUNT_EMAIL_SUBJECT_PREFIX = "MCA portal: "
MFA_ADAPTER = "mca_portal.staff.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # http://localhost of a working copy


def directory_app(issuer: str, client_id: str, client_secret: str) -> dict[str, object]:
    """The company directory that vouches for people (single sign-on by OpenID Connect), as django-allauth wants to be told of it."""
    return {
        "provider_id": "directory",
        "name": "directory",
        "client_id": client_id,
        "secret": client_secret,
        "settings": {"server_url": issuer, "fetch_userinfo": False},
    }


OIDC_ISSUER = env.str("OIDC_ISSUER", default="").rstrip("/")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
SINGLE_SIGN_ON_NAME = env.str("OIDC_NAME", default="Microsoft") if OIDC_ISSUER else ""
SOCIALACCOUNT_ADAPTER = "mca_portal.pages.single_sign_on.DirectoryAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "mca_portal.pages.single_sign_on.DirectoryProvider",
        "APPS": [directory_app(OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET)] if OIDC_ISSUER else [],
    }
}
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # seconds; also how long an invitation link lives
SESSION_COOKIE_AGE = _number("SESSION_COOKIE_AGE", 12 * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "mca_portal.pages.errors.csrf_failure"

# Applications get tokens through OAuth2 (README, "From a script"). In production that takes a key to sign with, and is not offered without.
OAUTH_OFFERED = bool(IDP_OIDC_PRIVATE_KEY) or not PRODUCTION
IDP_OIDC_ADAPTER = "mca_portal.staff.issuer.IssuerAdapter"
IDP_OIDC_ACCESS_TOKEN_FORMAT = "jwt"  # clients of Partner Center read what is in it
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 3600  # seconds
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 90 * 24 * 3600

# REST API: calls in a minute that one partner account may make about customers, orders and subscriptions; 0 for no limit.
API_CALLS_PER_MINUTE = _number("API_CALLS_PER_MINUTE", 500)

# Languages and time ---------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "mca_portal" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["mca_portal.formats"]

# Countries: names as Partner Center spells them
COUNTRIES_OVERRIDE = {"KR": _("Korea"), "TW": _("Taiwan"), "US": _("United States")}
PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_FORMAT = "INTERNATIONAL"

# Static files ---------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("bootstrap", Path(django_include_bootstrap.__file__).parent / "static"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Browser security -----------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap's check mark and select arrow
        "font-src": [SELF],
        "connect-src": [SELF],
        # The button for single sign-on is a form, and where its answer leads counts.
        "form-action": [SELF, *(["{0.scheme}://{0.netloc}".format(urlsplit(OIDC_ISSUER))] if OIDC_ISSUER else [])],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # bytes of a request body
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = _number("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Running it ------------------------------------------------------------------

LOGGING = logs.configuration(production=PRODUCTION)
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"] if PRODUCTION else [])
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

EMAIL_URL = env.str("EMAIL_URL", default="")
email = env.email_url_config(EMAIL_URL or "consolemail://")
EMAIL_BACKEND = email["EMAIL_BACKEND"]
EMAIL_HOST = email["EMAIL_HOST"]
EMAIL_HOST_USER = email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = email.get("EMAIL_USE_SSL", False)
EMAIL_PORT = email["EMAIL_PORT"] or (587 if EMAIL_USE_TLS else 465 if EMAIL_USE_SSL else 25)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="MCA portal <noreply@localhost>")
SILENCED_SYSTEM_CHECKS: list[str] = []

# Last, when everything has been read: what must not be --------------------------

BIND = env.str("BIND", default="")
refused = misread + (production.problems(globals()) if PRODUCTION else [])
if refused:
    raise ImproperlyConfigured("\n- ".join(["The portal does not start:", *refused]))
