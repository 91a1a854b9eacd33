// SPDX-License-Identifier: Apache-2.0
// report.html: a Program for a reader, as one page that loads nothing. Takes a Program, its memory
// planned, and its source; gives HTML. What `mintor bench` measured can be put into a page later.
// Keeps true: equal Programs give equal pages; the page is a template (page/) and data: whatever a
// model calls its values is JSON in which no markup can begin, and only the template's own script
// may run, by its hash.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "compiler/codegen/program_emitter.h"
#include "compiler/program/program.h"

namespace mintor {

std::string report_page(const Program& program, const ProgramSource& source);

// The page with one result of `mintor bench --profile --json` in place of what it had. CompileError
// when it is no page of report_page.
std::string with_measurements(const std::string& page, const nlohmann::ordered_json& result);

// The parts of report_page, for tests: what the page's script reads.
nlohmann::ordered_json report_data(const Program& program, const ProgramSource& source);

}  // namespace mintor
