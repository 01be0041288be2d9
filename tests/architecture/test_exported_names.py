"""`__all__` of every module is what it offers: each name is there, and nothing public is missing from it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for room in ("workbench", "live")
    for path in (ROOT / room).rglob("*.py")
    if path.parent.name != "generated"
)


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                names: list[str] = ast.literal_eval(value)
                return list(names)
    return None


def is_route(node: ast.stmt) -> bool:
    """A function that is reached by its address, not by its name: `@router.get(...)`, `@app.command()`."""
    decorators = getattr(node, "decorator_list", [])
    calls = [part.func for part in decorators if isinstance(part, ast.Call)]
    return any(
        isinstance(call, ast.Attribute) and getattr(call.value, "id", "") in ("router", "app")
        for call in calls
    )


def defined(tree: ast.Module) -> set[str]:
    """Public functions and classes of the module itself, but for routes and commands."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [node for node in tree.body if isinstance(node, kinds) and not is_route(node)]
    return {node.name for node in found if not node.name.startswith("_")}


def bound(tree: ast.Module) -> set[str]:
    """Every name that the top level of the module binds, by definition, assignment or import."""
    names = defined(tree)
    for node in tree.body:
        for part in ast.walk(node):
            match part:
                case ast.Name(id=name, ctx=ast.Store()):
                    names.add(name)
                case ast.alias(name=name, asname=asname):
                    names.add(asname or name)
                case ast.TypeAlias(name=ast.Name(id=name)):
                    names.add(name)
    return names


def faults(source: str) -> list[str]:
    tree = ast.parse(source)
    names = exported(tree)
    if names is None:
        return [f"{name} is public, and there is no __all__" for name in sorted(defined(tree))]
    missing = [f"{name} is public, and not in __all__" for name in sorted(defined(tree) - set(names))]
    if any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
        return missing  # what is imported on demand is not bound here
    return missing + [
        f"{name} is in __all__, and does not exist" for name in names if name not in bound(tree)
    ]


def test_every_module_exports_what_it_offers() -> None:
    found = [f"{path.relative_to(ROOT)}: {fault}" for path in MODULES for fault in faults(path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def fill() -> None: ...", "fill is public, and there is no __all__"),
        (
            "__all__ = ['fill']\ndef fill() -> None: ...\nclass Order: ...",
            "Order is public, and not in __all__",
        ),
        ("__all__ = ['fill']", "fill is in __all__, and does not exist"),
    ],
)
def test_a_fault_is_found(source: str, fault: str) -> None:
    assert faults(source) == [fault]


def test_constants_imports_and_aliases_may_be_exported() -> None:
    source = "from math import pi as PI\nLIMIT: int = 3\ntype Price = float\ndef _private(): ..."
    source += "\n__all__ = ['PI', 'LIMIT', 'Price']"
    assert faults(source) == []
