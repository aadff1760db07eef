#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bh::machine {

/// Files to carry out of a running machine or into it, as a tar. The tar's root is the file itself
/// ("file"), or the folder (".") and what is in it.
struct CopyRequest {
  bool out = false;      // Else in.
  std::string path;      // In the machine; from its root if it is relative.
  bool follow = false;   // Out: if `path` is a link, what it leads to.
  std::string name;      // In: what the source is called,
  bool content = false;  // and whether only what is in it shall be copied.
  bool archive =
      false;  // In: the tar's names are to be those in the folder `path`, which is there.

  boost::json::object json() const;
  static Result<CopyRequest> parse(boost::json::object const& json);
  /// As bulkhead-init reads it (guest/init/exec_request.h).
  std::string for_guest() const;
};

/// The last name of a path, and whether it ends so that what is in the folder is meant ("/.", or
/// that there is no last name).
struct LastName {
  std::string name;  // Empty of a root.
  bool content = false;
};
LastName last_name_of(std::string_view path);

}  // namespace bh::machine
