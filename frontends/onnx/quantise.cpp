// SPDX-License-Identifier: Apache-2.0
// Writes a quantised model (quantise.h): nodes that quantise and dequantise, weights as bytes.
// Takes a model, its plan and ranges; gives a file.
//| y = Conv (x, w, b)   ->   q = QuantizeLinear (x, s, z); xd = DequantizeLinear (q, s, z)
//|            y = Conv (xd, DequantizeLinear (wq, ws), DequantizeLinear (bq, s * ws))
// Keeps true: names of the model stay, new ones are its own names with something behind them; what
// nobody reads any more is left out. Versions without scales by channel (before 13) are left as
// they are: their nodes are com.microsoft's, which have them.
#include "frontends/onnx/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "compiler/support/error.h"
#include "frontends/onnx/constants.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

constexpr int kScalesByChannel = 13;  // version of QuantizeLinear
constexpr double kMostByte = 127, kLevels = 255;

struct Scale {
  float scale = 1;
  uint8_t zero = 0;
};

// 0 is a byte, so that padding is exact.
Scale scale_of_range(const OnnxRange& range) {
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  const auto scale = static_cast<float>((high - low) / kLevels);
  if (!(scale > 0)) return {};
  return {scale, static_cast<uint8_t>(std::clamp(std::nearbyint(-low / scale), 0.0, kLevels))};
}

// A weight by channel: dimensions outside of the channels' one, channels, those inside.
struct Channels {
  int64_t outer = 1, count = 1, inner = 1;
};

Channels channels_of(const std::vector<int64_t>& shape, int64_t axis) {
  Channels c;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t& part = static_cast<int64_t>(d) < axis    ? c.outer
                    : static_cast<int64_t>(d) == axis ? c.count
                                                      : c.inner;
    part *= shape[d];
  }
  return c;
}

int64_t integer(const onnx::NodeProto& node, std::string_view name) {
  for (const onnx::AttributeProto& attribute : node.attribute())
    if (attribute.name() == name) return attribute.i();
  return 0;
}

bool is_one(const onnx::NodeProto& node, std::string_view name) {
  for (const onnx::AttributeProto& attribute : node.attribute())
    if (attribute.name() == name) return attribute.f() == 1;
  return true;
}

// The dimension of a layer's weight that its output channels are.
int64_t channel_axis(const onnx::NodeProto& node, size_t rank) {
  if (node.op_type() == "Conv") return 0;
  if (node.op_type() == "Gemm") return integer(node, "transB") != 0 ? 0 : 1;
  return static_cast<int64_t>(rank) - 1;
}

// Every name that a graph's nodes read or make, those of sub-graphs included.
void note_names(const onnx::GraphProto& graph, std::set<std::string>& read,
                std::set<std::string>& all) {
  for (const onnx::NodeProto& node : graph.node()) {
    read.insert(node.input().begin(), node.input().end());
    all.insert(node.output().begin(), node.output().end());
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) note_names(attribute.g(), read, all);
      for (const onnx::GraphProto& inner : attribute.graphs()) note_names(inner, read, all);
    }
  }
  for (const onnx::ValueInfoProto& value : graph.input()) all.insert(value.name());
  for (const onnx::ValueInfoProto& value : graph.output()) read.insert(value.name());
  for (const onnx::TensorProto& tensor : graph.initializer()) all.insert(tensor.name());
  all.insert(read.begin(), read.end());
}

class Writer {
 public:
  Writer(CompileContext& ctx, const std::string& path, const OnnxQuantizePlan& plan,
         const std::map<std::string, OnnxRange>& ranges)
      : source_(read_model(path)),
        files_(std::filesystem::absolute(path).parent_path().string()),
        state_(ctx, source_, files_),
        plan_(plan),
        constants_(constants_of(source_->graph())),
        model_(*source_),
        own_domain_(opset_of(*source_) < kScalesByChannel) {
    std::set<std::string> read;
    note_names(source_->graph(), read, names_);
    // The hull of all values of one scale.
    std::map<std::string, OnnxRange> hulls;
    for (const auto& [value, scale] : plan.scale_of) {
      const OnnxRange& own = ranges.at(value);
      const auto [hull, fresh] = hulls.emplace(scale, own);
      hull->second = {std::min(hull->second.low, own.low), std::max(hull->second.high, own.high)};
    }
    for (const auto& [value, scale] : plan.scale_of)
      scales_[value] = scale_of_range(hulls.at(scale));
    for (const onnx::NodeProto& node : source_->graph().node()) {
      if (node.output_size() != 1 || node.input_size() == 0) continue;
      const auto scale = scales_.find(node.output(0));
      if (scale != scales_.end() && saturates(node, scale->second))
        unclipped_[node.output(0)] = node.input(0);
    }
  }

