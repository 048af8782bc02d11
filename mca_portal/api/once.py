"""Was this request answered before? A client that repeats a write gets the first answer, and the work is done once.

A request is the same when its MS-RequestId, who asks, method, address, If-Match and body are. The claim on it, the work and the answer are
one transaction: two at the same moment queue up at the claim, and a crash leaves nothing behind that could keep a later try out.
"""

import datetime as dt
import hashlib
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mca_portal import logs
from mca_portal.api.models import Answer

KEPT_FOR = dt.timedelta(hours=24)
WRITES = ("POST", "PUT", "PATCH", "DELETE")
BATCH = 200  # rows deleted by one statement
ONE_IN = 16  # writes that also delete what is old

Refuse = Callable[[HttpRequest, Exception], HttpResponse]


def fingerprint(request: HttpRequest, request_id: str, asker: str) -> str:
    """What makes a request the same one: a hash of its identifier, of `asker` and of what is asked."""
    body = hashlib.sha256(request.body).hexdigest()
    parts = [asker, request_id.lower(), request.method or "", request.get_full_path(), request.headers.get("If-Match", ""), body]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def first_answer(key: str) -> HttpResponse | None:
    """The answer that was given to the request with this fingerprint in the last 24 hours."""
    row = Answer.objects.filter(pk=key, made_at__gt=timezone.now() - KEPT_FOR).first()
    return _again(row) if row else None


def answer_once(request: HttpRequest, key: str, work: Callable[[], HttpResponse], refuse: Refuse) -> HttpResponse:
    """Do `work` and keep its answer, unless the same request was answered meanwhile.

    A refusal that `refuse` puts into words undoes the work and is kept, too; any other exception undoes everything and goes on.
    """
    with transaction.atomic():
        Answer.objects.bulk_create([Answer(key=key)], ignore_conflicts=True)  # waits for the same request in another process
        row = Answer.objects.select_for_update().get(pk=key)
        if row.status is not None and row.made_at > timezone.now() - KEPT_FOR:
            return _again(row)
        try:
            with transaction.atomic():
                response = work()
        except Exception as error:
            response = refuse(request, error)
        row.made_at, row.status, row.content = timezone.now(), response.status_code, response.content.decode()
        row.save(update_fields=["made_at", "status", "content"])
    if int(key, 16) % ONE_IN == 0:
        delete_old_answers()
    return response


def delete_old_answers(limit: int = BATCH) -> int:
    """Delete at most `limit` answers older than 24 hours, the oldest first; how many there were."""
    old = Answer.objects.filter(made_at__lte=timezone.now() - KEPT_FOR).order_by("made_at")
    with transaction.atomic():
        keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        Answer.objects.filter(pk__in=keys).delete()
    return len(keys)


def _again(row: Answer) -> HttpResponse:
    logs.name_repetition()
    return HttpResponse(row.content, status=row.status, content_type="application/json")
