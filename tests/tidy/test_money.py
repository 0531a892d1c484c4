"""Money, points and rates are integers: where they are reckoned there is no float, no Decimal, and no division that
could make one.

`//` with a named rounding is the only division; time-outs in seconds live in other rooms.
"""

import ast

from tests.tidy.tree import Module, product

MONEY_ROOMS = (
    *("contract", "rules", "agent.courier", "agent.txn", "agent.ui_tft.amounts"),
    *("agent.offline_store.journal", "agent.offline_store.store"),
    *("hq.audit", "hq.books", "hq.documents", "hq.ingest", "hq.judgement", "hq.ledger_text", "hq.packs", "hq.people"),
    *("hq.sources", "hq.tables"),
)
CLOCK_CALLS = {"now", "utcnow", "today", "fromtimestamp"}


def test_no_float_and_no_true_division_where_money_is_reckoned() -> None:
    looked_at = [module for module in product() if _in_rooms(module, MONEY_ROOMS)]
    assert {room for room in MONEY_ROOMS if any(_in_rooms(module, (room,)) for module in looked_at)} == set(MONEY_ROOMS)
    found = [
        f"{module.path}:{node.lineno} {what}"
        for module in looked_at
        for node in ast.walk(module.syntax)
        if (what := _makes_a_float(node)) and isinstance(node, ast.expr | ast.stmt | ast.arg)
    ]
    assert found == []


def test_contract_and_rules_are_told_the_time_and_never_ask_for_it() -> None:
    asked = [
        f"{module.path}:{node.lineno}"
        for module in product()
        if _in_rooms(module, ("contract", "rules"))
        for node in ast.walk(module.syntax)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS
    ]
    assert asked == []


def _in_rooms(module: Module, names: tuple[str, ...]) -> bool:
    return any(module.name == name or module.name.startswith(f"{name}.") for name in names)


def _makes_a_float(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=float() | complex()):
            return "a float literal"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "a true division"
        case ast.Call(func=ast.Name(id="float" | "round" as name)):
            return f"a call of {name}()"
        case ast.ImportFrom(module="decimal" | "fractions" as name) | ast.Import(names=[ast.alias(name=name)]) if (
            name in ("decimal", "fractions")
        ):
            return f"an import of {name}"
        case ast.AnnAssign(annotation=ast.Name(id="float")) | ast.arg(annotation=ast.Name(id="float")):
            return "a float field"
    return ""
