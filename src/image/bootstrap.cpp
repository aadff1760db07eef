#include "image/bootstrap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "image/importer.h"
#include "os/child.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::image {

namespace {

constexpr char kPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr char kDebootstrap[] = "/usr/bin/mmdebstrap";
constexpr char kBusybox[] = "/bin/busybox";
constexpr std::size_t kLongestSources = std::size_t{1} << 20;

struct Version {
  std::string_view number;
  std::string_view suite;
};
constexpr std::array kVersions{Version{"11", "bullseye"}, Version{"12", "bookworm"},
                               Version{"13", "trixie"}, Version{"14", "forky"}};

bool is_word(std::string_view text) {
  return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '+';
  });
}

Result<> need_program(char const* path, char const* package) {
  if (::access(path, X_OK) == 0) return {};
  return fail(Errc::NotFound,
              std::string(path) + " is missing; install it with `apt install " + package + "`");
}

Result<> run(std::vector<std::string> const& words) {
  auto child = BH_TRY(os::Child::start(words));
  int const status = BH_TRY(child.wait());
  if (status == 0) return {};
  return fail(Errc::Io, words[0] + " ended with status " + std::to_string(status));
}

/// Files of apt's configuration that have sources of the suite. Without any mmdebstrap takes
/// Debian's own servers.
Result<std::vector<std::string>> sources_of(std::string const& suite) {
  std::vector<std::string> files{"/etc/apt/sources.list"};
  auto names = BH_TRY(os::names_in(AT_FDCWD, "/etc/apt/sources.list.d"));
  std::ranges::sort(names);
  for (auto const& name : names) {
    if (name.ends_with(".list") || name.ends_with(".sources")) {
      files.push_back("/etc/apt/sources.list.d/" + name);
    }
  }
  std::erase_if(files, [&](std::string const& file) {
    auto const text = os::read_text_at(AT_FDCWD, file, kLongestSources);
    return !text || text->find(" " + suite) == std::string::npos;
  });
  return files;
}

Result<> write_file(std::string const& path, std::string_view text, unsigned mode) {
  auto const file = BH_TRY(os::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, mode));
  return os::write_text(file, text);
}

Result<> copy_program(std::string const& from, std::string const& to) {
  auto const source = BH_TRY(os::open_file(from, O_RDONLY));
  struct stat info{};
  if (::fstat(source.get(), &info) != 0) return fail_errno("stat " + from, errno);
  std::string program(static_cast<std::size_t>(info.st_size), '\0');
  BH_TRY(os::read_exact_at(source, std::as_writable_bytes(std::span(program)), 0));
  return write_file(to, program, 0755);
}

/// A root file system that is one static program and the links to it.
Result<> make_busybox_root(std::string const& root) {
  for (auto const* const folder :
       {"bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr", "var/tmp"}) {
    BH_TRY(os::make_folders(root + "/" + folder));
  }
  for (auto const* const folder : {"/tmp", "/var/tmp"}) ::chmod((root + folder).c_str(), 01777);
  ::chmod((root + "/root").c_str(), 0700);
  for (auto const* const link : {"usr/bin", "usr/sbin", "sbin"}) {
    auto const path = root + "/" + link;
    auto const* const target = std::string_view(link) == "sbin" ? "bin" : "../bin";
    if (::symlink(target, path.c_str()) != 0) return fail_errno("link " + path, errno);
  }
  BH_TRY(write_file(root + "/etc/passwd",
                    "root:x:0:0:root:/root:/bin/sh\n"
                    "nobody:x:65534:65534:nobody:/:/bin/false\n",
                    0644));
  BH_TRY(write_file(root + "/etc/group", "root:x:0:\nnogroup:x:65534:\n", 0644));
  BH_TRY(write_file(root + "/etc/shadow", "root:*:::::::\nnobody:*:::::::\n", 0640));
  BH_TRY(copy_program(kBusybox, root + "/bin/busybox"));
  return run({kBusybox, "--install", "-s", root + "/bin"});
}

ImageConfig config_of(std::vector<std::string> command) {
  ImageConfig config;
  config.platform = Platform::host();
  config.environment = {kPath};
  config.command = std::move(command);
  return config;
}

}  // namespace

Result<std::string> debian_suite(std::string_view version) {
  auto const known = std::ranges::find(kVersions, version, &Version::number);
  if (known != kVersions.end()) return std::string(known->suite);
  if (version == "latest") return std::string("stable");
  if (is_word(version) && (version.front() < '0' || version.front() > '9')) {
    return std::string(version);
  }
  return fail(Errc::Invalid, "\"" + std::string(version) +
                                 "\" is no Debian; write for example debian:12 or debian:trixie");
}

Result<NamedImage> bootstrap_debian(Store const& store, DebianOptions const& options,
                                    std::string const& name) {
  BH_TRY(need_program(kDebootstrap, "mmdebstrap"));
  std::string packages;
  for (auto const& package : options.packages) {
    if (!is_word(package)) return fail(Errc::Invalid, "\"" + package + "\" is no package's name");
    packages += (packages.empty() ? "" : ",") + package;
  }
  auto const folder = BH_TRY(os::TemporaryFolder::create("bulkhead-bootstrap"));
  auto const tar = folder.path() + "/root.tar";
  std::vector<std::string> words{kDebootstrap, "--quiet", "--variant=apt", "--format=tar"};
  if (!packages.empty()) words.push_back("--include=" + packages);
  // What the host calls itself and asks for names is none of the image's business.
  words.insert(words.end(), {"--customize-hook=rm -f \"$1/etc/hostname\" \"$1/etc/resolv.conf\"",
                             options.suite, tar});
  auto const sources = BH_TRY(sources_of(options.suite));
  words.insert(words.end(), sources.begin(), sources.end());
  BH_TRY(run(words));
  auto file = BH_TRY(os::open_file(tar, O_RDONLY));
  return import_tar(store, std::make_unique<FileSource>(std::move(file)), config_of({"bash"}),
                    name);
}

Result<NamedImage> bootstrap_busybox(Store const& store, std::string const& name) {
  BH_TRY(need_program(kBusybox, "busybox-static"));
  auto const folder = BH_TRY(os::TemporaryFolder::create("bulkhead-bootstrap"));
  auto const root = folder.path() + "/root";
  BH_TRY(os::make_folders(root));
  BH_TRY(make_busybox_root(root));
  return import_folder(store, root, Owners::Root, config_of({"sh"}), name);
}

}  // namespace bh::image
