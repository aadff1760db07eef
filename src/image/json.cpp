#include "image/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "image/limits.h"

namespace bh::image {

namespace {

constexpr std::size_t kDeepest = 32;

std::unexpected<Error> wrong(std::string_view name, std::string_view expected) {
  return fail(Errc::Corrupt,
              "\"" + std::string(name) + "\" is not " + std::string(expected) + " there");
}

boost::json::value const* find(boost::json::object const& object, std::string_view name) {
  auto const* const found = object.if_contains({name.data(), name.size()});
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string text_of(boost::json::string const& text) {
  return {text.data(), text.size()};
}

void write(boost::json::value const& value, std::string const& indent, std::string& out) {
  auto const deeper = indent + "    ";
  bool first = true;
  auto const next = [&] {
    out += first ? "\n" : ",\n";
    out += deeper;
    first = false;
  };
  if (auto const* const object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    for (auto const& member : *object) {
      next();
      out += boost::json::serialize(boost::json::value(member.key())) + ": ";
      write(member.value(), deeper, out);
    }
    out += "\n" + indent + "}";
  } else if (auto const* const array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    for (auto const& element : *array) {
      next();
      write(element, deeper, out);
    }
    out += "\n" + indent + "]";
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

Result<boost::json::object> parse_object(std::string_view text) {
  if (text.size() > kDocumentLimit) {
    return fail(Errc::Corrupt,
                "JSON of " + size_text(text.size()) + ", at most " + size_text(kDocumentLimit));
  }
  boost::json::parse_options options;
  options.max_depth = kDeepest;
  boost::json::error_code error;
  auto value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return fail(Errc::Corrupt, "it is no JSON: " + error.message());
  auto* const object = value.if_object();
  if (object == nullptr) return fail(Errc::Corrupt, "it is no JSON object");
  return std::move(*object);
}

Result<std::string> text_member(boost::json::object const& object, std::string_view name) {
  auto const* const found = find(object, name);
  if (found == nullptr) return std::string();
  auto const* const text = found->if_string();
  if (text == nullptr) return wrong(name, "a string");
  return text_of(*text);
}

Result<std::uint64_t> number_member(boost::json::object const& object, std::string_view name) {
  auto const* const found = find(object, name);
  if (found == nullptr) return 0;
  if (auto const* const number = found->if_uint64()) return *number;
  auto const* const number = found->if_int64();
  if (number == nullptr || *number < 0) return wrong(name, "a whole number from 0");
  return static_cast<std::uint64_t>(*number);
}

Result<boost::json::object const*> object_member(boost::json::object const& object,
                                                 std::string_view name) {
  auto const* const found = find(object, name);
  if (found == nullptr) return nullptr;
  if (!found->is_object()) return wrong(name, "an object");
  return &found->get_object();
}

Result<boost::json::array const*> array_member(boost::json::object const& object,
                                               std::string_view name) {
  auto const* const found = find(object, name);
  if (found == nullptr) return nullptr;
  if (!found->is_array()) return wrong(name, "an array");
  return &found->get_array();
}

Result<std::vector<std::string>> texts_member(boost::json::object const& object,
                                              std::string_view name) {
  std::vector<std::string> texts;
  auto const* const array = BH_TRY(array_member(object, name));
  if (array == nullptr) return texts;
  for (auto const& element : *array) {
    if (!element.is_string()) return wrong(name, "an array of strings");
    texts.push_back(text_of(element.get_string()));
  }
  return texts;
}

Result<std::map<std::string, std::string>> text_map_member(boost::json::object const& object,
                                                           std::string_view name) {
  std::map<std::string, std::string> texts;
  auto const* const members = BH_TRY(object_member(object, name));
  if (members == nullptr) return texts;
  for (auto const& member : *members) {
    if (!member.value().is_string()) return wrong(name, "an object of strings");
    texts.emplace(member.key(), text_of(member.value().get_string()));
  }
  return texts;
}

Result<std::vector<std::string>> names_member(boost::json::object const& object,
                                              std::string_view name) {
  std::vector<std::string> names;
  auto const* const members = BH_TRY(object_member(object, name));
  if (members == nullptr) return names;
  for (auto const& member : *members) names.emplace_back(member.key());
  return names;
}

Result<std::vector<boost::json::object const*>> objects_of(boost::json::array const& array,
                                                           std::string_view name,
                                                           std::size_t most) {
  if (array.size() > most) {
    return fail(Errc::Corrupt, "\"" + std::string(name) + "\" has " + std::to_string(array.size()) +
                                   " elements, at most " + std::to_string(most));
  }
  std::vector<boost::json::object const*> objects;
  for (auto const& element : array) {
    if (!element.is_object()) return wrong(name, "an array of objects");
    objects.push_back(&element.get_object());
  }
  return objects;
}

std::string pretty(boost::json::value const& value) {
  std::string out;
  write(value, "", out);
  return out + "\n";
}

}  // namespace bh::image
