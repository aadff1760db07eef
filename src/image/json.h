#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::image {

/// A document that came from outside: at most kDocumentLimit bytes and 32 levels, and an object.
/// Errors are Errc::Corrupt, here and below.
Result<boost::json::object> parse_object(std::string_view text);

/// Members of an object that was not made by us. An absent member, or null, is empty; one of
/// another type is an error that names it.
Result<std::string> text_member(boost::json::object const& object, std::string_view name);
Result<std::uint64_t> number_member(boost::json::object const& object, std::string_view name);
Result<std::vector<std::string>> texts_member(boost::json::object const& object,
                                              std::string_view name);
Result<std::map<std::string, std::string>> text_map_member(boost::json::object const& object,
                                                           std::string_view name);
/// The names of an object whose members say nothing: {"80/tcp": {}}.
Result<std::vector<std::string>> names_member(boost::json::object const& object,
                                              std::string_view name);
/// Pointers into `object`; nullptr if it is absent.
Result<boost::json::object const*> object_member(boost::json::object const& object,
                                                 std::string_view name);
Result<boost::json::array const*> array_member(boost::json::object const& object,
                                               std::string_view name);

/// Objects of an array, which all its elements must be.
Result<std::vector<boost::json::object const*>> objects_of(boost::json::array const& array,
                                                           std::string_view name, std::size_t most);

/// With line breaks and four blanks a level, as `docker inspect` writes.
std::string pretty(boost::json::value const& value);

}  // namespace bh::image
