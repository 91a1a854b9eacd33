# SPDX-License-Identifier: Apache-2.0
"""Every public name has a docstring, which names what it raises; the reference can be made of them.

Takes the public namespaces; fails with the names that lack something.
"""
import ast
import importlib.util
import inspect
import pathlib
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
_spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)
_RAISED = ("ValueError", "TypeError", "KeyError", "IndexError", "CompileError", "AttributeError",
           "AxisError")


def public(namespace):
    """(name, value, docstring) of everything public in a namespace, with members of its classes."""
    for name, value in reference.public_names(namespace).items():
        if isinstance(value, (str, int, float, type(None))):
            continue
        yield name, value, reference.doc_of(value)
        for member, one in reference.own_members(value).items() if inspect.isclass(value) else ():
            yield f"{name}.{member}", one, reference.inherited_doc(value, member)


@pytest.mark.parametrize("namespace", reference.NAMESPACES)
def test_every_name_has_a_docstring(namespace):
    missing = [name for name, _, text in public(namespace) if not text]
    assert not missing


def raised_by(function):
    """Names of errors that a function's own body raises."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (TypeError, OSError, SyntaxError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = getattr(node.exc.func, "attr", getattr(node.exc.func, "id", ""))
            found |= {name} & set(_RAISED)
    return found


@pytest.mark.parametrize("namespace", reference.NAMESPACES)
def test_docstrings_name_errors(namespace):
    lacking = []
    for name, value, text in public(namespace):
        if inspect.isclass(value):
            value, name = vars(value).get("__init__"), f"{name}()"
        if inspect.isfunction(value):
            lacking += [f"{name}: {error}" for error in sorted(raised_by(value))
                        if error not in text]
    assert not lacking


def test_the_reference(tmp_path):
    paths = reference.write(tmp_path)
    assert len(paths) == len(reference.NAMESPACES) + 1
    text = (tmp_path / "mintor.md").read_text()
    assert "## exp\n\nexp(x)\n\ne^x." in text and "`save(obj, path, metadata=None)`" in text
    assert "### Array.sum" in text and "As `abs`" in text
    for name in reference.public_names("mintor.optim"):
        assert f"## {name}\n" in (tmp_path / "mintor.optim.md").read_text(), name
