#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace bh::cli {

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (auto const& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (auto const& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      line += fmt::format("{:<{}}   ", row[i], widths[i]);
    }
    out << line << row.back() << "\n";
  }
}

}  // namespace bh::cli
