# SPDX-License-Identifier: Apache-2.0
"""Operators on strings, through `mintor.backend`, beside Python's own str and re.

Keeps true: sizes are symbols, so one compiled model takes any number of strings of any length;
strings of no UTF-8, of NULs and of nothing are among all of them.
"""

import itertools
import re

import mintor as mt
import numpy as np
import op_harness
import pytest
from onnx import TensorProto, helper

STRING = TensorProto.STRING
WORDS = ["", "a", "ab", "Ab b", " x  y ", "naïve Straße ÀÉ", "Ωμέγα", "日本 語", "ẠẶ ǆ", "a\0b",
         "x-y--z-", "--", "a--b", "---", "\udc80\udcff", "é\udcc3", "tab\tand\u2003space", "😀 𐐀"]


def model_of(op, ports, outputs, domain="", opset=20, constants=(), **attributes):
    """One node over tensors of strings (or (type, rank)) with sizes that are symbols."""
    inputs = [helper.make_tensor_value_info(name, kind, [f"{name}{d}" for d in range(rank)])
              for name, (kind, rank) in ports.items()]
    results = [helper.make_tensor_value_info(name, kind, [None] * rank)
               for name, (kind, rank) in outputs.items()]
    names = [*ports, *(tensor.name for tensor in constants)]
    node = helper.make_node(op, names, list(outputs), domain=domain, **attributes)
    graph = helper.make_graph([node], "case", inputs, results, list(constants))
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 4)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def unary(op, kind=STRING, rank=1, **attributes):
    return model_of(op, {"x": (STRING, 1)}, {"y": (kind, rank)}, **attributes)


def strings(values):
    return np.array(values, dtype=object).reshape(np.shape(values))


def run(model, *inputs):
    run_engine = op_harness.mintor_runner(model)
    names = [value.name for value in model.graph.input]
    return run_engine(dict(zip(names, inputs)))


def joined(p, q):
    """Bytes behind bytes: what is no UTF-8 alone may be some together."""
    both = (p.encode("utf-8", "surrogateescape") + q.encode("utf-8", "surrogateescape"))
    return both.decode("utf-8", "surrogateescape")


def test_concat():
    model = model_of("StringConcat", {"x": (STRING, 2), "y": (STRING, 1)}, {"z": (STRING, 2)})
    for left, right in ((WORDS, WORDS), (WORDS[:3], [""]), ([], ["a"])):
        x = strings(left)[:, None]
        want = strings([[joined(p, q) for q in right] for p in left]).reshape(len(left), len(right))
        got = run(model, x, strings(right))[0]
        assert got.shape == want.shape and (got == want).all()


def test_equal():
    model = model_of("Equal", {"x": (STRING, 2), "y": (STRING, 1)}, {"z": (TensorProto.BOOL, 2)})
    x, y = strings(WORDS)[:, None], strings(WORDS + ["abc", "a\0"[:1]])
    assert (run(model, x, y)[0] == (x == y)).all()


@pytest.mark.parametrize("most", (None, 0, 1, 2))
@pytest.mark.parametrize("delimiter", ("", " ", "-", "--", "b", "日", "\0b", "é"))
def test_split(delimiter, most):
    attributes = {} if most is None else {"maxsplit": most}
    model = model_of("StringSplit", {"x": (STRING, 1)},
                     {"y": (STRING, 2), "n": (TensorProto.INT64, 1)}, delimiter=delimiter,
                     **attributes)
    for words in (WORDS, ["", ""], ["----", "-----"], ["a"], []):
        parts, counts = run(model, strings(words))
        want = [word.split(delimiter or None, -1 if most is None else most) for word in words]
        assert counts.tolist() == [len(one) for one in want]
        assert parts.shape == (len(words), max(map(len, want), default=0))
        for got, one in zip(parts, want):
            ends = [part.rstrip("\0") for part in one]
            assert got.tolist() == ends + [""] * (parts.shape[1] - len(one))


def cased(word, change):
    """Letter by letter; those whose other case is of another length stay."""
    def one(c):
        try:
            other = change(c)
            return other if len(other) == 1 and len(other.encode()) == len(c.encode()) \
                and ord(c) < 1 << 16 else c
        except UnicodeEncodeError:
            return c
    return "".join(map(one, word))


@pytest.mark.parametrize("action,change", (("UPPER", str.upper), ("LOWER", str.lower)))
def test_case(action, change):
    letters = ["".join(chr(c) for c in range(first, first + 256) if not 0xD800 <= c < 0xE000)
               for first in range(0, 1 << 16, 256)]
    letters[0] = letters[0][1:]
    words = WORDS + letters
    got = run(unary("StringNormalizer", case_change_action=action), strings(words))[0]
    assert got.tolist() == [cased(word, change) for word in words]


@pytest.mark.parametrize("minds_case", (0, 1))
def test_stop_words(minds_case):
    stops = ["AB", "", "a", "ωΜΈΓΑ"]
    model = unary("StringNormalizer", is_case_sensitive=minds_case, stopwords=stops)
    fold = (lambda word: word) if minds_case else (lambda word: cased(word, str.lower))
    for words in (WORDS, ["a", ""], ["q"], []):
        left = [word for word in words if fold(word) not in set(map(fold, stops))]
        assert run(model, strings(words))[0].tolist() == (left or [""])


