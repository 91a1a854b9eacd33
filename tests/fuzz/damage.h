// SPDX-License-Identifier: Apache-2.0
// Damage to model files, from a seed. Takes the bytes of a model; gives others, the same for the
// same seed on every machine. Keeps true: what is damaged by fields still parses as a ModelProto,
// so that its lie reaches the importer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mintor::test {

// One field of the message, or of one inside of it, that says something else, is left out, is there
// twice, or is what another one is; "" where the bytes are no model.
std::string with_changed_field(std::string_view model, uint64_t seed);

// One to four changes, of fields or of bytes: flipped, overwritten, cut out, put in twice, cut off.
std::string damaged(std::string_view model, uint64_t seed);

}  // namespace mintor::test
