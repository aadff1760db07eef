#include "init/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "init/addresses.h"
#include "init/report.h"

namespace bh::init {

namespace {

// Numbers of one digit; no machine has more networks.
constexpr int kMostCards = 10;
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;

ifreq request_for_card(int number) {
  ifreq request{};
  std::strcpy(request.ifr_name, "eth0");
  request.ifr_name[3] = static_cast<char>('0' + number);
  return request;
}

sockaddr socket_address(in_addr address) {
  sockaddr_in internet{};
  internet.sin_family = AF_INET;
  internet.sin_addr = address;
  sockaddr generic{};
  std::memcpy(&generic, &internet, sizeof generic);
  return generic;
}

bool call(int fd, unsigned long number, void* argument, char const* action,
          std::string_view object) {
  if (::ioctl(fd, number, argument) == 0) return true;
  report_errno(action, object, errno);
  return false;
}

bool set_up_card(int fd, int number, std::string_view text) {
  in_addr address{};
  in_addr mask{};
  if (!parse_interface_address(text, address, mask)) {
    report(text, "is no address with a length, such as 10.0.2.15/24");
    return false;
  }
  auto request = request_for_card(number);
  request.ifr_addr = socket_address(address);
  if (!call(fd, SIOCSIFADDR, &request, "give a card the address", text)) return false;
  request.ifr_netmask = socket_address(mask);
  if (!call(fd, SIOCSIFNETMASK, &request, "give a card the mask of", text)) return false;
  request = request_for_card(number);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return call(fd, SIOCSIFFLAGS, &request, "bring up the card with", text);
}

bool set_up_route(int fd, std::string_view gateway) {
  in_addr address{};
  if (!parse_address(gateway, address)) {
    report(gateway, "is no address of a gateway");
    return false;
  }
  rtentry route{};
  route.rt_dst = socket_address({});
  route.rt_genmask = socket_address({});
  route.rt_gateway = socket_address(address);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  return call(fd, SIOCADDRT, &route, "make the way out by", gateway);
}

/// A file made of lines. It takes the place of a link, which may lead to what is not there.
class LineFile {
 public:
  explicit LineFile(char const* path) : path_(path) {
    ::unlink(path);
    fd_ = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
    if (fd_ < 0) report_errno("create", path, errno);
  }
  LineFile(LineFile const&) = delete;
  ~LineFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  void add(std::string_view first, std::string_view second) {
    put(first);
    put(" ");
    put(second);
    put("\n");
  }

 private:
  void put(std::string_view text) {
    if (fd_ < 0 || ::write(fd_, text.data(), text.size()) >= 0) return;
    report_errno("write", path_, errno);
  }

  char const* path_;
  int fd_;
};

void write_names(Settings const& settings, std::string_view address) {
  ::mkdir("/etc", kFolderMode);
  {
    LineFile resolver("/etc/resolv.conf");
    settings.each("dns", [&](std::string_view server) { resolver.add("nameserver", server); });
  }
  LineFile hosts("/etc/hosts");
  hosts.add("127.0.0.1", "localhost");
  hosts.add("::1", "localhost");
  if (auto const name = settings.find("host")) {
    hosts.add(address.substr(0, address.find('/')), *name);
  }
}

}  // namespace

bool bring_up_network(Settings const& settings) {
  if (!settings.find("address")) return true;
  int const fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    report_errno("socket", "for network cards", errno);
    return false;
  }
  bool up = true;
  std::string_view first;
  int number = 0;
  settings.each("address", [&](std::string_view text) {
    if (number == 0) first = text;
    up = up && number < kMostCards && set_up_card(fd, number++, text);
  });
  auto const gateway = settings.find("gateway");
  up = up && (!gateway || set_up_route(fd, *gateway));
  ::close(fd);
  if (up) write_names(settings, first);
  return up;
}

}  // namespace bh::init