PATTERNS = [
    "", "a", "a|b", "a*", "(ab)+", "a?b?", "[ab]*c", "[^ab]", ".", ".*", "a{2}", "a{1,2}b",
    "(a|)b{2,}", "(?:a|b)c", "(?P<name>ab)c?", r"\ba.*", r".*a\b", r"a\Bb", r"^a$", r"\Aab\z",
    r"(^|b)a($|b)",
    r"\w+", r"\W*", r"[\w ]+", r"\d|\s", "(?i)AB*", "(?i:A)b", "(?s)a.b", "(?m)a$\nb",
    "[[:alpha:]]+", "[[:^alpha:]]+", r"\x61\x{62}", r"\141", r"\Qa*\E?", "é+", "[à-ÿ]+", "[日-語😀]*",
    "a{,2}", "x*?y",
    "(a*)*", "(a|b)*?c", "[]a]+", "[a-]+", r"\.", "(?i)[^a]", "(?U)a+",
]


def python_of(pattern):
    """RE2's spelling as Python's re has it."""
    for theirs, own in ((r"\z", r"\Z"), (r"\x{62}", "b"), ("[[:alpha:]]", "[a-zA-Z]"),
                        ("[[:^alpha:]]", "[^a-zA-Z]"), (r"\Qa*\E", r"a\*"), ("(?U)", "")):
        pattern = pattern.replace(theirs, own)
    return re.compile("a\\{,2\\}" if pattern == "a{,2}" else pattern, re.ASCII)


def fits(regex, word):
    whole = regex.pattern.replace("$", r"\Z") if "(?m)" not in regex.pattern else regex.pattern
    return re.compile(whole, regex.flags & ~re.UNICODE).fullmatch(word) is not None


def valid(word):
    return not any(0xD800 <= ord(c) < 0xE000 for c in word)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern):
    short = ["".join(p) for n in range(5) for p in itertools.product("abc\n", repeat=n)]
    more = ["a*", "é", "éé", "àÿ", "x" * 9 + "y", "日😀", "a{,2}", "AB", "aBb", "a b", "]a", "-a-"]
    words = [word for word in WORDS + short + more if valid(word)]
    regex = python_of(pattern)
    got = run(unary("RegexFullMatch", TensorProto.BOOL, pattern=pattern), strings(words))[0]
    wrong = [w for w, g in zip(words, got) if g != fits(regex, w)]
    assert not wrong, (pattern, wrong[:5])


def test_pattern_of_no_utf8():
    got = run(unary("RegexFullMatch", TensorProto.BOOL, pattern=".*"), strings(["a", "\udc80"]))[0]
    assert got.tolist() == [True, False]


@pytest.mark.parametrize("pattern,message", (
    ("(", r"a '\(' is not closed, at byte 1"), (")", "closes nothing"), ("[a", "is not closed"),
    ("a**", "repetition is repeated"), ("*a", "repeats nothing"), ("a{2,1}", "ends before"),
    ("a{1001}", "more than 1000 times"), (r"\pL", "means nothing here"), (r"\1", "bad code|means"),
    ("(?i)é", "letters of ASCII alone"), ("(" * 300, "deep"), ("a{1000}{1000}", "repeated"),
    ("((a{1,99}){1,99}){1,99}", "too large"), ("(?x)a", "no flag"), ("[b-a]", "ends before"),
    ("(a|b)*a(a|b){40}", "too large")))
def test_bad_patterns(pattern, message):
    with pytest.raises(ValueError, match=message):
        run(unary("RegexFullMatch", TensorProto.BOOL, pattern=pattern), strings(["a"]))


def test_labels():
    keys = ["a", "", "Ωμέγα", "日本 語"]
    x = strings(WORDS)
    for values, kind, attributes, other in (
            ([4, 3, 2, 1], TensorProto.INT64, {"values_int64s": [4, 3, 2, 1]}, -1),
            (["p", "", "rr", "s"], STRING, {"values_strings": ["p", "", "rr", "s"]}, "_Unused"),
            ([.5, 1., 2., 3.], TensorProto.FLOAT, {"values_floats": [.5, 1., 2., 3.],
                                                   "default_float": 7.}, 7.)):
        model = unary("LabelEncoder", kind, domain="ai.onnx.ml", keys_strings=keys, **attributes)
        want = [dict(zip(keys, values)).get(word, other) for word in WORDS]
        assert run(model, x)[0].tolist() == want
    back = model_of("LabelEncoder", {"x": (TensorProto.FLOAT, 1)}, {"y": (STRING, 1)},
                    domain="ai.onnx.ml", keys_floats=[1., float("nan")],
                    values_strings=["one", "nan"])
    got = run(back, np.array([1, np.nan, 2], np.float32))[0]
    assert got.tolist() == ["one", "nan", "_Unused"]


