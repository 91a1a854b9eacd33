// SPDX-License-Identifier: Apache-2.0
// The message is changed through protobuf's reflection, on what onnx-ml.proto says (the compiler's
// own messages have none): a field that ONNX gets next year is damaged as well. What makes models
// hard is in the values: sizes beyond every limit, names of other values (cycles, dangling and
// doubled names), codes of other dtypes, paths out of the folder.
#include "tests/fuzz/damage.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "compiler/ir/seeded.h"

namespace mintor::test {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// onnx.ModelProto as a type of its own.
class ModelType {
 public:
  ModelType() {
    std::ifstream file(MINTOR_ONNX_DESCRIPTORS, std::ios::binary);
    google::protobuf::FileDescriptorSet all;
    if (!all.ParseFromIstream(&file)) throw std::runtime_error("no " MINTOR_ONNX_DESCRIPTORS);
    model_ = files_.BuildFile(all.file(0))->FindMessageTypeByName("ModelProto");
  }
  std::unique_ptr<Message> make() {
    return std::unique_ptr<Message>(messages_.GetPrototype(model_)->New());
  }

 private:
  google::protobuf::DescriptorPool files_;
  google::protobuf::DynamicMessageFactory messages_;
  const google::protobuf::Descriptor* model_ = nullptr;
};

struct Dice {
  uint64_t state;
  size_t below(size_t n) { return n == 0 ? 0 : static_cast<size_t>(next_random(state) % n); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }
};

const std::vector<int64_t> kIntegers = {0,
                                        1,
                                        -1,
                                        2,
                                        3,
                                        7,
                                        16,
                                        17,
                                        64,
                                        255,
                                        4096,
                                        65537,
                                        1 << 24,
                                        1 << 30,
                                        std::numeric_limits<int32_t>::max(),
                                        std::numeric_limits<int32_t>::min(),
                                        int64_t{1} << 32,
                                        int64_t{1} << 40,
                                        int64_t{1} << 62,
                                        std::numeric_limits<int64_t>::max(),
                                        std::numeric_limits<int64_t>::min()};
const std::vector<double> kReals = {0.0,
                                    -0.0,
                                    1,
                                    -1,
                                    0.5,
                                    1e-45,
                                    1e30,
                                    -1e38,
                                    std::numeric_limits<double>::infinity(),
                                    std::numeric_limits<double>::quiet_NaN()};
const std::vector<std::string> kStrings = {"",
                                           "x",
                                           "/dev/zero",
                                           "../../etc/passwd",
                                           "NOTSET",
                                           "SAME_UPPER",
                                           "com.microsoft",
                                           "axis",
                                           "\xff\xfe",
                                           std::string("a\0b", 3),
                                           std::string(5000, 'n')};

// A message inside another one (or that itself), and what it holds.
struct Place {
  Message* message;
  const FieldDescriptor* field;
};

void collect(Message& message, std::vector<Place>& places, std::vector<std::string>& strings) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    places.push_back({&message, field});
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        collect(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                     : *reflection.MutableMessage(&message, field),
                places, strings);
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        strings.push_back(field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                               : reflection.GetString(message, field));
      }
    }
  }
}

class FieldDamage {
 public:
  FieldDamage(Message& model, Dice& dice) : dice_(dice) { collect(model, places_, strings_); }

  void change() {
    if (places_.empty()) return;
    const Place place = dice_.one_of(places_);
    if (dice_.below(6) == 0)
      set_any(*place.message);
    else if (place.field->is_repeated())
      change_list(*place.message, place.field);
    else
      change_one(*place.message, place.field);
  }

 private:
  Dice& dice_;
  std::vector<Place> places_;
  std::vector<std::string> strings_;  // of all of the model: names above all

  int64_t integer(int64_t old) {
    switch (dice_.below(3)) {
      case 0:
        return static_cast<int64_t>(static_cast<uint64_t>(old) + dice_.below(5) - 2);
      case 1:
        return static_cast<int64_t>(dice_.below(30));
      default:
        return dice_.one_of(kIntegers);
    }
  }
  std::string text() {
    return strings_.empty() || dice_.below(4) == 0 ? dice_.one_of(kStrings)
                                                   : dice_.one_of(strings_);
  }
  // Of raw data: shorter, longer, or other bits.
  std::string bytes(std::string old) {
    switch (dice_.below(4)) {
      case 0:
        return old.substr(0, dice_.below(old.size() + 1));
      case 1:
        return old + std::string(1 + dice_.below(9), '\x7f');
      case 2:
        return dice_.one_of(kStrings);
      default:
        if (!old.empty()) old[dice_.below(old.size())] = static_cast<char>(dice_.below(256));
        return old;
    }
  }

  // A field that need not be there now: attributes of the wrong kind, external data, both forms of
  // a tensor's values.
  void set_any(Message& message) {
    const auto& fields = *message.GetDescriptor();
    const FieldDescriptor* field =
        fields.field(static_cast<int>(dice_.below(static_cast<size_t>(fields.field_count()))));
    if (field->is_repeated())
      add(message, field);
    else
      set(message, field);
  }