  onnx::ModelProto written() {
    onnx::GraphProto& graph = *model_.mutable_graph();
    graph.clear_node();
    std::vector<onnx::NodeProto> nodes;
    for (const onnx::ValueInfoProto& input : source_->graph().input())
      quantise(input.name(), nodes);
    std::set<std::string> results;
    for (const OnnxLayer& layer : plan_.layers)
      if (layer.reason.empty()) results.insert(layer.result);
    for (const onnx::NodeProto& node : source_->graph().node()) {
      nodes.push_back(node);
      onnx::NodeProto& own = nodes.back();
      if (node.output_size() > 0 && results.contains(node.output(0))) set_weights(own);
      for (std::string& input : *own.mutable_input()) input = read_for(input);
      for (const std::string& output : node.output()) quantise(output, nodes);
    }
    for (onnx::NodeProto& node : front_) *graph.add_node() = std::move(node);
    for (onnx::NodeProto& node : nodes) *graph.add_node() = std::move(node);
    leave_out_unread();
    embed_weights();
    set_versions();
    return std::move(model_);
  }

 private:
  std::shared_ptr<const onnx::ModelProto> source_;
  OnnxFiles files_;
  OnnxState state_;
  const OnnxQuantizePlan& plan_;
  OnnxConstants constants_;
  onnx::ModelProto model_;
  bool own_domain_;
  std::set<std::string> names_;
  std::map<std::string, Scale> scales_;
  std::map<std::string, std::string> unclipped_;    // value -> the same before it is clipped
  std::map<std::string, std::string> dequantised_;  // value -> what is read instead
  std::map<std::pair<std::string, int64_t>, std::string> weights_;  // by axis
  std::map<std::string, std::vector<float>> channel_scales_;        // of a dequantised weight
  std::vector<onnx::NodeProto> front_;                              // of weights

  std::string fresh(const std::string& value, const char* suffix) {
    std::string name = value + suffix;
    while (!names_.insert(name).second) name += "_";
    return name;
  }

  template <class T>
  std::string initializer(const std::string& value, const char* suffix, int32_t element,
                          const std::vector<int64_t>& shape, const std::vector<T>& numbers) {
    onnx::TensorProto& tensor = *model_.mutable_graph()->add_initializer();
    tensor.set_name(fresh(value, suffix));
    tensor.set_data_type(element);
    for (int64_t size : shape) tensor.add_dims(size);
    tensor.set_raw_data(numbers.data(), numbers.size() * sizeof(T));
    return tensor.name();
  }

  onnx::NodeProto node(const char* op, const std::string& output,
                       std::initializer_list<std::string> inputs) const {
    onnx::NodeProto made;
    made.set_op_type(op);
    made.set_name(output);
    if (own_domain_) made.set_domain("com.microsoft");
    for (const std::string& input : inputs) made.add_input(input);
    made.add_output(output);
    return made;
  }

  std::optional<double> number(const onnx::NodeProto& node, int input, const char* attribute) {
    for (const onnx::AttributeProto& own : node.attribute())
      if (own.name() == attribute) return own.f();
    if (input >= node.input_size()) return std::nullopt;
    const auto constant = constants_.find(node.input(input));
    if (constant == constants_.end()) return std::nullopt;
    const Tensor tensor = tensor_from_proto(state_, *constant->second);
    if (tensor.count() != 1 || !is_float(tensor.dtype)) return std::nullopt;
    return tensor.at(0).f;
  }

