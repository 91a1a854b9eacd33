# SPDX-License-Identifier: Apache-2.0
"""The reference of the Python module, made of its docstrings: one page of Markdown a namespace.

Takes the module that can be imported, and a folder; gives pages with every public name, its
signature and its docstring, and an index. Keeps true: a name under which the same thing is there
twice is described once.

python docs/reference.py build/docs/api          (make docs)
"""
import importlib
import inspect
import pathlib
import sys
import types

NAMESPACES = ["mintor", "mintor.nn", "mintor.nn.functional", "mintor.nn.init", "mintor.nn.utils",
              "mintor.nn.utils.parametrizations", "mintor.nn.utils.parametrize",
              "mintor.nn.utils.rnn", "mintor.optim", "mintor.optim.lr_scheduler", "mintor.data",
              "mintor.random", "mintor.linalg", "mintor.fft", "mintor.amp", "mintor.memory"]
# Described where they belong; here because both libraries have them here.
_ELSEWHERE = {"mintor.nn": ["mintor.nn.functional", "mintor.optim", "mintor"],
              "mintor": ["mintor.random", "mintor.nn"]}


def public_names(namespace):
    """{name: value} of what a namespace has, without modules."""
    module = importlib.import_module(namespace)
    names = getattr(module, "__all__", None) or [name for name in vars(module)
                                                 if not name.startswith("_")]
    found = {name: getattr(module, name) for name in names}
    return {name: value for name, value in found.items() if not isinstance(value, types.ModuleType)}


def members_of(kind):
    """{name: function, method or property} of a class that it defines or inherits from our classes.
    """
    found = {}
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        if not name.startswith("_") and (callable(value) or isinstance(
                value, (property, staticmethod, classmethod, types.GetSetDescriptorType))):
            found[name] = value
    return found


def own_members(kind):
    """Those that the class itself defines."""
    return {name: value for name, value in members_of(kind).items() if name in vars(kind)}


def doc_of(value):
    """A docstring, that of a base class where a method has none; "" for none."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    return inspect.cleandoc(value.__doc__ or "") if not inspect.isclass(value) else \
        inspect.cleandoc(vars(value).get("__doc__") or "")


def inherited_doc(kind, name):
    """The docstring of a member, or of the nearest base class's."""
    for base in kind.__mro__:
        if name in vars(base) and (found := doc_of(vars(base)[name])):
            return found
    return ""


def _signature(name, value, is_method=False):
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    given = list(found.parameters.values())
    if is_method and given and given[0].name in ("self", "cls"):
        found = found.replace(parameters=given[1:])
    return f"{name}{found}"


def _entry(name, value, text, level, is_method=False):
    is_called = callable(value) or isinstance(value, (staticmethod, classmethod))
    signature = _signature(name, value, is_method) if is_called else name
    lines = ["#" * level + f" {name}", ""]
    if signature and signature != name and not text.startswith(f"{name}("):
        lines += [f"`{signature}`", ""]
    in_example = False
    for line in text.splitlines():          # examples become blocks of code
        if line.startswith(">>>") and not in_example:
            lines.append("```python")
            in_example = True
        elif in_example and not line.strip():
            lines.append("```")
            in_example = False
        lines.append(line)
    return lines + ["```"] * in_example + [""]


def _class(name, kind):
    lines = _entry(name, kind, doc_of(kind), 2)
    for member, value in own_members(kind).items():
        text = inherited_doc(kind, member)
        if doc_of(value) or member not in dir(kind.__mro__[1]):
            lines += _entry(f"{name}.{member}", value, text, 3, is_method=True)
    return lines


def page(namespace):
    """The text of a namespace's page."""
    names = public_names(namespace)
    elsewhere = {}
    for other in _ELSEWHERE.get(namespace, []):
        elsewhere.update({id(value): other for value in public_names(other).values()})
    lines = [f"# {namespace}", "", inspect.cleandoc(importlib.import_module(namespace).__doc__), ""]
    seen, links = {}, []
    for name, value in sorted(names.items(), key=lambda item: item[0].lower()):
        if id(value) in elsewhere and not isinstance(value, (int, float, type(None))):
            links.append(f"`{name}` ({elsewhere[id(value)]})")
        elif isinstance(value, (str, int, float, type(None))):
            lines += [f"## {name}", "", f"`{value!r}`", ""]
        elif id(value) in seen:
            lines += [f"## {name}", "", f"As `{seen[id(value)]}`.", ""]
        else:
            seen[id(value)] = name
            lines += _class(name, value) if inspect.isclass(value) else \
                _entry(name, value, doc_of(value) or doc_of(type(value)), 2)
    if links:
        lines += ["## Described elsewhere", "", ", ".join(links) + ".", ""]
    return "\n".join(lines)


def write(folder):
    """Writes all pages and the index; gives their paths."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index, paths = ["# Reference of the Python module", ""], []
    for namespace in NAMESPACES:
        paths.append(folder / f"{namespace}.md")
        paths[-1].write_text(page(namespace), encoding="utf-8")
        first = inspect.cleandoc(importlib.import_module(namespace).__doc__).split("\n\n")[0]
        index.append(f"- [{namespace}]({namespace}.md): {first}")
    paths.append(folder / "README.md")
    paths[-1].write_text("\n".join([*index, ""]), encoding="utf-8")
    return paths


if __name__ == "__main__":
    print(f"{len(write(sys.argv[1]))} pages in {sys.argv[1]}")
