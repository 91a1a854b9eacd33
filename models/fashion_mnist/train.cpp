// SPDX-License-Identifier: Apache-2.0
// Trains the classifier without Python: the package `trainer` that train.py wrote.
//   train DIR [STEPS [BATCH [THREADS]]]
// Takes the data and the package in DIR. Does: the first steps of train.py, their losses to
// DIR/losses_cpp.txt; then, from DIR/trained.safetensors, fine-tunes the last layer alone, by
// gradients that are added up over four micro-batches and become their mean; writes
// DIR/tuned.safetensors. Prints accuracies, times, memory, the size of the library. Keeps true: a
// call that fails ends the program with its message and status 1; what is opened is closed.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainer.h"

namespace {

namespace fs = std::filesystem;

constexpr int64_t kPixels = 28 * 28, kClasses = 10, kMicro = 4, kUpdates = 50;
constexpr double kRate = 0.002;

struct Request {
  fs::path folder;
  int64_t steps, batch;
  int32_t threads;
};

double seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

// --- data: files of the idx format, whose header ends before the bytes ---

struct Images {
  std::vector<unsigned char> pixels;  // [count, 28, 28]
  std::vector<int64_t> labels;        // [count]
  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

std::vector<unsigned char> read_bytes(const fs::path& path, int64_t header) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  std::vector<unsigned char> bytes(fs::file_size(path));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file || static_cast<int64_t>(bytes.size()) <= header) {
    throw std::runtime_error(path.string() + ": is too short");
  }
  bytes.erase(bytes.begin(), bytes.begin() + header);
  return bytes;
}

Images read_images(const fs::path& folder, const std::string& part) {
  const auto labels = read_bytes(folder / (part + "-labels-idx1-ubyte"), 8);
  Images read{read_bytes(folder / (part + "-images-idx3-ubyte"), 16),
              {labels.begin(), labels.end()}};
  if (static_cast<int64_t>(read.pixels.size()) != read.count() * kPixels) {
    throw std::runtime_error(part + ": has another number of images than of labels");
  }
  return read;
}

// --- the package: its C functions, with owners ---

void check(mt_status status, const std::string& what) {
  if (status != MT_OK) throw std::runtime_error(what + ": " + trainer_last_error());
}

struct Close {
  void operator()(trainer_model* model) const { trainer_close(model); }
  void operator()(trainer_context* context) const { trainer_context_destroy(context); }
};
using Model = std::unique_ptr<trainer_model, Close>;
using Context = std::unique_ptr<trainer_context, Close>;  // goes before its model

mt_options options_of(int32_t threads) {
  mt_options options{};
  options.size = sizeof(options);
  options.threads = threads;
  return options;
}

Model open_model(const mt_options& options) {
  trainer_model* model = nullptr;
  check(trainer_open(&options, &model), "open");
  return Model(model);
}

// With parameters of its own, or those of another context.
Context make_context(const Model& model, trainer_context* share = nullptr) {
  mt_context_options options{};
  options.size = sizeof(options);
  options.share = share;
  trainer_context* context = nullptr;
  check(trainer_context_create(model.get(), &options, &context), "context_create");
  return Context(context);
}

mt_tensor array(const void* data, int32_t dtype, size_t bytes,
                std::initializer_list<int64_t> shape = {}) {
  mt_tensor made{};
  made.data = const_cast<void*>(data);
  made.bytes = bytes;
  made.dtype = dtype;
  for (const int64_t size : shape) made.shape[made.rank++] = size;
  return made;
}

mt_tensor rate() { return array(&kRate, MT_F64, sizeof(kRate)); }

// Images and labels from `begin` on; `more` behind them.
std::vector<mt_tensor> batch_of(const Images& from, int64_t begin, int64_t count,
                                std::initializer_list<mt_tensor> more = {}) {
  const auto n = static_cast<size_t>(count);
  std::vector<mt_tensor> batch{
      array(&from.pixels[static_cast<size_t>(begin * kPixels)], MT_U8, n * kPixels,
            {count, 28, 28}),
      array(&from.labels[static_cast<size_t>(begin)], MT_I64, n * sizeof(int64_t), {count})};
  batch.insert(batch.end(), more);
  return batch;
}

