"""Only `services.py` writes, and a service that writes asks first who is writing (architecture: "Where each rule is enforced")."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("mca_portal", "customers", "agreements", "orders")

ALWAYS = {"save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "cursor"}
# dict.update(other) and cache.delete(key) have positional arguments; a queryset's update and a model's delete have none.
WITHOUT_POSITIONAL = {"update", "delete"}

# Who else may write, and why. An entry that is no longer needed fails, too.
ALSO_WRITE: dict[str, str] = {
    "customers/search.py": "reads on in the index by name, and by pieces, in statements that no queryset can say",
    "mca_portal/catalogues.py": "saves a translation file, not a row",
    "orders/management/commands/seed.py": "bulk on purpose: leaves what the services would have left (check_standings agrees)",
    "mca_portal/pages/health.py": "asks the database whether it answers",
    "mca_portal/pages/drafts.py": "what somebody typed and has not submitted: their own, and no record of anything",
    "mca_portal/api/once.py": "the API's answers of a day, for whoever repeats a call: no record of anything",
    "mca_portal/api/limits.py": "counts calls, in one statement that no queryset can say",
    "mca_portal/pages/management/commands/demo.py": "the operator's part of a made-up world: a newer text, a partner that is a reseller",
    "mca_portal/staff/activity.py": "adds to the activity log, for services, in their transaction",
    "mca_portal/staff/roles.py": "the groups are written from the matrix after every migrate",
    "mca_portal/staff/guards.py": "creates, drops and lists triggers; writes no row but what they keep in step",
    "agreements/known_templates.py": "known facts that a migration lays down (V2)",
    "orders/catalogue.py": "known offers that a migration lays down",
}

# Services without a person behind them, and why.
NOBODY_ASKS: dict[str, str] = {
    "mca_portal/staff/services.py:reseal_second_factors": "changes how secrets are kept, not what they are; `reseal` calls it",
    "mca_portal/staff/services.py:sign_in_from_directory": "nobody is signed in yet: the company's directory vouches for them",
    "mca_portal/staff/services.py:open_account": "nobody can be signed in before there is an account: the operator's shell calls it",
    "mca_portal/staff/services.py:add_operator": "nobody can be signed in before there is an operator: the operator's shell calls it",
    "agreements/services.py:recompute_standing": "derives the standing from the records alone; `check_standings` calls it",
    "agreements/services.py:repair_counts": "derives the counts from the standings alone; `check_standings` calls it",
    "agreements/services.py:miscounted": "a read in plain SQL; `check_standings` calls it",
}

# Services that everybody may call, and why.
EVERYBODY_MAY: dict[str, str] = {
    "mca_portal/staff/services.py:set_preferences": "changes nobody but the person themselves",
    "mca_portal/staff/services.py:set_password": "changes nobody but the person themselves",
    "mca_portal/staff/services.py:end_session": "ends a session of nobody but the person themselves",
    "mca_portal/staff/services.py:end_sessions": "ends sessions of nobody but the person themselves",
    "mca_portal/staff/services.py:note_second_factor": "says of nobody but the person themselves what they did",
    "mca_portal/staff/services.py:note_access": "an application got a token: no person of the portal asked",
    "mca_portal/staff/services.py:note_access_ended": "an application gave a token back: no person of the portal asked",
    "mca_portal/staff/services.py:note_sign_in": "says of nobody but the person themselves what they did",
    "mca_portal/staff/services.py:note_sign_out": "says of nobody but the person themselves what they did",
}

# Services that write and leave no entry in the activity log themselves, and why.
NOT_LOGGED: dict[str, str] = {
    "mca_portal/staff/services.py:reseal_second_factors": "nobody did anything to a second factor: only its encryption is new",
    "mca_portal/staff/services.py:add_operator": "the operator belongs to no partner account, whose logs these are",
    "mca_portal/staff/services.py:note_token_use": "the token itself says when it was last used",
    "mca_portal/staff/services.py:note_application_use": "the application itself says when it was last used",
    "agreements/services.py:register_customer": "`create_customer`, which it calls, logs it",
    "agreements/services.py:recompute_standing": "derived from the records: nobody did anything",
    "agreements/services.py:repair_counts": "derived from the standings: nobody did anything",
    "agreements/services.py:miscounted": "writes nothing",
}


def sources() -> Iterator[Path]:
    """Every module of the project that could write, but migrations."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def is_write(node: ast.AST) -> bool:
    """Whether `node` is a call that changes the database (by its name: a few others look the same)."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if isinstance(node.func.value, ast.Call) and isinstance(node.func.value.func, ast.Name) and node.func.value.func.id == "super":
        return False
    name = node.func.attr.removeprefix("a") if node.func.attr[1:] in ALWAYS | WITHOUT_POSITIONAL else node.func.attr
    return name in ALWAYS or (name in WITHOUT_POSITIONAL and not node.args)


def writes(tree: ast.AST) -> list[int]:
    """The lines of `tree` that write."""
    return [node.lineno for node in ast.walk(tree) if is_write(node)]


def services() -> list[tuple[str, ast.FunctionDef]]:
    """Every public function of every services module, with a name to show."""
    return [
        (f"{path.relative_to(ROOT)}:{node.name}", node)
        for path in sources()
        if path.name == "services.py"
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def test_only_services_write() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if path.name != "services.py" and (lines := writes(ast.parse(path.read_text())))
    }
    assert not found.keys() - ALSO_WRITE.keys(), {name: lines for name, lines in found.items() if name not in ALSO_WRITE}
    assert not ALSO_WRITE.keys() - found.keys(), "these write no longer: take them out of ALSO_WRITE"


@pytest.mark.parametrize("service", [pytest.param(node, id=name) for name, node in services() if name not in EVERYBODY_MAY])
def test_a_service_that_somebody_calls_asks_first_whether_they_may(service: ast.FunctionDef) -> None:
    if "by" not in {argument.arg for argument in service.args.args + service.args.kwonlyargs}:
        pytest.skip("takes nobody")
    assert [argument.arg for argument in service.args.kwonlyargs][:1] == ["by"], "`by` is the first of keyword-only arguments"
    body = service.body[1:] if ast.get_docstring(service) else service.body
    assert ast.unparse(body[0]).startswith("require(by, "), "the first statement is `require(by, Permission.…)`"


def test_a_service_that_writes_knows_who_writes() -> None:
    nobody = {
        name
        for name, node in services()
        if writes(node) and "by" not in {argument.arg for argument in node.args.args + node.args.kwonlyargs}
    }
    assert nobody == NOBODY_ASKS.keys()


def test_what_everybody_may_do_is_still_there() -> None:
    assert EVERYBODY_MAY.keys() <= {name for name, _node in services()}


def logs(module: ast.Module, service: ast.FunctionDef) -> bool:
    """Whether `service`, or a private function of its module that it calls, adds to the activity log."""
    private = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("_")}
    seen: set[str] = set()
    waiting = [service]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in ("record", "record_all"):
                    return True
                if node.func.id in private and node.func.id not in seen:
                    seen.add(node.func.id)
                    waiting.append(private[node.func.id])
    return False


def test_a_service_that_writes_logs_it() -> None:
    silent = set()
    for path in sources():
        if path.name != "services.py":
            continue
        module = ast.parse(path.read_text())
        helpers = {node.name for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and writes(node)}
        for node in module.body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            called = {call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}
            if (writes(node) or called & helpers) and not logs(module, node):
                silent.add(f"{path.relative_to(ROOT)}:{node.name}")
    advice = "these write and call no `record` (mca_portal/staff/activity.py); an entry of NOT_LOGGED that is no longer needed fails, too"
    assert silent == NOT_LOGGED.keys(), advice
