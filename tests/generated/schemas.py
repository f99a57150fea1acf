"""GitHub's own schemas, as githubkit publishes them in its models.

They are read as text: to import the models of one event takes seconds and a hundred megabytes.
https://github.com/github/rest-api-description
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

VERSION = "githubkit_schemas.v2026_03_10"

_NAMED = re.compile(r"from \.(group_\d+) import\s*\(?\s*(\w+) as")
_LEAVES = {"_dt.datetime": "datetime", "_dt.date": "date"}
_TRANSPARENT = {"Missing", "Annotated"}
_LISTS = {"list", "UniqueList"}


@dataclass(frozen=True)
class Leaf:
    """A value without parts: null, str, int, float, bool, datetime, date or Any."""

    kind: str


@dataclass(frozen=True)
class Words:
    """One of these words."""

    words: tuple[object, ...]


@dataclass(frozen=True)
class Listed:
    """Any number of these."""

    item: "Shape"


@dataclass(frozen=True)
class Either:
    """One of these."""

    members: tuple["Shape", ...]


@dataclass(frozen=True)
class Named:
    """An object, by its model's name and file."""

    file: str
    name: str


@dataclass(frozen=True)
class Field:
    """A field of an object."""

    shape: "Shape"
    required: bool


Shape = Leaf | Words | Listed | Either | Named


def actions(event: str) -> dict[str, Shape]:
    """The schema of each action of an event; of one without actions, by the empty name."""
    module = ast.parse((_folder() / "webhooks" / f"{event}.py").read_text())
    for statement in module.body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "action_types":
            assert isinstance(statement.value, ast.Dict)
            names = zip(statement.value.keys, statement.value.values, strict=True)
            return {ast.literal_eval(key): _models(value) for key, value in names if key}
    (plain,) = (one for one in module.body if isinstance(one, ast.AnnAssign) and ast.unparse(one.target) == "Event")
    assert plain.value
    return {"": _models(plain.value)}


def _models(value: ast.expr) -> Shape:
    """What models are named in an expression, which may be a union of them."""
    names = [one.id for one in ast.walk(value) if isinstance(one, ast.Name) and one.id != "Union"]
    return model(names[0]) if len(names) == 1 else Either(tuple(map(model, names)))


def model(name: str) -> Named:
    """The model of this name."""
    return Named(_files()[name], name)


@cache
def fields(named: Named) -> Mapping[str, Field]:
    """The fields of an object, by their names in JSON."""
    module = _module(named.file)
    (found,) = (one for one in module.body if isinstance(one, ast.ClassDef) and one.name == named.name)
    told = {}
    for statement in found.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Call):
            said = {keyword.arg: keyword.value for keyword in statement.value.keywords}
            alias = said.get("alias", ast.Constant(ast.unparse(statement.target)))
            optional = ast.unparse(statement.annotation).startswith("Missing[")
            told[ast.literal_eval(alias)] = Field(_shape(statement.annotation, named.file), not optional)
    return told


def _shape(annotation: ast.expr, file: str) -> Shape:
    text = ast.unparse(annotation)
    if isinstance(annotation, ast.Subscript):
        outer = ast.unparse(annotation.value)
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if outer == "Literal":
            return Words(tuple(ast.literal_eval(part) for part in parts))
        if outer == "Union":
            return Either(tuple(_shape(part, file) for part in parts))
        inner = _shape(parts[0], file)
        assert outer in _TRANSPARENT | _LISTS, outer
        return Listed(inner) if outer in _LISTS else inner
    if text == "None":
        return Leaf("null")
    if text in _LEAVES or text in ("str", "int", "float", "bool", "Any"):
        return Leaf(_LEAVES.get(text, text))
    return Named(_imports(file).get(text, file), text)


def _folder() -> Path:
    spec = find_spec(VERSION)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


@cache
def _files() -> dict[str, str]:
    return {name: file for file, name in _NAMED.findall((_folder() / "models" / "__init__.py").read_text())}


@cache
def _module(file: str) -> ast.Module:
    return ast.parse((_folder() / "models" / f"{file}.py").read_text())


@cache
def _imports(file: str) -> dict[str, str]:
    """Where the names come from that a file of models uses."""
    return {
        alias.name: statement.module
        for statement in ast.walk(_module(file))
        if isinstance(statement, ast.ImportFrom) and statement.level == 1 and statement.module
        for alias in statement.names
    }
