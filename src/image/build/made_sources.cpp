#include "image/build/made_sources.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "image/digest.h"
#include "image/limits.h"
#include "os/file_write.h"
#include "os/folder.h"
#include "os/text_file.h"

namespace bh::image::build {

namespace {

bool is_document(std::string_view word) {
  return word.starts_with("<<");
}

bool is_address(std::string_view word) {
  return word.starts_with("http://") || word.starts_with("https://");
}

Result<os::UniqueFd> create(std::string const& path, unsigned mode) {
  return os::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, mode);
}

/// The last part of an address's path.
Result<std::string> name_in(std::string const& address) {
  auto const path = address.substr(0, address.find_first_of("?#"));
  auto const start = path.find("://") + 3;
  auto const slash = path.rfind('/');
  auto name = slash == std::string::npos || slash < start ? "" : path.substr(slash + 1);
  if (!name.empty() && name != "." && name != "..") return name;
  return fail(Errc::Invalid, "ADD " + address + ": it names no file");
}

Result<> fetch(std::string const& address, std::string const& path, registry::Trust const& trust,
               std::optional<Digest> const& wanted) {
  // As docker has it: nobody else's to read.
  auto const file = BH_TRY(create(path, 0600));
  Hasher hasher;
  std::uint64_t size = 0;
  registry::HttpRequest request{.url = address};
  request.sink = [&](long, std::span<std::byte const> bytes) -> Result<> {
    size += bytes.size();
    if (size > kLargestBlob) return fail(Errc::Denied, "it is larger than a layer may be");
    hasher.update(bytes);
    return os::write_all(file, bytes);
  };
  auto believed = trust;
  // As who wrote the address wants it; --checksum is for who does not believe it.
  if (address.starts_with("http://")) believed.insecure = true;
  registry::HttpClient client(believed);
  auto const reply = client.perform(request);
  if (!reply) return std::unexpected(Error(reply.error()).while_doing("ADD " + address));
  if (!reply->ok()) {
    return fail(reply->status == 404 ? Errc::NotFound : Errc::Io,
                "ADD " + address + ": status " + std::to_string(reply->status));
  }
  auto const got = hasher.finish();
  if (!wanted || got == *wanted) return {};
  return fail(Errc::Corrupt, "ADD " + address + ": it has the digest " + got.text() +
                                 ", --checksum says " + wanted->text());
}

Result<std::optional<Digest>> checksum_of(Instruction const& instruction,
                                          Variables const& variables) {
  auto const found = instruction.flags.find("checksum");
  if (found == instruction.flags.end()) return std::nullopt;
  auto const text = BH_TRY(expanded(found->second, variables));
  auto const digest = Digest::parse(text);
  if (digest) return *digest;
  return std::unexpected(Error(digest.error()).while_doing("--checksum"));
}

}  // namespace

Result<std::optional<MadeSources>> MadeSources::make(Instruction const& instruction,
                                                     Variables const& variables,
                                                     registry::Trust const& trust,
                                                     std::string const& work,
                                                     CopyRequest& request) {
  bool const adds = instruction.verb == Verb::Add;
  auto const is_made = [&](std::string const& source) {
    return is_document(source) || (adds && is_address(source));
  };
  auto const count = std::ranges::count_if(request.sources, is_made);
  auto const checksum = BH_TRY(checksum_of(instruction, variables));
  auto const is_fetched = [&](std::string const& source) { return adds && is_address(source); };
  if (checksum && (request.sources.size() != 1 || !is_fetched(request.sources[0]))) {
    return fail(Errc::Invalid, "--checksum is for one http or https address");
  }
  if (count == 0) return std::nullopt;
  if (static_cast<std::size_t>(count) != request.sources.size()) {
    return fail(Errc::Unsupported,
                "here-documents or addresses beside files; write an instruction for each");
  }
  BH_TRY(os::make_folders(work));
  auto folder = BH_TRY(os::TemporaryFolder::create_in(work, "made"));
  std::size_t document = 0;
  for (auto& source : request.sources) {
    if (is_fetched(source)) {
      auto const name = BH_TRY(name_in(source));
      BH_TRY(fetch(source, folder.path() + "/" + name, trust, checksum));
      source = name;
      continue;
    }
    if (document >= instruction.documents.size()) {
      return fail(Errc::Invalid, "\"" + source + "\" is no here-document");
    }
    auto const& text = instruction.documents[document++];
    auto const content = BH_TRY(text.expands ? expanded(text.content, variables)
                                             : Result<std::string>(text.content));
    auto const file = BH_TRY(create(folder.path() + "/" + text.name, 0644));
    BH_TRY(os::write_all(file, std::as_bytes(std::span(content))));
    source = text.name;
  }
  // Archives that are fetched stay archives.
  request.unpacks = false;
  return MadeSources(std::move(folder));
}

}  // namespace bh::image::build