// The loss of an entry that gives one.
float run(const Context& context, trainer_entry_index entry, const std::vector<mt_tensor>& inputs) {
  float loss = 0;
  mt_tensor output = array(&loss, MT_F32, sizeof(loss));
  check(trainer_run_entry(context.get(), entry, inputs.data(), &output), "run");
  return loss;
}

mt_tensor parameter(const Context& context, const char* name) {
  mt_tensor value{};
  check(trainer_get_parameter(context.get(), name, &value), name);
  return value;
}

void load(const Context& context, const fs::path& path) {
  check(trainer_load_parameters(context.get(), path.c_str(), 0), "load_parameters");
}

// --- training and reading ---

int64_t count_right(const Context& context, const Images& of) {
  int64_t right = 0;
  for (int64_t begin = 0; begin < of.count(); begin += 500) {
    const int64_t count = std::min<int64_t>(of.count() - begin, 500);
    mt_tensor scores{};  // in the context's memory
    check(trainer_run(context.get(), batch_of(of, begin, count).data(), &scores), "forward");
    const auto* row = static_cast<const float*>(scores.data);
    for (int64_t n = 0; n < count; ++n, row += kClasses) {
      const int64_t best = std::max_element(row, row + kClasses) - row;
      right += best == of.labels[static_cast<size_t>(begin + n)];
    }
  }
  return right;
}

void print_right(const char* when, const Context& context, const Images& of) {
  std::printf("%s: %lld of %lld\n", when, static_cast<long long>(count_right(context, of)),
              static_cast<long long>(of.count()));
}

void train_steps(const Context& context, const fs::path& losses, const Images& from, int64_t steps,
                 int64_t batch) {
  std::ofstream file(losses);
  const double begin = seconds();
  float loss = 0;
  for (int64_t n = 0; n < steps; ++n) {
    loss = run(context, trainer_entry_train_step, batch_of(from, n * batch, batch, {rate()}));
    file << std::hexfloat << loss << '\n';
  }
  if (!file.flush()) throw std::runtime_error(losses.string() + ": cannot be written");
  std::printf("%lld steps of %lld images: %.2f ms each, last loss %.4f\n",
              static_cast<long long>(steps), static_cast<long long>(batch),
              1e3 * (seconds() - begin) / static_cast<double>(steps), static_cast<double>(loss));
}

void train_from_start(const Request& request, const Images& images, const Images& test) {
  const Model model = open_model(options_of(request.threads));
  const Context trainer = make_context(model);
  const Context reader = make_context(model, trainer.get());  // reads what the other one trains
  train_steps(trainer, request.folder / "losses_cpp.txt", images, request.steps, request.batch);
  print_right("right after them", reader, test);
}

// --- fine-tuning ---

// Called in each run of `apply`, before it. What several machines would do here: the sum of all
// becomes the mean.
int32_t make_mean(void* count, const char*, mt_tensor* gradient) {
  ++*static_cast<int64_t*>(count);
  auto* values = static_cast<float*>(gradient->data);
  for (size_t n = 0; n < gradient->bytes / sizeof(float); ++n) {
    values[n] /= static_cast<float>(kMicro);
  }
  return 0;
}

int32_t add_squares(void* sum, const char*, mt_tensor* gradient) {
  const auto* values = static_cast<const float*>(gradient->data);
  for (size_t n = 0; n < gradient->bytes / sizeof(float); ++n) {
    *static_cast<double*>(sum) += static_cast<double>(values[n]) * static_cast<double>(values[n]);
  }
  return 0;
}

