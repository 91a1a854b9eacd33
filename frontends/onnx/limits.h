// SPDX-License-Identifier: Apache-2.0
// Limits on what a model file may ask for. Each is far above what real models hold and far below
// what would hurt.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mintor::onnx_limits {

inline constexpr int64_t kFileBytes =
    int64_t{1} << 31;  // protobuf's own limit; larger weights are external data
inline constexpr int64_t kExternalBytes = int64_t{1} << 38;
inline constexpr int64_t kSharing = 8;  // tensors over the same bytes of an external file
inline constexpr int64_t kNodes = 1'000'000;
inline constexpr int64_t kInitializers = 1'000'000;
inline constexpr int kRank = 16;
inline constexpr int64_t kElements = int64_t{1} << 40;  // of one tensor
inline constexpr int64_t kKnown = 4096;  // elements of a tensor whose values the importer follows
inline constexpr int64_t kShortWeight = 16;  // elements of a weight that may be scales or limits
inline constexpr int64_t kExpandedBytes =
    1 << 28;  // of all constants that are stored smaller: strings are as wide as the longest
inline constexpr int64_t kFolded = 1 << 16;      // elements of a constant computed while importing
inline constexpr int64_t kFoldedWork = 1 << 25;  // scalar operations of all of them
inline constexpr int64_t kAttempts = 100;        // rounds of an import that finds conditions
inline constexpr int kFunctionDepth = 32;
inline constexpr int64_t kInlined = 1 << 19;  // nodes, names, attributes of functions in calls
inline constexpr int64_t kInlinedBytes = 1 << 27;
inline constexpr int kGraphDepth = 32;            // sub-graphs in one another
inline constexpr size_t kBoundSizes = 1000;       // that runs bind
inline constexpr int64_t kRegionSizes = 1 << 20;  // symbols and conditions of all sub-graphs
inline constexpr int64_t kBodiesAgain = 256;      // times that loop bodies are imported again
inline constexpr int64_t kUnrolled = 1 << 16;     // nodes of loops that leave none
inline constexpr int kOldestOpset = 1;
inline constexpr int kNewestOpset = 28;
inline constexpr int64_t kNamesInMessage = 8;

}  // namespace mintor::onnx_limits
