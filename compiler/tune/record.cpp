// SPDX-License-Identifier: Apache-2.0
// Takes records and lines; gives the others. Keeps true: fields stand in one order, so equal
// records are equal lines; fields that a later version adds are passed over; a number with a
// fraction is no count.
#include "compiler/tune/record.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "compiler/program/canonical.h"
#include "compiler/support/sha256.h"

namespace mintor {

using Json = nlohmann::ordered_json;

std::string to_line(const TuningRecord& record) {
  const Json json = {{"version", record.version}, {"level", record.level},
                     {"cpu", record.cpu},         {"threads", record.threads},
                     {"kernel", record.kernel},   {"candidate", record.candidate},
                     {"seconds", record.seconds}, {"default_seconds", record.default_seconds}};
  return json.dump();
}

std::optional<TuningRecord> record_of_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  TuningRecord record;
  try {
    record.version = json.at("version").get_ref<const Json::number_integer_t&>();
    json.at("level").get_to(record.level);
    json.at("cpu").get_to(record.cpu);
    record.threads = json.at("threads").get_ref<const Json::number_integer_t&>();
    json.at("kernel").get_to(record.kernel);
    json.at("candidate").get_to(record.candidate);
    json.at("seconds").get_to(record.seconds);
    json.at("default_seconds").get_to(record.default_seconds);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
  return record;
}

// Where buffers lie decides no schedule.
std::string kernel_key(const Kernel& plain) {
  Kernel anywhere = plain;
  for (Param& param : anywhere.params) param.alignment = 1;
  return sha256_hex(canonical_text(anywhere));
}

}  // namespace mintor
