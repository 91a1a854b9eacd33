// SPDX-License-Identifier: Apache-2.0
// Parameters of a model that trains: by name, shared by contexts, and left as they are.
// Takes the model of trained_model.h. Keeps true: bits are those of the evaluator, or of the same
// model without what is tested.
#include "compiler/ir/evaluate.h"
#include "tests/driver/trained_model.h"
#include "tests/driver/with_parameters.h"

namespace mintor {
namespace {

TEST_F(TrainedParameters, ThatNoRunUpdatesAreReadAndSetByName) {
  EXPECT_EQ(program.fixed.size(), 2u);
  for (const auto& model : models()) {
    const auto before = model->run(x);
    const auto other = model->new_context();
    EXPECT_TRUE(same_bits(model->context().parameter("u"), model->context().parameter("v")));
    const Tensor value = rows(24, 24, 99);
    model->context().set_parameter("u", value);
    EXPECT_TRUE(same_bits(model->context().parameter("u"), value));
    EXPECT_FALSE(same_bits(model->context().parameter("v"), value));
    for (const char* entry : {"forward", "train_step"}) {
      const auto& inputs = entry == std::string("forward") ? x : batch;
      const Graph& graph = *std::ranges::find(graphs, entry, &Graph::name);
      std::map<std::string, Tensor> named{{"x", inputs[0]}};
      if (inputs.size() > 1) named["y"] = inputs[1];
      const Evaluation wanted = evaluate(with_parameters(graph, {{"u", value}}), named);
      EXPECT_TRUE(same_bits(model->run(entry, inputs)[0], wanted.results[0])) << entry;
    }
    EXPECT_TRUE(same_bits(other->run(x)[0], before[0])) << "another context";
    model->context().reset();
    EXPECT_TRUE(same_bits(model->run(x)[0], before[0])) << "after a reset";
  }
}

TEST_F(TrainedParameters, ThatAreNotTrainedKeepTheirBits) {
  std::vector<std::string> kernels;
  LoadOptions profiled;
  profiled.profile = [](void* data, const char* kernel, int64_t, int64_t) {
    static_cast<std::vector<std::string>*>(data)->push_back(kernel);
  };
  profiled.profile_data = &kernels;
  const auto number = [&](LoadedModel& model, const std::string& entry) {
    kernels.clear();
    model.run(entry, batch);
    return kernels.size();
  };
  struct Numbers {
    size_t sums, step;
  };
  for (const auto& model : models(profiled)) {
    const auto free = model->new_context();
    ModelContext& of = model->context();
    const auto first = values_of(of);
    // From the first values: gradients, then a step.
    const auto run = [&] {
      of.reset();
      const size_t sums = number(*model, "grads");
      return Numbers{sums, number(*model, "train_step")};
    };
    const Numbers all = run();
    const auto both = values_of(of);
    const auto expect = [&](const std::vector<std::string>& kept, const std::string& where) {
      std::map<std::string, Tensor> wanted = both;
      for (const std::string& name : kept) wanted[name] = first.at(name);
      expect_equal(values_of(of), wanted, where);
    };
    of.set_trained("w", false);
    const Numbers without = run();
    EXPECT_LT(without.sums, all.sums);
    EXPECT_LT(without.step, all.step);
    expect({"w", "m", "grad.w"}, "without w");
    of.set_trained(nullptr, false);
    of.set_trained("w", true);
    EXPECT_LT(run().step, all.step);
    expect({"h", "grad.h"}, "w alone");
    of.set_trained(nullptr, true);
    of.set_trained("m", false);  // beside `w`, which a launch may make with it
    run();
    expect({"m"}, "without m");
    of.set_trained("m", true);
    const Numbers again = run();
    EXPECT_EQ(again.sums, all.sums);
    EXPECT_EQ(again.step, all.step);
    expect({}, "all again");
    EXPECT_TRUE(same_bits(free->parameter("w"), first.at("w")));
  }
}

TEST_F(TrainedParameters, ThatAModelIsOpenedFor) {
  LoadOptions load;
  load.trained = {"w"};
  const auto step = [&](ModelContext& of) {
    of.run(batch, 1);
    of.run(batch, 2);
    return values_of(of);
  };
  const auto free = jit(context, program);
  free->context().set_trained(nullptr, false);
  free->context().set_trained("w", true);
  const auto wanted = step(free->context());
  for (const auto& model : models(load)) {
    expect_equal(step(model->context()), wanted, "w alone");
    expect_equal(step(*model->new_context()), wanted, "another context");
  }
  load.trained = std::vector<std::string>{};
  const auto none = jit(context, program, load);
  const Tensor w = none->context().parameter("w"), h = none->context().parameter("h");
  const auto kept = step(none->context());
  EXPECT_TRUE(same_bits(kept.at("w"), w) && same_bits(kept.at("h"), h));

  load.trained = {"w", "u"};
  EXPECT_EQ(message_of([&] { models(load); }),
            "error: load: trained: 'u' is nothing that runs update");
  load.trained.reset();
  load.reduce = [](void*, const char*, mt_tensor*) -> int32_t { return 0; };
  EXPECT_EQ(message_of([&] { models(load); }),
            "error: load: reduce is set, but no entry of 'model' applies gradients");
}

TEST_F(TrainedParameters, ThatSeveralContextsShare) {
  for (const auto& model : models()) {
    ModelContext& trainer = model->context();
    auto reader = model->new_context(&trainer);
    const auto apart = model->new_context();
    const auto before = reader->run(x);
    trainer.run(batch, 1);
    EXPECT_FALSE(same_bits(reader->run(x)[0], before[0]));
    EXPECT_TRUE(same_bits(reader->run(x)[0], trainer.run(x)[0]));
    reader->set_parameter("u", rows(24, 24, 97));
    EXPECT_TRUE(same_bits(reader->run(x)[0], trainer.run(x)[0]));
    EXPECT_TRUE(same_bits(apart->run(x)[0], before[0]));
    trainer.reset();
    EXPECT_TRUE(same_bits(reader->run(x)[0], before[0]));
    const auto last = model->new_context(reader.get());
    reader.reset();
    EXPECT_TRUE(same_bits(last->run(x)[0], before[0]));
  }
}

// Each context takes half of the rows; their gradients become the mean.
TEST_F(TrainedParameters, HaveGradientsThatAreWalkedInOrder) {
  using Sums = std::vector<std::pair<std::string, mt_tensor>>;
  const mt_gradient collect = [](void* data, const char* name, mt_tensor* gradient) -> int32_t {
    static_cast<Sums*>(data)->emplace_back(name, *gradient);
    return 0;
  };
  const auto model = jit(context, program);
  const auto other = model->new_context();
  model->run("grads", batch);
  other->run({rows(3, 4, 14), rows(3, 24, 15)}, 2);
  Sums one, two;
  model->context().visit_gradients(collect, &one);
  other->visit_gradients(collect, &two);
  ASSERT_EQ(one.size(), 2u);
  EXPECT_EQ(one[0].first, "w");
  EXPECT_EQ(one[1].first, "h");
  for (size_t i = 0; i < one.size(); ++i) {
    auto* a = static_cast<float*>(one[i].second.data);
    auto* b = static_cast<float*>(two[i].second.data);
    for (size_t n = 0; n < one[i].second.bytes / sizeof(float); ++n)
      a[n] = b[n] = (a[n] + b[n]) / 2;
  }
  for (const char* name : {"grad.w", "grad.h"})
    EXPECT_TRUE(same_bits(model->context().parameter(name), other->parameter(name))) << name;

  model->context().set_trained("w", false);
  one.clear();
  model->context().visit_gradients(collect, &one);
  EXPECT_EQ(one.size(), 1u);
  const mt_gradient stop = [](void*, const char*, mt_tensor*) -> int32_t { return 7; };
  expect_contains(message_of([&] { model->context().visit_gradients(stop, nullptr); }),
                  "the callback gave 7 for 'h'");
}

TEST_F(TrainedParameters, AreRefusedWhileSomebodyUsesThem) {
  const auto model = jit(context, program);
  struct Both {
    ModelContext *owner, *reader;
    std::vector<Tensor> x, batch;
  } both{&model->context(), nullptr, x, batch};
  const auto reader = model->new_context(&model->context());
  both.reader = reader.get();
  const mt_gradient during = [](void* data, const char*, mt_tensor*) -> int32_t {
    const Both& of = *static_cast<Both*>(data);
    const std::string why = "in use by a run, or being changed";
    expect_contains(message_of([&] { of.reader->run(of.x); }), why);
    expect_contains(message_of([&] { of.owner->run(of.batch, 1); }), why);
    expect_contains(message_of([&] { of.owner->reset(); }), why);
    expect_contains(message_of([&] { of.owner->states(); }), why);
    expect_contains(message_of([&] { of.owner->parameter("w"); }), why);
    expect_contains(message_of([&] { of.reader->set_parameter("w", rows(4, 24, 1)); }), why);
    expect_contains(message_of([&] { of.reader->save_parameters("/nowhere"); }), why);
    return 0;
  };
  model->context().visit_gradients(during, &both);
  reader->run(x);
}

TEST_F(TrainedParameters, NamesThatThereAreNone) {
  const auto model = jit(context, program);
  ModelContext& of = model->context();
  EXPECT_EQ(message_of([&] { of.parameter("z"); }),
            "error: parameter: parameter 'z': there is none of this name");
  EXPECT_EQ(message_of([&] { of.set_trained("u", false); }),
            "error: trained: set_trained: 'u' is nothing that runs update");
  EXPECT_EQ(message_of([&] { of.load_parameters("x", 4); }),
            "error: load: load_parameters: allow is 4");
  context.options.settable_parameters = false;
  const Program shared = build_program(context, graphs, {"v3"});
  EXPECT_TRUE(shared.fixed.empty());
  EXPECT_LT(shared.weights_bytes, program.weights_bytes);
  EXPECT_EQ(message_of([&] { jit(context, shared)->context().parameter("u"); }),
            "error: parameter: parameter 'u': there is none of this name that runs update");
}

TEST_F(TrainedParameters, PrintAndParseBack) {
  std::map<std::string, Tensor> bytes;
  for (const Weight& weight : program.weights) bytes[weight.value.sha256()] = weight.value;
  const std::string text = print(program);
  expect_contains(text, "optimizer of \"w\"");
  expect_contains(text, "fixed \"v\" in ");
  EXPECT_EQ(print(parse_program(text, bytes)), text);
}

}  // namespace
}  // namespace mintor