  // Whether bytes of that scale end where the node clips.
  bool saturates(const onnx::NodeProto& node, const Scale& scale) {
    const std::string op = qualified_op(node);
    const auto byte = [&](double value) {
      return std::nearbyint(value / scale.scale) + scale.zero;
    };
    if (op == "Relu") return byte(0) <= 0;
    if (op != "Clip") return false;
    const auto low = number(node, 1, "min"), high = number(node, 2, "max");
    return low && high && byte(*low) <= 0 && byte(*high) >= kLevels;
  }

  // What a node of the quantised model reads for a value of the model.
  std::string read_for(const std::string& value) const {
    const auto made = dequantised_.find(value);
    return made == dequantised_.end() ? value : made->second;
  }

  // Behind the node that makes the value.
  void quantise(const std::string& value, std::vector<onnx::NodeProto>& nodes) {
    const auto found = scales_.find(value);
    if (found == scales_.end()) return;
    const auto scale =
        initializer<float>(value, "_scale", onnx::TensorProto::FLOAT, {}, {found->second.scale});
    const auto zero = initializer<uint8_t>(value, "_zero_point", onnx::TensorProto::UINT8, {},
                                           {found->second.zero});
    const std::string bytes = fresh(value, "_quantized");
    const std::string floats = fresh(value, "_dequantized");
    const auto unclipped = unclipped_.find(value);
    const std::string from = unclipped == unclipped_.end() ? value : read_for(unclipped->second);
    nodes.push_back(node("QuantizeLinear", bytes, {from, scale, zero}));
    nodes.push_back(node("DequantizeLinear", floats, {bytes, scale, zero}));
    dequantised_[value] = floats;
  }

  // A constant as bytes or i32 and scales along `axis`; the name of the dequantised value.
  template <class T>
  std::string dequantised(const std::string& value, int32_t element, const Tensor& tensor,
                          int64_t axis, const std::vector<T>& numbers,
                          const std::vector<float>& scales) {
    const auto bytes = initializer(value, "_quantized", element, tensor.shape, numbers);
    const auto scale = initializer(value, "_scale", onnx::TensorProto::FLOAT,
                                   {static_cast<int64_t>(scales.size())}, scales);
    const std::string floats = fresh(value, "_dequantized");
    front_.push_back(node("DequantizeLinear", floats, {bytes, scale}));
    onnx::AttributeProto& attribute = *front_.back().add_attribute();
    attribute.set_name("axis");
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(axis);
    channel_scales_[floats] = scales;
    return floats;
  }

  std::string weight(const std::string& value, int64_t axis, const Tensor& tensor) {
    std::string& made = weights_[{value, axis}];
    if (!made.empty()) return made;
    const Channels c = channels_of(tensor.shape, axis);
    const float* data = tensor.as<float>();
    std::vector<float> scales(static_cast<size_t>(c.count), 0);
    const auto channel_of = [&](int64_t at) { return static_cast<size_t>(at / c.inner % c.count); };
    for (int64_t at = 0; at < tensor.count(); ++at) {
      if (!std::isfinite(data[at]))
        throw CompileError("quantize", "weight '" + printable(value) + "' holds " +
                                           std::to_string(data[at]) + " at " + std::to_string(at));
      float& largest = scales[channel_of(at)];
      largest = std::max(largest, std::abs(data[at]));
    }
    for (float& scale : scales) {
      scale = static_cast<float>(scale / kMostByte);
      if (!(scale > 0)) scale = 1;
    }
    std::vector<int8_t> bytes(static_cast<size_t>(tensor.count()));
    for (int64_t at = 0; at < tensor.count(); ++at) {
      const double ratio = std::nearbyint(data[at] / double{scales[channel_of(at)]});
      bytes[static_cast<size_t>(at)] =
          static_cast<int8_t>(std::clamp(ratio, -kMostByte, kMostByte));
    }
    made = dequantised(value, onnx::TensorProto::INT8, tensor, axis, bytes, scales);
    return made;
  }

