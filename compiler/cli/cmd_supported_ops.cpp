// SPDX-License-Identifier: Apache-2.0
// mintor supported-ops: the ONNX operators that can be imported, with their opset versions and
// what each becomes. Takes nothing; gives a table sorted by name, as text or --json.
// Keeps true: it prints the importer's own registry, there is no second list.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <tuple>

#include "compiler/cli/command.h"
#if MINTOR_HAS_ONNX
#include "frontends/onnx/op_group.h"
#endif
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Row {
  std::string op;
  int since, until;
  std::string expands_to;
};

std::vector<Row> all_rows() {
  std::vector<Row> rows;
#if MINTOR_HAS_ONNX
  for (const OnnxOpGroup* group : all_onnx_op_groups()) {
    for (const OnnxOp& op : group->ops) {
      rows.push_back({std::string(op.op_type), op.since, op.until, std::string(op.expands_to)});
    }
  }
#else
  throw CompileError("supported-ops", "this build has no ONNX frontend", "",
                     "build with -DMINTOR_ONNX=ON");
#endif
  std::ranges::sort(rows, {}, [](const Row& row) { return std::tie(row.op, row.since); });
  return rows;
}

void print_rows(const std::vector<Row>& rows) {
  size_t operators = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    operators += i == 0 || rows[i].op != rows[i - 1].op;
    const std::string until = rows[i].until == 0 ? "" : std::to_string(rows[i].until);
    std::printf("%-28s opset %2d..%-3s %s\n", rows[i].op.c_str(), rows[i].since, until.c_str(),
                rows[i].expands_to.c_str());
  }
  std::printf("%zu operators\n", operators);
}

RunCommand declare(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "the same for machines");
  return [json] {
    const std::vector<Row> rows = all_rows();
    if (!*json) {
      print_rows(rows);
      return 0;
    }
    auto result = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
      nlohmann::ordered_json item = {{"op", row.op}, {"since", row.since}};
      item["until"] = nullptr;  // the newest
      if (row.until != 0) item["until"] = row.until;
      item["expands_to"] = row.expands_to;
      result.push_back(item);
    }
    std::puts(result.dump(2).c_str());
    return 0;
  };
}

}  // namespace

extern const Command cmd_supported_ops = {
    "supported-ops", "the ONNX operators that can be imported",
    "  mintor supported-ops\n"
    "  mintor supported-ops --json\n",
    declare};

}  // namespace mintor
