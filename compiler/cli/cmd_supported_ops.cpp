// SPDX-License-Identifier: Apache-2.0
// mintor supported-ops: the ONNX operators that can be imported, with their opset versions, the
// element types that they take and what each becomes. Takes nothing; gives a table sorted by domain
// and name, as text, --json or --markdown (docs/operators.md).
// Keeps true: it prints the importer's own registry, there is no second list.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>

#include "compiler/cli/command.h"
#if MINTOR_HAS_ONNX
#include "frontends/onnx/element_types.h"
#include "frontends/onnx/op_group.h"
#endif
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Row {
  std::string domain, op;
  int since, until;
  std::string takes, expands_to;
};

struct Table {
  std::vector<Row> rows;
  std::vector<std::pair<std::string, std::string>> groups;  // of element types: name, members
  size_t operators = 0;
};

// "ai.onnx.ml.Scaler" -> "ai.onnx.ml"; names without a domain are ONNX's own.
std::string domain_of(std::string_view op_type) {
  const size_t dot = op_type.rfind('.');
  return dot == std::string_view::npos ? "ai.onnx" : std::string(op_type.substr(0, dot));
}

Table table() {
  Table made;
#if MINTOR_HAS_ONNX
  for (const OnnxOpGroup* group : all_onnx_op_groups()) {
    for (const OnnxOp& op : group->ops)
      made.rows.push_back({domain_of(op.op_type),
                           std::string(op.op_type.substr(op.op_type.rfind('.') + 1)), op.since,
                           op.until, std::string(op.takes), std::string(op.expands_to)});
  }
  for (const ElementTypeGroup& group : element_type_groups())
    made.groups.emplace_back(group.name, group.types);
#else
  throw CompileError("supported-ops", "this build has no ONNX frontend", "",
                     "build with -DMINTOR_ONNX=ON");
#endif
  std::ranges::sort(made.rows, {},
                    [](const Row& row) { return std::tie(row.domain, row.op, row.since); });
  for (size_t i = 0; i < made.rows.size(); ++i)
    made.operators += i == 0 || made.rows[i].op != made.rows[i - 1].op ||
                      made.rows[i].domain != made.rows[i - 1].domain;
  return made;
}

std::string opsets_of(const Row& row) {
  return std::to_string(row.since) + ".." + (row.until == 0 ? "" : std::to_string(row.until));
}

void print_text(const Table& t) {
  std::string domain;
  for (const Row& row : t.rows) {
    if (row.domain != domain) std::printf("%s\n", row.domain.c_str());
    domain = row.domain;
    std::printf("  %-26s %-6s %-28s %s\n", row.op.c_str(), opsets_of(row).c_str(),
                row.takes.c_str(), row.expands_to.c_str());
  }
  for (const auto& [name, types] : t.groups) std::printf("%s: %s\n", name.c_str(), types.c_str());
  std::printf("%zu operators\n", t.operators);
}

void print_markdown(const Table& t) {
  std::printf(
      "# Operators\n\n"
      "The ONNX operators that can be imported; `mintor supported-ops --markdown` writes this "
      "file.\nOpsets are versions of the operator's domain. Types are those of each input, the "
      "last "
      "also\nthose of all behind it; whatever else a model has there is refused by name. A "
      "sequence "
      "is of any.\n\n| types | are |\n|---|---|\n");
  for (const auto& [name, types] : t.groups)
    std::printf("| %s | %s |\n", name.c_str(), types.c_str());
  std::string domain;
  for (const Row& row : t.rows) {
    if (row.domain != domain)
      std::printf("\n## %s\n\n| operator | opsets | types | becomes |\n|---|---|---|---|\n",
                  row.domain.c_str());
    domain = row.domain;
    std::printf("| %s | %s | %s | %s |\n", row.op.c_str(), opsets_of(row).c_str(),
                row.takes.c_str(), row.expands_to.c_str());
  }
  std::printf("\n%zu operators\n", t.operators);
}

void print_json(const Table& t) {
  auto result = nlohmann::ordered_json::array();
  for (const Row& row : t.rows) {
    nlohmann::ordered_json item = {{"domain", row.domain}, {"op", row.op}, {"since", row.since}};
    item["until"] = nullptr;  // the newest
    if (row.until != 0) item["until"] = row.until;
    item["takes"] = row.takes;
    item["expands_to"] = row.expands_to;
    result.push_back(item);
  }
  std::puts(result.dump(2).c_str());
}

RunCommand declare(CLI::App& app) {
  const auto json = std::make_shared<bool>(false), markdown = std::make_shared<bool>(false);
  CLI::Option* machines = app.add_flag("--json", *json, "the same for machines");
  app.add_flag("--markdown", *markdown, "the same as docs/operators.md")->excludes(machines);
  return [json, markdown] {
    (*json ? print_json : *markdown ? print_markdown : print_text)(table());
    return 0;
  };
}

}  // namespace

extern const Command cmd_supported_ops = {"supported-ops",
                                          "the ONNX operators that can be imported",
                                          "  mintor supported-ops\n"
                                          "  mintor supported-ops --json\n"
                                          "  mintor supported-ops --markdown\n",
                                          declare};

}  // namespace mintor
