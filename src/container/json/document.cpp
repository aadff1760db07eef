#include "container/json/document.h"

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <optional>

namespace bh::container {

// One arena for the whole document: it is read once and goes as a whole.
struct Document::Tree {
  boost::json::monotonic_resource arena{std::size_t{32} * 1024};
  std::optional<boost::json::value> value;
};

Document::Document(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document::~Document() = default;

Json Document::root() const {
  return Json(*tree_->value);
}

Result<Document> Document::parse(std::string_view text) {
  if (text.size() > kDocumentLimit) {
    return fail(Errc::Invalid, "JSON of " + std::to_string(text.size()) + " bytes: at most " +
                                   std::to_string(kDocumentLimit));
  }
  auto tree = std::make_unique<Tree>();
  boost::json::stream_parser parser(&tree->arena);
  boost::json::error_code error;
  std::size_t const used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = boost::json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) {
    auto const read = text.substr(0, used);
    auto const line = std::ranges::count(read, '\n') + 1;
    auto const start = read.rfind('\n');
    auto const column = start == read.npos ? used + 1 : used - start;
    return fail(Errc::Invalid, "JSON: " + error.message() + " at line " + std::to_string(line) +
                                   " column " + std::to_string(column));
  }
  tree->value.emplace(parser.release());
  return Document(std::move(tree));
}

}  // namespace bh::container
