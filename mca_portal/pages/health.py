"""Is the portal alive, is it ready, and how much is it doing? For the proxy, the program that watches, and Prometheus.

None of them asks for a sign-in (P2), so what they tell the outside is little: "ok", or which of four parts fails; the log has the details.
"""

import hmac
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mca_portal import logs
from mca_portal import metrics as counted
from mca_portal.staff.guards import missing_guards

log = logs.get_logger("mca_portal.health")


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 "ok" while this process answers. It asks the database nothing: starting the portal anew would not bring that back."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served, 503 with the names of the parts that fail: database, migrations, guards (R3, G5), cache."""
    failing = []
    for part, question in (("database", _database), ("migrations", _migrations), ("guards", _guards), ("cache", _cache_table)):
        try:
            missing = question()
        except Exception:  # whatever it is, this part does not work; the log says why
            log.exception("not ready", part=part)
            missing = ["error"]
        else:
            if missing:
                log.error("not ready", part=part, missing=missing)
        if missing:
            failing.append(part)
        if failing == ["database"]:
            break  # the others would only wait for it, too
    return JsonResponse({"ready": not failing, "failing": failing}, status=503 if failing else 200)


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus collects, for whoever sends METRICS_TOKEN as a bearer token; for anybody else there is nothing here."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    if not wanted or kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), wanted.encode()):
        raise Http404
    return HttpResponse(counted.exposition(), content_type=counted.CONTENT_TYPE)


def _database() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return []


def _migrations() -> list[str]:
    """Those of this code that the database has not had. It may have had newer ones: then newer code runs beside this."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in _migrations_of_this_code() if (app, name) not in applied)


@cache
def _migrations_of_this_code() -> frozenset[tuple[str, str]]:
    """Read from the disk once; the code of a running process does not change."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _guards() -> list[str]:
    return missing_guards(DEFAULT_DB_ALIAS)


def _cache_table() -> list[str]:
    table = str(settings.CACHES["default"]["LOCATION"])
    return [] if table in connection.introspection.table_names() else [table]
