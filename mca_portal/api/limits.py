"""Does an account ask too often? 500 calls a minute about customers, their orders and subscriptions, over all server processes.

A process counts in memory and tells the database at its first call in a minute and at every tenth, so that a call costs nothing most of
the time; with several processes an account may get through a few calls more than the limit, never fewer.
"""

import threading
import time
import uuid

from django.conf import settings
from django.db import OperationalError, connection

COUNTED = "/v1/customers"
SHARE = 10  # calls counted in memory before the other processes are told
ECHOES = 4  # repetitions that a client sends by itself after a refusal: Partner Center's Java client does


class _Minute:
    """One account's calls in the present minute."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.told = 0  # of all processes, as far as the database said
        self.untold = 0  # of this process
        self.seen: dict[str, int] = {}  # fingerprints of requests, and how often they came again


_minutes: dict[uuid.UUID, _Minute] = {}
_lock = threading.Lock()

# Another process may be in the next minute already; a row further ahead is from before the clock was set back.
_ADD = """
INSERT INTO api_callcount (account_id, minute, calls) VALUES (%s, %s, %s)
ON CONFLICT (account_id) DO UPDATE SET
  calls = CASE WHEN api_callcount.minute BETWEEN excluded.minute AND excluded.minute + 1
    THEN api_callcount.calls + excluded.calls ELSE excluded.calls END,
  minute = CASE WHEN api_callcount.minute BETWEEN excluded.minute AND excluded.minute + 1
    THEN api_callcount.minute ELSE excluded.minute END
RETURNING calls
"""


def seconds_to_wait(account_id: uuid.UUID, path: str, key: str | None) -> int:
    """0 for a call that may go on, and which is counted; else the seconds until the next minute begins.

    `key` is the request's fingerprint, None when it has no identifier of its own: the same one coming again is not counted.
    """
    limit = settings.API_CALLS_PER_MINUTE
    if not limit or not (path == COUNTED or path.startswith(f"{COUNTED}/")):
        return 0
    now = time.time()
    number = int(now // 60)
    with _lock:
        minute = _minutes.get(account_id)
        if minute is None or minute.number != number:
            minute = _minutes[account_id] = _Minute(number)
        if key is not None and 0 <= minute.seen.get(key, -1) < ECHOES:
            minute.seen[key] += 1
            return 0
        if minute.told + minute.untold >= limit:
            return 60 - int(now % 60)
        if key is not None:
            minute.seen[key] = ECHOES if key in minute.seen else 0
        minute.untold += 1
        telling = minute.untold if not minute.told or minute.untold >= SHARE else 0
        minute.told += telling
        minute.untold -= telling
    if telling:
        try:
            total = _tell(account_id, number, telling)
        except OperationalError:
            return 0  # where nothing can be written now, what only reads goes on
        with _lock:
            minute.told = max(minute.told, total)
        if total > limit:
            return 60 - int(now % 60)
    return 0


def forget() -> None:
    """Forget what this process counted, as a new process would have it."""
    with _lock:
        _minutes.clear()


def _tell(account_id: uuid.UUID, minute: int, calls: int) -> int:
    """Add calls of this process to the account's minute; the calls of all processes."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [account_id.hex if connection.vendor == "sqlite" else account_id, minute, calls])
        return cursor.fetchone()[0]
