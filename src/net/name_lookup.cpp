#include "net/name_lookup.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <array>
#include <memory>

namespace bh::net {

namespace {

/// A question's way to name servers, which is to be closed.
class Resolver {  // (`struct` below tells the type from a function of the same name.)
 public:
  Resolver() { usable_ = ::res_ninit(&state_) == 0; }
  ~Resolver() {
    if (usable_) ::res_nclose(&state_);
  }
  Resolver(Resolver const&) = delete;
  Resolver& operator=(Resolver const&) = delete;

  bool usable() const { return usable_; }
  struct __res_state& state() { return state_; }

 private:
  struct __res_state state_{};
  bool usable_ = false;
};

void ask_only(struct __res_state& state, Ipv4Address server) {
  state.nscount = 1;
  state.nsaddr_list[0] = {};
  state.nsaddr_list[0].sin_family = AF_INET;
  state.nsaddr_list[0].sin_port = htons(NAMESERVER_PORT);
  state.nsaddr_list[0].sin_addr.s_addr = htonl(server.value);
}

}  // namespace

Result<std::vector<Ipv4Address>> look_up(std::optional<Ipv4Address> server,
                                         std::string const& name) {
  auto const doing =
      fmt::format("ask {} for {}",
                  server ? "the name server " + server->text() : "the host's name server", name);
  Resolver resolver;
  if (!resolver.usable()) return fail(Errc::Io, doing + ": cannot read /etc/resolv.conf");
  auto& state = resolver.state();
  if (server) ask_only(state, *server);
  state.retry = 2;
  state.retrans = 2;
  std::array<unsigned char, NS_MAXMSG> answer{};
  int const size =
      ::res_nquery(&state, name.c_str(), ns_c_in, ns_t_a, answer.data(), answer.size());
  if (size < 0) {
    if (state.res_h_errno == TRY_AGAIN) {
      return fail(Errc::Timeout, doing +
                                     ": no answer; does a machine run in its network, and do the "
                                     "host's name servers answer?");
    }
    return std::vector<Ipv4Address>();
  }
  ns_msg message{};
  if (::ns_initparse(answer.data(), size, &message) != 0) {
    return fail(Errc::Corrupt, doing + ": its answer is none");
  }
  std::vector<Ipv4Address> addresses;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0) {
      return fail(Errc::Corrupt, doing + ": its answer is none");
    }
    if (ns_rr_type(record) != ns_t_a || ns_rr_rdlen(record) != sizeof(in_addr)) continue;
    addresses.push_back({static_cast<std::uint32_t>(ns_get32(ns_rr_rdata(record)))});
  }
  return addresses;
}

}  // namespace bh::net
