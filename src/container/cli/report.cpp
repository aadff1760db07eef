#include "container/cli/report.h"

#include <fcntl.h>
#include <unistd.h>

#include "container/json/writer.h"
#include "container/output.h"
#include "container/state.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

void print_complaint(std::string_view message) {
  std::string const line = "bulkhead-oci: " + std::string(message) + "\n";
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

/// False without a log to write to.
bool log(Arguments const& global, std::string_view level, std::string_view message) {
  auto const path = global.value("log");
  if (!path) return false;
  auto const file = os::open_at(AT_FDCWD, *path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (!file) return false;
  std::string line;
  if (global.value_or("log-format", "text") == "json") {
    JsonWriter json;
    json.open('{').name("level").text(level).name("msg").text(message);
    json.name("time").text(timestamp()).close('}');
    line = json.str() + "\n";
  } else {
    line = "time=\"" + timestamp() + "\" level=" + std::string(level) +
           " msg=" + json_quoted(message) + "\n";
  }
  // One write: other runtimes append to the same file.
  return ::write(file->get(), line.data(), line.size()) >= 0;
}

}  // namespace

void report_error(Arguments const* global, std::string_view message) {
  if (global != nullptr) (void)log(*global, "error", message);
  print_complaint(message);
}

void report_warning(Arguments const& global, std::string_view message) {
  if (!log(global, "warning", message)) print_complaint("warning: " + std::string(message));
}

void drop_ungrantable(Arguments const& global, bool user_namespace, ProcessSpec& process) {
  std::string names;
  for (auto const& name : process.unknown_capabilities) {
    names += (names.empty() ? "" : ", ") + name;
  }
  if (process.capabilities && !user_namespace) {
    auto& sets = *process.capabilities;
    auto const grantable = jail::grantable_capabilities();
    auto const missing = jail::capability_list(
        (sets.bounding | sets.permitted | sets.effective | sets.inheritable | sets.ambient) &
        ~grantable);
    for (auto* const set :
         {&sets.bounding, &sets.permitted, &sets.effective, &sets.inheritable, &sets.ambient}) {
      *set &= grantable;
    }
    if (!missing.empty()) names += (names.empty() ? "" : ", ") + missing;
  }
  if (names.empty()) return;
  report_warning(global,
                 "the process goes without capabilities that are unknown or not the "
                 "runtime's to give: " +
                     names);
}

}  // namespace bh::container
