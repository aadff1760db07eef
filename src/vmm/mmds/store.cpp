#include "vmm/mmds/store.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <utility>

namespace bh::vmm::mmds {

namespace {

namespace json = boost::json;

constexpr std::size_t kDeepest = 64;

Result<json::value> parse_object(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kDeepest;
  auto value = json::parse(text, error, {}, options);
  if (error) return fail(Errc::Invalid, error.message());
  if (!value.is_object()) return fail(Errc::Invalid, "The MMDS data is not an object.");
  return value;
}

/// RFC 7396, 2. Both are at most kDeepest deep.
void merge(json::value& target, json::value const& patch) {
  auto const* const changes = patch.if_object();
  if (changes == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::object();
  auto& object = *target.if_object();
  for (auto const& [name, value] : *changes) {
    if (value.is_null()) {
      object.erase(name);
    } else {
      merge(object[name], value);
    }
  }
}

json::value const* step(json::value const& from, std::string_view name) {
  if (auto const* const object = from.if_object()) return object->if_contains(name);
  auto const* const array = from.if_array();
  std::size_t index = 0;
  auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  bool const whole = error == std::errc() && end == name.data() + name.size();
  return array != nullptr && whole && index < array->size() ? &(*array)[index] : nullptr;
}

json::value const* find(json::value const& root, std::string_view path) {
  json::value const* here = &root;
  while (here != nullptr && !path.empty()) {
    auto const end = path.find('/');
    auto const name = path.substr(0, end);
    if (!name.empty()) here = step(*here, name);
    path = end == path.npos ? std::string_view() : path.substr(end + 1);
  }
  return here;
}

Result<std::string> as_text(json::value const& value) {
  if (auto const* const text = value.if_string()) return std::string(*text);
  auto const* const object = value.if_object();
  if (object == nullptr) {
    return fail(Errc::Unsupported, "Cannot retrieve value. The value has an unsupported type.");
  }
  std::string names;
  for (auto const& [name, member] : *object) {
    if (!names.empty()) names += '\n';
    names += name;
    if (member.is_object()) names += '/';
  }
  return names;
}

}  // namespace

Result<> Store::replace(json::value value) {
  if (json::serialize(value).size() > limit_) {
    return fail(Errc::Denied, "The MMDS patch request doesn't fit.");
  }
  root_ = std::move(value);
  return {};
}

Result<> Store::put(std::string_view text) {
  auto value = BH_TRY(parse_object(text));
  MutexLock const lock(mutex_);
  return replace(std::move(value));
}

Result<> Store::patch(std::string_view text) {
  auto const changes = BH_TRY(parse_object(text));
  MutexLock const lock(mutex_);
  if (root_.is_null()) return fail(Errc::NotFound, "The MMDS data store is not initialized.");
  auto changed = root_;
  merge(changed, changes);
  return replace(std::move(changed));
}

std::string Store::json() const {
  MutexLock const lock(mutex_);
  return root_.is_null() ? "{}" : json::serialize(root_);
}

Result<std::string> Store::lookup(std::string_view path, Format format) const {
  MutexLock const lock(mutex_);
  auto const* const found = root_.is_null() ? nullptr : find(root_, path);
  if (found == nullptr) {
    return fail(Errc::NotFound, "Resource not found: " + std::string(path) + ".");
  }
  return format == Format::Json ? json::serialize(*found) : as_text(*found);
}

}  // namespace bh::vmm::mmds