def test_grams():
    model = unary("TfIdfVectorizer", TensorProto.FLOAT, mode="TF", min_gram_length=1,
                  max_gram_length=2, max_skip_count=0, ngram_counts=[0, 2], ngram_indexes=[0, 1, 2],
                  pool_strings=["a", "b", "a", "b"])
    assert run(model, strings(["a", "b", "a", "c", "a", "b"]))[0].tolist() == [3, 2, 2]


MOVES = {
    "Reshape": (lambda x: x.reshape(3, 2), [helper.make_tensor("s", 7, [2], [3, 2])], {}),
    "Transpose": (lambda x: x.T, [], {}),
    "Gather": (lambda x: x[[1, 0, 1]], [helper.make_tensor("i", 7, [3], [1, 0, -1])], {}),
    "Slice": (lambda x: x[:, ::-2], [helper.make_tensor(name, 7, [1], [value]) for name, value in
                                     (("a", 9), ("b", -9), ("c", 1), ("d", -2))], {}),
    "Tile": (lambda x: np.tile(x, (1, 2)), [helper.make_tensor("r", 7, [2], [1, 2])], {}),
    "Concat": (lambda x: np.concatenate([x, [["longer than all", ""]]]),
               [helper.make_tensor("c", STRING, [1, 2], [b"longer than all", b""])], {"axis": 0}),
    "Pad": (lambda x: np.pad(x, ((0, 1), (0, 0)), constant_values=""),
            [helper.make_tensor("p", 7, [4], [0, 0, 1, 0])], {}),
}


@pytest.mark.parametrize("op", MOVES)
def test_moves(op):
    expected, constants, attributes = MOVES[op]
    model = model_of(op, {"x": (STRING, 2)}, {"y": (STRING, 2)}, constants=constants, **attributes)
    del model.graph.input[0].type.tensor_type.shape.dim[:]
    for size in (2, 3) if op == "Reshape" else (2, 2):
        model.graph.input[0].type.tensor_type.shape.dim.add().dim_value = size
    x = strings(["ab", "", "日本", "d", "e", "ff"]).reshape(2, 3) if op == "Reshape" else strings(
        [["ab", ""], ["日本", "d"]])
    got, want = run(model, x)[0], expected(x)
    assert got.shape == want.shape and (got == want).all()


def test_types_are_checked():
    with pytest.raises(ValueError, match="input 1 is a tensor of u8, which it does not take"):
        run(model_of("StringConcat", {"x": (STRING, 1), "y": (TensorProto.UINT8, 1)},
                     {"z": (STRING, 1)}), strings(["a"]), np.zeros(1, np.uint8))
    with pytest.raises(ValueError, match="a tensor of strings, which it does not take"):
        run(model_of("Add", {"x": (STRING, 1), "y": (STRING, 1)}, {"z": (STRING, 1)}),
            strings(["a"]), strings(["b"]))
    with pytest.raises(ValueError, match="ends in a NUL"):
        run(unary("StringNormalizer"), strings(["a\0"]))
    ends = model_of("Concat", {"x": (STRING, 1)}, {"y": (STRING, 1)}, axis=0,
                    constants=[TensorProto(name="c", data_type=STRING, dims=[1],
                                           string_data=[b"a\0"])])
    with pytest.raises(ValueError, match="ends in a NUL"):
        run(ends, strings(["a"]))


@pytest.mark.parametrize("op,attributes", (
    ("StringSplit", {"delimiter": "--"}), ("StringNormalizer", {
        "case_change_action": "UPPER", "stopwords": ["ab"]}),
    ("RegexFullMatch", {"pattern": r"\w*"})))
def test_the_bits_of_the_evaluator(op, attributes, tmp_path):
    outputs = {"y": (STRING, 2), "n": (TensorProto.INT64, 1)} if op == "StringSplit" else \
        {"y": (TensorProto.BOOL if op == "RegexFullMatch" else STRING, 1)}
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(op, {"x": (STRING, 1)}, outputs, **attributes).SerializeToString())
    compiled = mt.compile(path)
    evaluated = op_harness.evaluator_runner(path, tmp_path)
    for words in (WORDS, [""], ["a--b", "ab"]):
        rows = mt.encode_strings(words)
        got = compiled.run({"x": rows})
        want = evaluated({"x": rows.view(f"S{rows.shape[1]}")[:, 0]})  # a file of dtype S
        for name in outputs:
            assert got[name].dtype == want[name].dtype and got[name].shape == want[name].shape
            assert (got[name] == want[name]).all()


def test_package(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of("StringConcat", {"x": (STRING, 1), "y": (STRING, 1)},
                              {"z": (STRING, 1)}).SerializeToString())
    mt.compile(path).save(tmp_path / "package")
    loaded = mt.load(tmp_path / "package")
    for left, right in ((WORDS, ["é"]), ([], [])):
        x, y = mt.encode_strings(left), mt.encode_strings(right)
        got = mt.decode_strings(loaded.run({"x": x, "y": y})["z"])
        assert got.tolist() == [joined(word, one) for word in left for one in right]
