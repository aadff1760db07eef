#include "net/firewall.h"

#include <dlfcn.h>
#include <nftables/libnftables.h>

#include <boost/json/serialize.hpp>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "net/ruleset.h"

namespace bh::net {

namespace {

/// The functions of libnftables that we call.
struct Library {
  decltype(&::nft_ctx_new) create;
  decltype(&::nft_ctx_free) destroy;
  decltype(&::nft_ctx_output_set_flags) set_flags;
  decltype(&::nft_ctx_buffer_output) buffer_output;
  decltype(&::nft_ctx_buffer_error) buffer_errors;
  decltype(&::nft_ctx_get_output_buffer) output;
  decltype(&::nft_ctx_get_error_buffer) errors;
  decltype(&::nft_run_cmd_from_buffer) run;

  static Result<Library> load() {
    void* const handle = ::dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      return fail(Errc::NotFound,
                  std::string("firewall: ") + ::dlerror() + "; install the package libnftables1");
    }
    Library library{};
    auto const find = [&](auto& function, char const* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      return function != nullptr;
    };
    bool const whole = find(library.create, "nft_ctx_new") &&
                       find(library.destroy, "nft_ctx_free") &&
                       find(library.set_flags, "nft_ctx_output_set_flags") &&
                       find(library.buffer_output, "nft_ctx_buffer_output") &&
                       find(library.buffer_errors, "nft_ctx_buffer_error") &&
                       find(library.output, "nft_ctx_get_output_buffer") &&
                       find(library.errors, "nft_ctx_get_error_buffer") &&
                       find(library.run, "nft_run_cmd_from_buffer");
    if (!whole) return fail(Errc::Unsupported, "firewall: libnftables.so.1 lacks a function");
    return library;
  }
};

/// The first line says what; the rest repeats the transaction.
std::string first_line(char const* text) {
  std::string_view const all = text == nullptr ? "" : text;
  return std::string(all.substr(0, all.find('\n')));
}

using Context = std::unique_ptr<nft_ctx, decltype(&::nft_ctx_free)>;

/// Answers to commands, and words for those that fail.
class Firewall {
 public:
  static Result<Firewall> open() {
    static auto const library = Library::load();
    if (!library) return std::unexpected(Error(library.error()));
    Context context(library->create(NFT_CTX_DEFAULT), library->destroy);
    if (!context) return fail(Errc::Io, "firewall: nft_ctx_new failed");
    library->set_flags(context.get(), NFT_CTX_OUTPUT_JSON);
    library->buffer_output(context.get());
    library->buffer_errors(context.get());
    return Firewall(*library, std::move(context));
  }

  bool run(std::string const& commands) {
    return library_.run(context_.get(), commands.c_str()) == 0;
  }
  std::string output() const { return library_.output(context_.get()); }
  std::string error() const {
    auto const words = first_line(library_.errors(context_.get()));
    return words.empty() ? "no reason given" : words;
  }

 private:
  Firewall(Library const& library, Context context)
      : library_(library), context_(std::move(context)) {}

  Library library_;
  Context context_;
};

bool is_denied(std::string const& words) {
  return words.find("not permitted") != words.npos;
}

}  // namespace

Result<> run_transaction(boost::json::object const& commands) {
  auto firewall = BH_TRY(Firewall::open());
  if (firewall.run(boost::json::serialize(commands))) return {};
  auto const words = firewall.error();
  bool const denied = is_denied(words);
  return fail(denied ? Errc::Denied : Errc::Unsupported,
              "change the firewall: " + words +
                  (denied ? "; managed networks need root" : "; does the kernel have nf_tables?"));
}

Result<NameSets> name_sets() {
  auto firewall = BH_TRY(Firewall::open());
  if (firewall.run(std::string("list sets table inet ") + kTable)) {
    return parse_name_sets(firewall.output());
  }
  auto const words = firewall.error();
  if (words.find("No such file") != words.npos) return NameSets();
  bool const denied = is_denied(words);
  return fail(denied ? Errc::Denied : Errc::Io,
              "read the firewall: " + words + (denied ? "; it needs root" : ""));
}

}  // namespace bh::net
