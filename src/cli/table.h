#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace bh::cli {

/// Rows of text in columns as wide as they need.
class Table {
 public:
  using Row = std::vector<std::string>;

  explicit Table(Row head) { add(std::move(head)); }
  /// As many cells as the head has.
  void add(Row row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const;

 private:
  std::vector<Row> rows_;
};

}  // namespace bh::cli
