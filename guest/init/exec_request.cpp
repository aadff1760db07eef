#include "init/exec_request.h"

namespace bh::init {

bool ExecRequest::parse(std::string_view payload) {
  if (settings_.parse(payload) != ParseError::None || !settings_.collect("word", command_)) {
    return false;
  }
  return settings_.find("copy") || settings_.find("probe") ||
         (command_.size() != 0 && !command_[0].empty());
}

void ExecRequest::clear() {
  settings_.clear();
  command_.clear();
}

}  // namespace bh::init
