#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "container/json/json.h"

namespace bh::container {

/// Longer texts are refused; engines write some ten kilobytes, seccomp filters included.
inline constexpr std::size_t kDocumentLimit = std::size_t{4} * 1024 * 1024;

/// A parsed JSON text.
class Document {
 public:
  /// RFC 8259, at most 32 levels deep. Errors say line and column.
  static Result<Document> parse(std::string_view text);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) = delete;
  ~Document();

  Json root() const;

 private:
  struct Tree;
  explicit Document(std::unique_ptr<Tree> tree);

  std::unique_ptr<Tree> tree_;
};

}  // namespace bh::container
