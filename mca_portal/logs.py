"""What does the portal write down about itself, and what never? One line an event: JSON in production, for reading in a working copy.

Never in a line: what somebody typed or searched for, names, e-mail addresses, query strings, tokens, passwords, local values of a
traceback, the text of exceptions that may hold values. The portal's own lines hold ids alone. Other packages' messages are written as
they stand in the source, without what would be filled into them, unless they are known to be harmless.
"""

import logging
import re
import sys
from pathlib import Path
from smtplib import SMTPException
from types import TracebackType
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db.utils import Error as DatabaseError
from django.db.utils import OperationalError
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from structlog.typing import EventDict

ROOT = Path(__file__).resolve().parent.parent
FRAMES = 40  # of one exception, the innermost
OUR_LOGGERS = ("mca_portal", "customers", "agreements", "orders")
# Their messages say where the server listens, which process ended, why the database cannot be reached: never what a request holds.
HARMLESS_LOGGERS = ("gunicorn", "psycopg")
# But for these of gunicorn's, which go on with the client's address, its request line, or the address it asked for.
GUNICORN_ON_REQUESTS = re.compile(r"(Invalid request|Error handling request|Ignored premature client disconnection).*", re.DOTALL)
# Exceptions whose text is about code and set-up. Others', a ValueError's say, may repeat what somebody typed.
TEXT_IS_HARMLESS = (
    AttributeError,
    CommandError,
    ImportError,
    ImproperlyConfigured,
    NameError,
    OSError,
    RecursionError,
    TemplateDoesNotExist,
    TemplateSyntaxError,
    TypeError,
)
_EMAIL = re.compile(r"[^\s@'\"<>(=]+@[^\s@'\">)]+")
_QUERY = re.compile(r"\?\S+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def without_what_was_filled_in(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Keep of another package's message only what stands in its source."""
    record: logging.LogRecord = event["_record"]
    filled_in = event.pop("positional_args", None)
    if event["_from_structlog"]:
        return event
    family = record.name.partition(".")[0]
    if family in OUR_LOGGERS:
        return event
    if family in HARMLESS_LOGGERS:
        event["event"] = GUNICORN_ON_REQUESTS.sub(r"\1", str(event["event"]))
    elif record.name == "django.security.csrf":
        # "Referer checking failed - https://… does not match …"
        event["event"] = "refused"
        event["reason"] = str(filled_in[0]).partition(" - ")[0] if isinstance(filled_in, tuple) and filled_in else ""
    elif record.name.startswith("django.security."):
        # Such as DisallowedHost; the message repeats the host that was asked for.
        event["event"] = "refused"
        event["reason"] = record.name.rpartition(".")[2]
        event.pop("exc_info", None)
    else:
        event["event"] = str(record.msg)
    return event


def in_one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Nothing in a value ends the line or changes the terminal; a last look for addresses and query strings that slipped in."""
    for name, value in event.items():
        if isinstance(value, str) and not name.startswith("_"):
            value = _QUERY.sub("?…", _EMAIL.sub("[e-mail]", value))
            event[name] = _CONTROL.sub(lambda sign: f"\\u{ord(sign.group()):04x}", value)
    return event


def exception_as_list(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put under "exception" what was raised and where, with its causes, the outermost first; no local values."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    error: BaseException | None = info[1] if info else None
    raised: list[dict[str, Any]] = []
    while error is not None and len(raised) < 5:
        raised.append(describe(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if raised:
        event["exception"] = raised
    return event


def describe(error: BaseException) -> dict[str, Any]:
    """An exception in words that hold no data: class, text where that is harmless, a database's own codes, places in the code."""
    kind = type(error)
    said: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")}
    diagnosis = getattr(error.__cause__, "diag", None) if isinstance(error, DatabaseError) else None
    code = getattr(error.__cause__, "sqlstate", None)
    if code:
        said |= {
            "sqlstate": code,
            "constraint": getattr(diagnosis, "constraint_name", None),
            "table": getattr(diagnosis, "table_name", None),
        }
    elif isinstance(error, (*TEXT_IS_HARMLESS, OperationalError)) and not isinstance(error, SMTPException):  # names recipients
        said["text"] = _QUERY.sub("?…", _EMAIL.sub("[e-mail]", str(error)))
    said["at"] = places(error.__traceback__)
    return said


def places(traceback: TracebackType | None) -> list[str]:
    """Such as "orders/services.py:104 place_order", the innermost last."""
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        found.append(f"{_short(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return found[-FRAMES:]


def _short(path: str) -> str:
    return path.rpartition("site-packages/")[2].removeprefix(f"{ROOT}/")


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configuration(*, production: bool) -> dict[str, Any]:
    """What LOGGING and gunicorn's `logconfig_dict` are; everything goes to standard error. Also sets structlog up for this process."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    clean = [without_what_was_filled_in, structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    ending: list[Any] = (
        [*clean, exception_as_list, in_one_line, structlog.processors.JSONRenderer()] if production else [*clean, in_one_line, console()]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": ending,
                "foreign_pre_chain": SHARED,
                "pass_foreign_args": True,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # The portal's own line and `request failed` say it, without the address as it was typed.
            "django.request": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "gunicorn.error": {"handlers": [], "level": "INFO" if production else "WARNING", "propagate": True},
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }


def console() -> Any:
    """The form for reading, with whole tracebacks: a working copy holds no real data."""
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0, sort_keys=False
    )


def name_person(person: Any) -> None:
    """Let every further line of this request say who asks: the ids of `person` and of their account."""
    structlog.contextvars.bind_contextvars(staff_id=person.pk, account_id=str(person.account_id or ""))


def name_application(application_id: str) -> None:
    """Let every further line of this request say through which application the person acts."""
    structlog.contextvars.bind_contextvars(application_id=application_id)


def name_repetition() -> None:
    """Let every further line of this request say that it was answered before and got the same answer."""
    structlog.contextvars.bind_contextvars(repeated=True)


def name_who_signed_in(*, user: Any, **_kwargs: Any) -> None:
    """Django's signal that somebody has just signed in."""
    name_person(user)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of the portal's own: an event in plain words, then ids and numbers as keywords."""
    return structlog.stdlib.get_logger(name)