// The norm of the gradients' sum.
double update(const Context& context, const Images& from, int64_t first, int64_t batch) {
  for (int64_t n = 0; n < kMicro; ++n) {
    run(context, trainer_entry_grads, batch_of(from, first + n * batch, batch));
  }
  double squares = 0;
  check(trainer_visit_gradients(context.get(), add_squares, &squares), "visit_gradients");
  const mt_tensor input = rate();
  check(trainer_run_entry(context.get(), trainer_entry_apply, &input, nullptr), "apply");
  return std::sqrt(squares);
}

void updates(const Context& context, const Images& from, int64_t batch, int64_t count) {
  const int64_t span = from.count() - kMicro * batch + 1;
  const double begin = seconds();
  double norm = 0;
  for (int64_t n = 0; n < count; ++n) {
    norm = update(context, from, n * kMicro * batch % span, batch);
  }
  std::printf("  %.2f ms an update of %lld x %lld images, norm of the last sum %.4f\n",
              1e3 * (seconds() - begin) / static_cast<double>(count),
              static_cast<long long>(kMicro), static_cast<long long>(batch), norm);
}

void tune_all(const Model& model, const Request& request, const Images& images) {
  const Context context = make_context(model);
  check(trainer_set_trained(context.get(), nullptr, 1), "set_trained");
  load(context, request.folder / "trained.safetensors");
  std::printf("all layers:\n");
  updates(context, images, request.batch, 5);
}

void tune_last(const Model& model, const Request& request, const Images& images,
               const Images& test) {
  const Context context = make_context(model);
  load(context, request.folder / "trained.safetensors");
  const mt_tensor hidden = parameter(context, "hidden.weight");
  const auto* bytes = static_cast<const char*>(hidden.data);
  const std::vector<char> before(bytes, bytes + hidden.bytes);
  std::printf("the last layer alone:\n");
  updates(context, images, request.batch, kUpdates);
  const bool equal = std::memcmp(before.data(), hidden.data, hidden.bytes) == 0;
  std::printf("  hidden.weight %s\n", equal ? "has its bits" : "has changed");
  const fs::path tuned = request.folder / "tuned.safetensors";
  check(trainer_save_parameters(context.get(), tuned.c_str()), "save_parameters");
  print_right("right with tuned.safetensors", context, test);
}

void fine_tune(const Request& request, const Images& images, const Images& test) {
  const char* const last[] = {"last.weight", "last.bias"};
  mt_options options = options_of(request.threads);
  options.trained = last;
  options.trained_count = 2;
  int64_t means = 0;
  options.reduce = make_mean;
  options.reduce_data = &means;
  const Model model = open_model(options);
  tune_all(model, request, images);
  tune_last(model, request, images, test);
  std::printf("%lld sums of gradients became their mean\n", static_cast<long long>(means));
}

void print_sizes(const fs::path& folder, int64_t images) {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  std::printf("memory at most %.1f MB, of which %.1f MB are images\n",
              static_cast<double>(use.ru_maxrss) / 1024,
              static_cast<double>(images * (kPixels + 8)) / 1048576);
  const auto library = fs::file_size(folder / "trainer" / "build" / "libtrainer.so");
  std::printf("the library has %llu KB\n", static_cast<unsigned long long>(library / 1024));
}

void train(const Request& request) {
  const Images images = read_images(request.folder, "train");
  const Images test = read_images(request.folder, "t10k");
  if (request.steps < 1 || request.batch < 1 ||
      std::max(request.steps, kMicro) * request.batch > images.count()) {
    throw std::runtime_error(request.folder.string() + ": has not that many images");
  }
  train_from_start(request, images, test);
  fine_tune(request, images, test);
  print_sizes(request.folder, images.count() + test.count());
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "use: train DIR [STEPS [BATCH [THREADS]]]\n");
    return 2;
  }
  try {
    train({arguments[1], count > 2 ? std::atoll(arguments[2]) : 200,
           count > 3 ? std::atoll(arguments[3]) : 128, count > 4 ? std::atoi(arguments[4]) : 1});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
