# SPDX-License-Identifier: Apache-2.0
"""The lint rules find what they are for: each gets a file that breaks it, and one that does not.

Takes the rule functions as they are; runs without the repository's own files, which `lint.py`
checks. Keeps true: a rule that never finds anything fails here.
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rules_layout  # noqa: E402
import rules_size  # noqa: E402
import rules_text  # noqa: E402

HEAD = "// SPDX-License-Identifier: Apache-2.0\n// Takes a.\n// Gives b.\n"
ORDER = {"compiler/README.md": "| `support` | |\n| `ir` | |\n| `loop` | |\n| `codegen` | |\n"
                               "| `grad` | |\n"}
LONG = HEAD + "void f() {\n" + "  g();\n" * 120 + "}\n"
CASES = [
    (rules_size.rule_file_length, {"a.cpp": "x\n" * 801}, {"a.cpp": "x\n" * 399}),
    (rules_size.rule_line_width, {"a.cpp": "x" * 101}, {"a.cpp": "x" * 100, "a.md": "x" * 300}),
    (rules_size.rule_function_length, {"a.cpp": LONG},
     {"a.cpp": "namespace a {\n" + "int b = 1;\n" * 200 + "}\n"}),
    (rules_size.rule_function_length, {"a.py": "def f():\n" + "    g()\n" * 101},
     {"a.py": "def f():\n" + "    g()\n" * 99}),
    (rules_size.rule_readme_length, {"compiler/ir/README.md": "x\n" * 41},
     {"compiler/ir/README.md": "x\n" * 40, "README.md": "x\n" * 90}),
    (rules_size.rule_runtime_total, {"runtime/a.cpp": "x\n" * 5001}, {"runtime/a.cpp": "x\n"}),
    (rules_text.rule_file_head, {"a.cpp": "int a;\n"}, {"a.cpp": HEAD}),
    (rules_text.rule_file_head, {"a.cpp": HEAD.split("\n")[0] + "\nint a;\n"}, {"a.cpp": HEAD}),
    (rules_text.rule_no_target_in_compiler, {"compiler/a.cpp": "if (has_avx512f) {}"},
     {"compiler/a.cpp": "essential", "targets/a.cpp": "avx512"}),
    (rules_text.rule_no_machine_path, {"a.sh": "cd " + "/home/" + "someone"}, {"a.sh": "/bin/sh"}),
    (rules_text.rule_libraries_do_not_print, {"compiler/ir/a.cpp": 'std::printf("x");'},
     {"compiler/ir/a.cpp": 'std::snprintf(b, 1, "x"); // printf(',
      "compiler/cli/a.cpp": "exit(1)"}),
    (rules_text.rule_libraries_do_not_print, {"runtime/a.cpp": "  abort();"},
     {"runtime/a.cpp": "fprintf(file, text);"}),
    (rules_text.rule_todo_has_reason, {"a.cpp": "// TODO fix"},
     {"a.cpp": "// TODO: waits for the next release"}),
    (rules_layout.rule_folder_order, {**ORDER, "compiler/ir/a.cpp": '#include "compiler/loop/b.h"'},
     {**ORDER, "compiler/loop/a.cpp": '#include "compiler/ir/b.h"'}),
    (rules_layout.rule_folder_order, {**ORDER, "runtime/a.cpp": '#include "compiler/ir/b.h"'},
     {**ORDER, "targets/x/a.cpp": '#include "compiler/codegen/b.h"'}),
    (rules_layout.rule_golden_present, {"compiler/loop/steps/split.cpp": ""},
     {"compiler/loop/steps/split.cpp": "", "tests/golden/steps/split.txt": ""}),
    (rules_layout.rule_golden_present, {"tests/golden/steps/split.txt": ""},
     {"compiler/loop/steps/split.cpp": "", "tests/golden/steps/split.tail.txt": "",
      "tests/golden/steps/split.txt": ""}),
    (rules_layout.rule_snake_case, {"compiler/ir/TextForm.cpp": ""},
     {"compiler/ir/text_form.cpp": ""}),
    (rules_layout.rule_readme_present, {"compiler/ir/a.cpp": ""},
     {"compiler/README.md": "", "compiler/ir/README.md": "", "runtime/README.md": ""}),
]


@pytest.mark.parametrize("rule, bad, good", CASES,
                         ids=[f"{i}-{case[0].__name__}" for i, case in enumerate(CASES)])
def test_rule(rule, bad, good):
    found = [what for _, what in rule(bad) if not what.startswith("warning: ")]
    assert found
    assert not [what for _, what in rule(good) if not what.startswith("warning: ")]


def test_function_lengths():
    text = ("namespace a {\nstruct S { int f() { return 1; } };\nint g(int x = {}) {\n"
            '  if (x) { }\n  return "{";\n}\nconstexpr int k[] = {\n1,\n2};\n'
            "bool operator==(S a, S b) {\n  return 1; }\n}\n")
    assert list(rules_size.cpp_functions(text)) == [(2, 1), (3, 4), (10, 2)]
