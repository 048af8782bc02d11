"""A start with real customers' data is refused while a setting is missing or unsafe, and every one of them is named at once."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[2]
SAFE = {
    "PRODUCTION": "true",
    "SECRET_KEY": "q8#vN2!xLp0@zRt6$wYb4%uKd1^mJh7&cFg3*sAe9(oIi5)kEw",
    "ALLOWED_HOSTS": "mca.partner.example",
    "DATABASE_URL": "postgres://mca:secret@127.0.0.1/mca",
    "EMAIL_URL": "smtp+tls://mailer:secret@mail.partner.example",
    "DEFAULT_FROM_EMAIL": "MCA portal <noreply@partner.example>",
}


# Reads the settings anew for each environment that comes in a line, and answers with what was refused.
READER = """
import json, os, runpy, sys
for line in sys.stdin:
    os.environ.clear()
    os.environ.update(json.loads(line))
    try:
        read, said = runpy.run_path("mca_portal/settings.py"), ""
    except Exception as error:
        read, said = {}, f"{type(error).__name__}: {error}"
    print(json.dumps({"said": said, "key": read.get("SECRET_KEY")}), flush=True)
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> Iterator[Callable[[dict[str, str]], dict[str, str]]]:
    """Read the settings in a process that knows the given environment and nothing else."""
    command = [sys.executable, "-c", READER]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    folder = str(tmp_path_factory.mktemp("var"))

    def ask(environment: dict[str, str]) -> dict[str, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"VAR_DIR": folder, **environment}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.communicate()


@pytest.fixture
def refusals(read):
    """The names of the settings for which the start is refused."""

    def ask(environment: dict[str, str]) -> set[str]:
        said = read(environment)["said"]
        assert not said or said.startswith("ImproperlyConfigured: The portal does not start:\n- "), said
        return {reason.partition(":")[0] for reason in said.split("\n- ")[1:]}

    return ask


def test_safe_settings_are_taken(refusals):
    assert refusals(SAFE) == set()


def test_djangos_own_deployment_check_finds_nothing(tmp_path):
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    done = subprocess.run(command, cwd=ROOT, env={"VAR_DIR": str(tmp_path), **SAFE}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_that_is_missing_is_named_at_once(refusals):
    assert refusals({"PRODUCTION": "true"}) == {
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "EMAIL_URL",
        "DEFAULT_FROM_EMAIL",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 60),
        ("SECRET_KEY", "django-insecure-" + "q8#vN2!xLp0@zRt6$wYb4%uKd1^mJh7&cFg3*sAe9"),
        ("SECRET_KEY_FALLBACKS", "short"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", ".partner.example"),
        ("ALLOWED_HOSTS", "https://mca.partner.example"),
        ("CSRF_TRUSTED_ORIGINS", "http://mca.partner.example"),
        ("CSRF_TRUSTED_ORIGINS", "mca.partner.example"),
        ("CSRF_TRUSTED_ORIGINS", "https://*.partner.example"),
        ("CSRF_TRUSTED_ORIGINS", "https://mca.partner.example/"),
        ("DEBUG", "true"),
        ("DATABASE_URL", "sqlite:////tmp/mca.sqlite3"),
        ("DATABASE_URL", "mysql://mca@localhost/mca"),
        ("EMAIL_URL", "consolemail://"),
        ("EMAIL_URL", "dummymail://"),
        ("DEFAULT_FROM_EMAIL", "MCA portal <noreply@localhost>"),
        ("OIDC_ISSUER", "http://directory.example/v2.0"),
        ("OIDC_ISSUER", "https://directory.example/v2.0"),  # without OIDC_CLIENT_ID
        ("SECURE_HSTS_SECONDS", "0"),
        ("SESSION_COOKIE_AGE", "31536000"),
        ("METRICS_TOKEN", "short"),
        ("TRUSTED_PROXIES", "proxy.partner.example"),
        ("BIND", "0.0.0.0:8000"),
        ("BIND", "[::]:8000"),
        ("OIDC_ISSUER", "https://login.partner.example/v2.0"),
    ],
)
def test_an_unsafe_setting_is_refused(refusals, name, value):
    assert refusals(SAFE | {name: value}) == {name}


@pytest.mark.parametrize(
    "more",
    [
        {"CSRF_TRUSTED_ORIGINS": "https://mca.partner.example,https://other.partner.example:8443"},
        {"SECRET_KEY_FALLBACKS": SAFE["SECRET_KEY"][::-1]},
        {"EMAIL_URL": "smtp://localhost"},
        {"BIND": "unix:/run/mca-portal.sock"},
        {"BIND": "127.0.0.1:9000"},
        {"BIND": "0.0.0.0:8000", "TRUSTED_PROXIES": "10.0.0.1"},
        {"METRICS_TOKEN": SAFE["SECRET_KEY"]},
        {"OIDC_ISSUER": "https://login.partner.example/v2.0", "OIDC_CLIENT_ID": "portal", "OIDC_CLIENT_SECRET": "secret"},
    ],
    ids=lambda more: " ".join(more),
)
def test_what_is_safe_is_not_refused(refusals, more):
    assert refusals(SAFE | more) == set()


def test_a_directory_is_asked_over_https_alone(refusals):
    assert refusals(SAFE | {"OIDC_ISSUER": "http://login.partner.example", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"}) == {
        "OIDC_ISSUER"
    }


@pytest.mark.parametrize("production", ["ture", "production", "2"])
def test_a_misspelled_switch_does_not_quietly_mean_a_working_copy(refusals, production):
    assert refusals(SAFE | {"PRODUCTION": production}) == {"PRODUCTION"}


def test_what_cannot_be_read_is_named_in_a_working_copy_too(refusals):
    wrong = {"SESSION_COOKIE_AGE": "12h", "THREADS": "many", "DATABASE_URL": "postgres:///mca", "METRICS_TOKEN_FILE": "/nowhere/token"}
    assert refusals(wrong) == {"SESSION_COOKIE_AGE", "THREADS", "METRICS_TOKEN_FILE"}


def test_a_secret_may_stand_in_a_file_with_a_line_break_at_its_end(tmp_path, read):
    secret = tmp_path / "secret"
    secret.write_text(SAFE["SECRET_KEY"] + "\n")
    environment = {name: value for name, value in SAFE.items() if name != "SECRET_KEY"} | {"SECRET_KEY_FILE": str(secret)}
    assert read(environment) == {"said": "", "key": SAFE["SECRET_KEY"]}


def test_a_refusal_repeats_no_secret(read):
    unsafe = SAFE | {"SECRET_KEY": "hidden-word", "METRICS_TOKEN": "hidden-word", "EMAIL_URL": "dummymail://hidden-word@x"}
    said = read(unsafe | {"DATABASE_URL": "mysql://mca:hidden-word@localhost/mca"})["said"]
    assert "SECRET_KEY" in said
    assert "hidden-word" not in said


def test_a_key_that_signs_no_tokens_is_refused_and_a_good_one_or_none_is_taken(refusals):
    def pem(bits: int) -> str:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    for wrong in ("nonsense", pem(1024), pem(2048)[:500]):
        assert refusals(SAFE | {"IDP_OIDC_PRIVATE_KEY": wrong}) == {"IDP_OIDC_PRIVATE_KEY"}
    good = pem(2048)
    for right in ("", good, good.replace("\n", "\\n")):
        assert refusals(SAFE | {"IDP_OIDC_PRIVATE_KEY": right}) == set()
