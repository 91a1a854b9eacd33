// SPDX-License-Identifier: Apache-2.0
// Working memory: the arena and a piece of scratch for each part that runs at one time, and how the
// pool shares out tasks. Takes a Program by hand whose only phase fills its piece, and the arena.
// Keeps true: pieces lie in the context's memory, apart from each other and from the arena; how
// many there are follows the number of threads; every task runs once, whoever runs it.
#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>

#include "tests/runtime/program_by_hand.h"

namespace MT_PACKAGE {
namespace {

constexpr int64_t kArena = 100, kPiece = 192, kTasks = 48;

std::array<char*, kTasks> pieces;
char* arena;
std::atomic<int> begun;
int waits_for;  // part 0 is held up until so many have begun, or a while

void fill(const void*, const Args& a, int32_t, int32_t part, int32_t) {
  char* const piece = a.scratch;
  memset(piece, part, kPiece);
  EXPECT_EQ(pieces[static_cast<size_t>(part)], nullptr);
  pieces[static_cast<size_t>(part)] = piece;
  ++begun;
  if (part == 0) memset(arena = a.arena, 99, kArena);
  for (int n = 0; part == 0 && begun < waits_for && n < 2000; ++n) usleep(1000);
  if (part == 0) EXPECT_GE(begun, waits_for);
  EXPECT_EQ(piece[0], part);
  EXPECT_EQ(piece[kPiece - 1], part);
}

const char* const kNames[] = {"fill"};
const mt_entry_info kEntryInfos[] = {{"forward", 0, 0, 1, nullptr, nullptr, kNames}};

Entry make_entry() {
  Entry entry{};
  entry.run = fill;
  entry.phase_count = 1;
  entry.names = kNames;
  entry.tasks = [](const int64_t*, int32_t) { return kTasks; };
  entry.arena_bytes = [](const int64_t*) { return kArena; };
  entry.scratch_bytes = kPiece;
  return entry;
}
const Entry kEntries[] = {make_entry()};
const Program kProgram = program_by_hand("pieces", kEntries, kEntryInfos);

// In reverse order, on one thread.
void host_loop(void*, int32_t count, mt_task task, void* context) {
  for (int32_t part = count; part-- > 0;) task(context, part);
}

struct working_memory : testing::Test {
  mt_options options{};
  Model* model = nullptr;
  Context* context = nullptr;

  working_memory() {
    options.size = sizeof(options);
    waits_for = 0;
  }
  ~working_memory() override {
    context_destroy(context);
    close(model);
  }

  // Runs in memory of exactly as many bytes as are asked for.
  void expect_pieces(int32_t parts) {
    ASSERT_EQ(open(kProgram, &options, &model), MT_OK) << last_error();
    size_t bytes = 0;
    ASSERT_EQ(context_bytes(model, nullptr, &bytes), MT_OK);
    EXPECT_EQ(bytes, static_cast<size_t>(128 + parts * kPiece));
    alignas(64) std::array<char, 4096> memory{};
    mt_context_options own{};
    own.size = sizeof(own);
    own.memory = memory.data();
    own.memory_bytes = bytes;
    ASSERT_EQ(context_create(model, &own, &context), MT_OK) << last_error();
    pieces = {};
    begun = 0;
    ASSERT_EQ(run(context, nullptr, nullptr), MT_OK) << last_error();
    EXPECT_EQ(arena, memory.data());
    EXPECT_EQ(arena[kArena - 1], 99);
    for (int part = 0; part < begun; ++part) {
      const ptrdiff_t offset = pieces[static_cast<size_t>(part)] - memory.data() - 128;
      EXPECT_EQ(offset % kPiece, 0) << part;
      EXPECT_GE(offset, 0);
      EXPECT_LT(offset, parts * kPiece);
    }
  }
};

TEST_F(working_memory, of_one_thread) { expect_pieces(1); }

TEST_F(working_memory, of_a_pool) {
  options.threads = 3;
  expect_pieces(3);
}

TEST_F(working_memory, of_the_hosts_threads) {
  options.parallel_for = host_loop;
  options.parallel_width = 5;
  expect_pieces(5);
}

TEST_F(working_memory, of_the_hosts_threads_where_it_does_not_say_how_many) {
  options.parallel_for = host_loop;
  expect_pieces(2);
}

// Part 0 of 16 waits for all others, half of which are of its own share.
TEST_F(working_memory, of_a_thread_that_is_held_up) {
  options.threads = 2;
  waits_for = 16;
  for (int turn = 0; turn < 3; ++turn) {
    expect_pieces(2);
    EXPECT_EQ(begun, 16);
    context_destroy(context);
    close(model);
    context = nullptr;
    model = nullptr;
  }
}

}  // namespace
}  // namespace MT_PACKAGE
