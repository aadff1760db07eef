#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/loop/timer.h"
#include "vmm/loop/worker.h"

namespace bh::vmm {

/// Writes metrics, one JSON object a line: every minute, when asked, and at the end.
///
/// All methods but open() and the destructor belong to the worker, which outlives it.
class MetricsWriter {
 public:
  using Collect = std::move_only_function<boost::json::object()>;

  /// Appends to the file or FIFO at `path`. `collect` is called on the worker.
  static Result<std::unique_ptr<MetricsWriter>> open(Worker& worker, std::string const& path,
                                                     Collect collect);
  /// Writes a last time.
  ~MetricsWriter();
  MetricsWriter(MetricsWriter const&) = delete;

  Result<> flush();

 private:
  MetricsWriter(Worker& worker, os::UniqueFd file, Timer timer, Collect collect);

  Worker& worker_;
  os::UniqueFd file_;
  Timer timer_;
  Collect collect_;
};

}  // namespace bh::vmm