  void change_one(Message& message, const FieldDescriptor* field) {
    if (dice_.below(4) == 0 || field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      message.GetReflection()->ClearField(&message, field);
    else
      set(message, field);
  }

  void change_list(Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    const int count = reflection.FieldSize(message, field);
    const auto any = [&] { return static_cast<int>(dice_.below(static_cast<size_t>(count))); };
    switch (dice_.below(4)) {
      case 0:
        return add(message, field);
      case 1:
        return reflection.SwapElements(&message, field, any(), any());
      case 2:
        reflection.SwapElements(&message, field, any(), count - 1);
        return reflection.RemoveLast(&message, field);
      default:
        return set_element(message, field, any());
    }
  }

  // Of messages, one that is there already, which may be the one that holds this: nested anew.
  void add(Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.AddInt64(&message, field, integer(0));
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection.AddUInt64(&message, field, static_cast<uint64_t>(integer(0)));
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.AddInt32(&message, field, static_cast<int32_t>(integer(0)));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.AddFloat(&message, field, static_cast<float>(dice_.one_of(kReals)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return reflection.AddDouble(&message, field, dice_.one_of(kReals));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.AddString(&message, field, text());
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const std::string other = another(field);
        reflection.AddMessage(&message, field)->ParsePartialFromString(other);
        return;
      }
      default:
        return;
    }
  }

  void set(Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetInt64(&message, field, integer(reflection.GetInt64(message, field)));
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.SetInt32(
            &message, field, static_cast<int32_t>(integer(reflection.GetInt32(message, field))));
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetEnumValue(&message, field, static_cast<int>(dice_.below(20)));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.SetFloat(&message, field, static_cast<float>(dice_.one_of(kReals)));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetString(&message, field,
                                    field->type() == FieldDescriptor::TYPE_BYTES
                                        ? bytes(reflection.GetString(message, field))
                                        : text());
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const std::string other = another(field);
        reflection.MutableMessage(&message, field)->ParsePartialFromString(other);
        return;
      }
      default:
        return;
    }
  }

  void set_element(Message& message, const FieldDescriptor* field, int at) {
    const Reflection& reflection = *message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetRepeatedInt64(
            &message, field, at, integer(reflection.GetRepeatedInt64(message, field, at)));
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.SetRepeatedInt32(
            &message, field, at,
            static_cast<int32_t>(integer(reflection.GetRepeatedInt32(message, field, at))));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.SetRepeatedFloat(&message, field, at,
                                           static_cast<float>(dice_.one_of(kReals)));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.SetRepeatedString(&message, field, at, text());
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const std::string other = another(field);
        reflection.MutableRepeatedMessage(&message, field, at)->ParsePartialFromString(other);
        return;
      }
      default:
        return add(message, field);
    }
  }

  // Bytes of a message of that type that the model has; taken before the model changes.
  std::string another(const FieldDescriptor* field) {
    std::vector<const Message*> others;
    for (const Place& place : places_)
      if (place.message->GetDescriptor() == field->message_type()) others.push_back(place.message);
    return others.empty() ? "" : dice_.one_of(others)->SerializePartialAsString();
  }
};

std::string with_changed_bytes(std::string bytes, Dice& dice) {
  if (bytes.empty()) return bytes;
  const size_t at = dice.below(bytes.size()), some = 1 + dice.below(16);
  switch (dice.below(6)) {
    case 0:
      bytes[at] = static_cast<char>(dice.below(256));
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.below(8)));
      break;
    case 2:
      bytes.erase(at, some);
      break;
    case 3:
      bytes.insert(at, bytes.substr(dice.below(bytes.size()), some));
      break;
    case 4:
      bytes.replace(at, some, std::string(some, '\xff'));
      break;
    case 5:
      bytes.resize(at);
      break;
  }
  return bytes;
}

std::string with_changed_field(std::string_view bytes, Dice& dice) {
  static ModelType type;
  const std::unique_ptr<Message> model = type.make();
  google::protobuf::LogSilencer silent;
  if (!model->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) return "";
  FieldDamage(*model, dice).change();
  return model->SerializePartialAsString();
}

}  // namespace

std::string with_changed_field(std::string_view model, uint64_t seed) {
  Dice dice{seed};
  return with_changed_field(model, dice);
}

std::string damaged(std::string_view model, uint64_t seed) {
  Dice dice{seed};
  std::string bytes(model);
  for (size_t changes = 1 + dice.below(4); changes > 0; --changes) {
    std::string other = dice.below(4) == 0 ? std::string() : with_changed_field(bytes, dice);
    bytes = other.empty() ? with_changed_bytes(std::move(bytes), dice) : std::move(other);
  }
  return bytes;
}

}  // namespace mintor::test
