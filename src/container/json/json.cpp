#include "container/json/json.h"

#include <boost/json/value.hpp>

namespace bh::container {

std::string Json::path() const {
  std::string before = parent_ == nullptr ? "" : parent_->path();
  if (parent_ == nullptr) return before;
  if (name_.data() == nullptr) return before + "[" + std::to_string(index_) + "]";
  bool plain = true;
  for (char const letter : name_) {
    plain = plain && letter != '.' && letter != '[' && static_cast<unsigned char>(letter) > ' ';
  }
  if (!plain) return before + "[\"" + std::string(name_) + "\"]";
  return before.empty() ? std::string(name_) : before + "." + std::string(name_);
}

std::unexpected<Error> Json::wrong(std::string const& words) const {
  std::string const place = path();
  return fail(Errc::Invalid, place.empty() ? words : place + ": " + words);
}

std::string_view Json::kind() const {
  switch (value_->kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64: return "a number";
    case boost::json::kind::double_: return "a fraction";
    case boost::json::kind::string: return "a string";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: return "an object";
  }
  return "something else";
}

Result<std::optional<Json>> Json::member(std::string_view name) const {
  auto const* const object = value_->if_object();
  if (object == nullptr) return wrong("expected an object, found " + std::string(kind()));
  auto const* const found = object->if_contains(name);
  if (found == nullptr || found->is_null()) return std::optional<Json>();
  return std::optional<Json>(Json(*found, this, name, 0));
}

Result<> Json::decode(std::string& out) const {
  auto const* const text = value_->if_string();
  if (text == nullptr) return wrong("expected a string, found " + std::string(kind()));
  // No call of the kernel can take it, and what it would cut off is what nobody sees.
  if (text->find('\0') != text->npos) return wrong("contains a NUL byte");
  out.assign(text->data(), text->size());
  return {};
}

Result<> Json::decode(bool& out) const {
  auto const* const flag = value_->if_bool();
  if (flag == nullptr) return wrong("expected true or false, found " + std::string(kind()));
  out = *flag;
  return {};
}

Result<> Json::decode_signed(std::int64_t least, std::int64_t most, std::int64_t& out) const {
  auto const* number = value_->if_int64();
  bool const too_large = value_->if_uint64() != nullptr;
  if (number == nullptr && !too_large) {
    return wrong("expected a whole number, found " + std::string(kind()));
  }
  if (too_large || *number < least || *number > most) {
    return wrong("must be from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = *number;
  return {};
}

Result<> Json::decode_unsigned(std::uint64_t most, std::uint64_t& out) const {
  auto const* const small = value_->if_int64();
  auto const* const large = value_->if_uint64();
  if (small == nullptr && large == nullptr) {
    return wrong("expected a whole number, found " + std::string(kind()));
  }
  std::uint64_t const number = large != nullptr ? *large : static_cast<std::uint64_t>(*small);
  if ((small != nullptr && *small < 0) || number > most) {
    return wrong("must be from 0 to " + std::to_string(most));
  }
  out = number;
  return {};
}

Result<std::size_t> Json::array_size() const {
  auto const* const array = value_->if_array();
  if (array == nullptr) return wrong("expected an array, found " + std::string(kind()));
  return array->size();
}

Json Json::element(std::size_t index) const {
  return {(*value_->if_array())[index], this, {}, index};
}

Result<std::size_t> Json::object_size() const {
  auto const* const object = value_->if_object();
  if (object == nullptr) return wrong("expected an object, found " + std::string(kind()));
  return object->size();
}

Json Json::member_at(std::size_t index) const {
  auto const& member = *(value_->if_object()->begin() + static_cast<std::ptrdiff_t>(index));
  return {member.value(), this, {member.key().data(), member.key().size()}, index};
}

}  // namespace bh::container