  // The bias of a layer as i32, in units of its sums; "" where these do not hold it.
  std::string bias(const std::string& value, float scale, const std::vector<float>& channels) {
    const auto constant = constants_.find(value);
    if (constant == constants_.end()) return "";
    const Tensor tensor = tensor_from_proto(state_, *constant->second);
    if (tensor.dtype != DType::f32 || tensor.shape.size() != 1 ||
        tensor.count() != static_cast<int64_t>(channels.size()))
      return "";
    std::vector<float> scales;
    std::vector<int32_t> numbers;
    for (size_t i = 0; i < channels.size(); ++i) {
      scales.push_back(scale * channels[i]);
      const double ratio = std::nearbyint(tensor.as<float>()[i] / double{scales[i]});
      if (!(std::abs(ratio) <= INT32_MAX)) return "";
      numbers.push_back(static_cast<int32_t>(ratio));
    }
    return dequantised(value, onnx::TensorProto::INT32, tensor, 0, numbers, scales);
  }

  void set_weights(onnx::NodeProto& layer) {
    const Tensor tensor = tensor_from_proto(state_, *constants_.at(layer.input(1)));
    const std::string made =
        weight(layer.input(1), channel_axis(layer, tensor.shape.size()), tensor);
    if (layer.input_size() > 2 && is_one(layer, "alpha") && is_one(layer, "beta")) {
      const float scale = scales_.at(layer.input(0)).scale;
      const std::string own = bias(layer.input(2), scale, channel_scales_.at(made));
      if (!own.empty()) layer.set_input(2, own);
    }
    layer.set_input(1, made);
  }

  std::set<std::string> read_names() const {
    std::set<std::string> read, all;
    note_names(model_.graph(), read, all);
    return read;
  }

  void leave_out_unread() {
    onnx::GraphProto& graph = *model_.mutable_graph();
    std::set<std::string> read = read_names();
    const auto idle = [&](const onnx::NodeProto& node) {
      return node.output_size() == 1 && !read.contains(node.output(0)) &&
             (qualified_op(node) == "Constant" || unclipped_.contains(node.output(0)));
    };
    auto& nodes = *graph.mutable_node();
    nodes.erase(std::remove_if(nodes.begin(), nodes.end(), idle), nodes.end());
    read = read_names();
    const auto unread = [&](const auto& named) {
      return constants_.contains(named.name()) && !read.contains(named.name());
    };
    auto& inputs = *graph.mutable_input();
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(), unread), inputs.end());
    auto& tensors = *graph.mutable_initializer();
    tensors.erase(std::remove_if(tensors.begin(), tensors.end(), unread), tensors.end());
  }

  void embed_weights() {
    for (onnx::TensorProto& tensor : *model_.mutable_graph()->mutable_initializer()) {
      if (tensor.data_location() != onnx::TensorProto::EXTERNAL) continue;
      if (find_small_type(tensor.data_type()))
        throw CompileError("quantize", "weight '" + printable(tensor.name()) + "' is external " +
                                           onnx_dtype_text(tensor.data_type()));
      const Tensor bytes = tensor_from_proto(state_, tensor);
      tensor.clear_external_data();
      tensor.clear_data_location();
      tensor.set_raw_data(bytes.data, static_cast<size_t>(bytes.bytes()));
    }
  }

  void set_versions() {
    model_.set_ir_version(std::max<int64_t>(model_.ir_version(), 4));  // initializers: no inputs
    if (!own_domain_ || domain_opsets(model_).contains("com.microsoft")) return;
    onnx::OperatorSetIdProto& set = *model_.add_opset_import();
    set.set_domain("com.microsoft");
    set.set_version(1);
  }
};

}  // namespace

void write_quantised_onnx(CompileContext& ctx, const std::string& path,
                          const OnnxQuantizePlan& plan,
                          const std::map<std::string, OnnxRange>& ranges,
                          const std::string& output) {
  const onnx::ModelProto model = Writer(ctx, path, plan, ranges).written();
  const auto bytes = static_cast<int64_t>(model.ByteSizeLong());
  if (bytes >= onnx_limits::kFileBytes)
    throw CompileError("quantize", "the quantised model has " + std::to_string(bytes) +
                                       " bytes, a model file holds less than 2 GiB");
  std::ofstream file(output, std::ios::binary);
  const bool written = file && model.SerializeToOstream(&file) && file.flush();
  if (!written) throw CompileError("quantize", "'" + output + "' cannot be written");
}

}  // namespace mintor
