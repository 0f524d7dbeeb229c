"""The rules of the house that erode without a test: who imports whom, and in which Python."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {
    "engine",
    "bridge_client",
    "bridge_server",
    "draglayer_cli",
    "krita_plugin",
    "gimp_plugin",
    "training",
    "benchmarks",
    "tools",
    "tests",
}
STDLIB = frozenset(sys.stdlib_module_names)
HOST_MODULES = {"krita", "pykrita", "PyQt5", "PyQt6", "sip", "gi"}

# Package → what it may import besides the standard library and itself.
ALLOWED = {
    "engine": {"torch", "numpy", "PIL", "safetensors"},
    "bridge_client": set(),
    "bridge_server": {
        "flask",
        "werkzeug",
        "waitress",
        "msgspec",
        "PIL",
        "numpy",
        "platformdirs",
        "filelock",
        "bridge_client",
    },
    "krita_plugin": {"krita", "pykrita", "PyQt5", "PyQt6", "sip", "draglayer_krita"},
    "gimp_plugin": {"gi", "draglayer_gimp"},
}
POOLS_MAY_ALSO = {"engine", "torch"}
NEVER_IMPORTED = {"draglayer_cli", "tests", "benchmarks", "training", "tools"}
# The benchmarks measure on drawn pictures, whose keypoints are known.
TOPS_MAY_ALSO = {"benchmarks": {"training"}}
# Python 3.10 grammar: what a host may embed.
IN_THE_HOST = ["bridge_client", "krita_plugin", "gimp_plugin"]


def sources(package: str) -> list[Path]:
    return sorted(
        path
        for path in (ROOT / package).rglob("*.py")
        if not {"_vendor", "__pycache__"} & set(path.relative_to(ROOT).parts)
    )


def parse(path: Path, **options) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path), **options)


def imports(tree: ast.AST) -> Iterator[tuple[int, str, int]]:
    """(relative level, dotted name, line) of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", node.lineno


def absolute_imports(path: Path) -> Iterator[tuple[str, int]]:
    return ((name, line) for level, name, line in imports(parse(path)) if level == 0)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package):
    wrong = [
        f"{place(path, line)} imports {name}"
        for path in sources(package)
        for name, line in absolute_imports(path)
        if name.split(".")[0] not in STDLIB | ALLOWED[package] | {package}
        and not ("pools" in path.parts and name.split(".")[0] in POOLS_MAY_ALSO)
    ]
    assert wrong == []


def test_nobody_imports_the_top():
    wrong = [
        f"{place(path, line)} imports {name}"
        for package in OURS - {"tests"}
        for path in sources(package)
        for name, line in absolute_imports(path)
        if name.split(".")[0] in NEVER_IMPORTED - {package} - TOPS_MAY_ALSO.get(package, set())
    ]
    assert wrong == []


def test_the_client_imports_itself_only_relatively():
    wrong = [
        place(path, line)
        for path in sources("bridge_client")
        for name, line in absolute_imports(path)
        if name.split(".")[0] == "bridge_client"
    ]
    assert wrong == []


def test_host_modules_stay_in_the_plugins():
    wrong = [
        f"{place(path, line)} imports {name}"
        for package in OURS - {"tests", "krita_plugin", "gimp_plugin"}
        for path in sources(package)
        for name, line in absolute_imports(path)
        if name.split(".")[0] in HOST_MODULES
    ]
    assert wrong == []


def test_only_the_transport_opens_a_socket():
    networked = {"socket", "http", "ssl", "urllib", "asyncio"}
    users = {
        path.name
        for path in sources("bridge_client")
        for name, _ in absolute_imports(path)
        if name.split(".")[0] in networked
    }
    assert users == {"transport.py"}


@pytest.mark.parametrize(
    ("package", "files"),
    [
        ("bridge_client", {"worker.py"}),
        ("engine", set()),
        ("krita_plugin", set()),
        ("gimp_plugin", set()),
    ],
)
def test_threads_are_made_in_one_place(package, files):
    makers = {
        path.name
        for path in sources(package)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and node.attr in ("Thread", "Timer")
        if isinstance(node.value, ast.Name) and node.value.id == "threading"
    }
    assert makers == files


def test_sub_packages_of_the_engine_keep_their_order():
    """inversion and drag know nothing of each other, and the generator of neither."""
    forbidden = {
        "drag": ("engine.inversion", "engine.session", "engine.composite"),
        "inversion": ("engine.drag", "engine.session", "engine.composite"),
        "generator": ("engine.drag", "engine.inversion", "engine.session"),
    }
    wrong = [
        f"{place(path, line)} imports {name}"
        for folder, names in forbidden.items()
        for path in sources(f"engine/{folder}")
        for name, line in absolute_imports(path)
        if name.startswith(names)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path",
    [path for package in IN_THE_HOST for path in sources(package)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_what_runs_in_a_host_is_python_3_10(path):
    parse(path, feature_version=(3, 10))


def test_no_error_is_swallowed_bare():
    bare = [
        place(path, node.lineno)
        for package in OURS
        for path in sources(package)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert bare == []


def test_no_module_of_the_client_imports_another_in_a_circle():
    def relative(path: Path) -> set[str]:
        names = (name.split(".")[0] for level, name, _ in imports(parse(path)) if level == 1)
        return {name for name in names if name}

    graph = {path.stem: relative(path) for path in sources("bridge_client")}
    done: set[str] = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert set(graph) - done == set()
