# SPDX-License-Identifier: Apache-2.0
"""The element types of `mintor supported-ops` are those that the importer takes.

Takes: the table, and cases of the `onnx` package's backend suite that import, one operator each.
Gives: for each operand, a model with each type of the table, which imports, and one with a type
that is not there, which is refused by that name.
Keeps true: the suite's own cases, retyped, are the models: an operand with all others of its type
variable, or with all others of its type. Where attributes hold types as well (TYPED), they stay as
they are.
"""
import collections
import copy
import json
import pathlib
import subprocess
import sys
import warnings

import onnx
import pytest
from onnx import TensorProto

ROOT = pathlib.Path(__file__).resolve().parents[2]
MINTOR = pathlib.Path(sys.executable).with_name("mintor")
ELEMENTS = {
    "f16": "FLOAT16", "bf16": "BFLOAT16", "f32": "FLOAT", "f64": "DOUBLE", "bool": "BOOL",
    "strings": "STRING",
    **{f"{sign}{bits}": f"{name}{bits}" for sign, name in (("i", "INT"), ("u", "UINT"))
       for bits in (8, 16, 32, 64)},
    **{name.lower(): name for name in (
        "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0",
        "FLOAT4E2M1", "INT4", "UINT4", "INT2", "UINT2")},
}  # fmt: skip

TYPED = {"BitCast", "LabelEncoder", "Loop", "Scan", "TfIdfVectorizer"}


def command(*arguments):
    return subprocess.run([MINTOR, *arguments], capture_output=True, text=True, check=False)


def import_error(model, folder):
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    ended = command("compile", path, "--emit=graph")
    return "" if ended.returncode == 0 else ended.stderr


MARKDOWN = command("supported-ops", "--markdown").stdout
ROWS = json.loads(command("supported-ops", "--json").stdout)
GROUPS = dict(line[2:-2].split(" | ") for line in MARKDOWN.splitlines()
              if line.startswith("| ") and line.count("|") == 3)  # fmt: skip


def types(words):
    """{"f16", "bf16", ..} of "floats i32"; a KeyError for what is no type."""
    found = set()
    for word in words.split():
        found |= types(GROUPS[word]) if word in GROUPS else {ELEMENTS[word] and word}
    return found


def operand_types(row, operand):
    operands = row["takes"].split(", ")
    return types(operands[min(operand, len(operands) - 1)])


def single_node_cases():
    """{(domain, operator): [model, ..]}, newest opset first where one has several rows."""
    from onnx.backend.test import loader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = loader.load_model_tests(kind="node")
    found = collections.defaultdict(list)
    for case in cases:
        model = case.model or onnx.load(pathlib.Path(case.model_dir) / "model.onnx")
        if len(model.graph.node) == 1 and "_expanded" not in case.name:
            node = model.graph.node[0]
            found[node.domain or "ai.onnx", node.op_type].append(model)
    return found


def element(model, name):
    for value in model.graph.input:
        if value.name == name and value.type.HasField("tensor_type"):
            return value.type.tensor_type.elem_type
    return None


def tied(model, operand):
    """The names that change their type with an operand: two guesses, the likelier one first."""
    node = model.graph.node[0]
    own = node.input[operand]
    versions = {o.domain: o.version for o in model.opset_import}
    alike = {x for x in node.input if x and element(model, x) == element(model, own)}
    if not onnx.defs.has(node.op_type, node.domain):
        return [alike]
    schema = onnx.defs.get_schema(node.op_type, versions.get(node.domain, 1), node.domain)
    variable = [schema.inputs[min(i, len(schema.inputs) - 1)].type_str
                for i in range(len(node.input))]  # fmt: skip
    return [{x for x, v in zip(node.input, variable) if x and v == variable[operand]}, alike]


def retyped(model, names, type_name):
    model = copy.deepcopy(model)
    for value in model.graph.input:
        if value.name in names:
            value.type.tensor_type.elem_type = TensorProto.DataType.Value(ELEMENTS[type_name])
    return model


def row_of(model):
    node = model.graph.node[0]
    version = {o.domain or "ai.onnx": o.version for o in model.opset_import}
    domain = node.domain or "ai.onnx"
    for row in ROWS:
        own = (row["domain"], row["op"]) == (domain, node.op_type)
        if own and row["since"] <= version[domain] <= (row["until"] or 1000):
            return row
    return None


def joined(models):
    """One model with the nodes of all, which share nothing."""
    whole = copy.deepcopy(models[0])
    for field in (whole.graph.node, whole.graph.input, whole.graph.output, whole.graph.initializer):
        del field[:]
    for i, model in enumerate(models):
        part = onnx.compose.add_prefix(model, f"m{i}_").graph
        whole.graph.node.extend(part.node)
        whole.graph.input.extend(part.input)
        whole.graph.output.extend(part.output)
        whole.graph.initializer.extend(part.initializer)
    return whole


CASES = single_node_cases()


@pytest.mark.parametrize("operator", sorted(CASES), ids=".".join)
def test_types_of_the_table_are_taken_and_others_refused(operator, tmp_path):
    models = [m for m in CASES[operator][:40] if row_of(m) and not import_error(m, tmp_path)]
    if not models:
        pytest.skip("no case of one node imports")
    row = row_of(models[0])
    wanted, first = [], []
    for operand in range(max(len(m.graph.node[0].input) for m in models)):
        cases = [m for m in models if len(m.graph.node[0].input) > operand
                 and element(m, m.graph.node[0].input[operand])]  # fmt: skip
        if not cases:
            continue
        taken = operand_types(row, operand)
        present = {element(m, m.graph.node[0].input[operand]) for m in cases}
        for name in sorted(taken):
            if operator[1] in TYPED or TensorProto.DataType.Value(ELEMENTS[name]) in present:
                continue  # a case of the suite has it, and imports
            tries = [retyped(m, names, name) for m in cases[:6] for names in tied(m, operand)]
            wanted.append((operand, name, tries))
            first.append(tries[0])
        for name in sorted(set(ELEMENTS) - taken)[:1]:
            own = cases[0].graph.node[0].input[operand]
            error = import_error(retyped(cases[0], {own}, name), tmp_path)
            assert f"{operator[1]}: input {operand} is a tensor of {name}, which it does not take" \
                in error  # fmt: skip
    if first and not import_error(joined(first), tmp_path):
        return
    refused = [f"input {operand} of {name}: {import_error(tries[0], tmp_path)}"
               for operand, name, tries in wanted
               if all(import_error(m, tmp_path) for m in tries)]  # fmt: skip
    assert not refused, "\n".join(refused)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['domain']}.{r['op']}-{r['since']}")
def test_words_of_the_table_are_types(row):
    for operand in filter(None, row["takes"].split(", ")):
        assert types(operand)


def test_the_committed_table_is_up_to_date():
    written = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    assert written == MARKDOWN, "mintor supported-ops --markdown > docs/operators.md"
