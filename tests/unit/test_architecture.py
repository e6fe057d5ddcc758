"""The shape of the code: the layers hold, there are no cycles, no hidden imports; `make check` prints the figures.

`python tests/unit/test_architecture.py` prints them by itself.
"""

import ast
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "farthing"

HEAVY: dict[str, str] = {}
"""Optional libraries that may be imported inside a function, and where: they are slow to load, or may be absent."""


@cache
def modules() -> list[tuple[str, ast.Module]]:
    return [
        (str(path.relative_to(SOURCE)), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(SOURCE.rglob("*.py"))
    ]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def hidden_imports() -> list[str]:
    """Imports inside functions, apart from the heavy ones."""
    found = []
    for name, tree in modules():
        for function in functions(tree):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    wanted = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                    if HEAVY.get(str(wanted).partition(".")[0]) != name:
                        found.append(f"{name}:{node.lineno}: {wanted}")
    return found


def import_cycles() -> list[set[str]]:
    """Groups of modules that import each other, by Tarjan's algorithm."""
    graph = grimp.build_graph("farthing", cache_dir=None)
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    cycles: list[set[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in edges.get(module, ()):
            if other not in order:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            group = set(stack[stack.index(module) :])
            del stack[stack.index(module) :]
            if len(group) > 1:
                cycles.append(group)

    for module in edges:
        if module not in order:
            visit(module)
    return cycles


def figures() -> str:
    lines, sizes = [], []
    for name, tree in modules():
        lines.append((len((SOURCE / name).read_text(encoding="utf-8").splitlines()), name))
        sizes += [(length(node), f"{name}: {node.name}") for node in functions(tree)]
    longest_file, longest_function = max(lines), max(sizes)
    return (
        f"{len(lines)} files, {sum(size for size, _ in lines)} lines, median file {statistics.median(x for x, _ in lines):g}, "
        f"longest {longest_file[0]} ({longest_file[1]})\n"
        f"{len(sizes)} functions, median {statistics.median(x for x, _ in sizes):g} lines, "
        f"longest {longest_function[0]} ({longest_function[1]})\n"
        f"import cycles {len(import_cycles())}, imports inside functions {len(hidden_imports())}"
    )


def test_the_contracts_of_imports_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout


def test_no_modules_import_each_other() -> None:
    assert import_cycles() == []


def test_no_import_hides_in_a_function() -> None:
    assert hidden_imports() == []


def test_each_module_says_what_it_does() -> None:
    silent = [name for name, tree in modules() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_no_function_is_too_long_to_see() -> None:
    long = [(length(node), f"{name}: {node.name}") for name, tree in modules() for node in functions(tree)]
    assert [entry for entry in sorted(long) if entry[0] > 80] == []


def test_requirements_name_no_host() -> None:
    for path in (ROOT / "requirements").iterdir():
        assert "://" not in path.read_text(encoding="utf-8"), f"{path.name} names a host"


if __name__ == "__main__":
    sys.stdout.write(figures() + "\n")
