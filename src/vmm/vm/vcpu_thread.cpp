#include "vmm/vm/vcpu_thread.h"

#include <pthread.h>

#include <string>
#include <utility>

namespace bh::vmm {

namespace {

/// Answers one exit.
class ExitHandler {
 public:
  ExitHandler(unsigned index, VcpuWorld& world, std::stop_token const& stop)
      : index_(index), world_(world), stop_(stop) {}

  void operator()(PortRead const& exit) { world_.ports.read(exit.port, exit.data); }
  void operator()(PortWrite const& exit) {
    world_.ports.write(exit.port, exit.data);
    // Here no lock is held, so the guest can be made to wait for whoever reads its console.
    if (!world_.console.full()) return;
    world_.gate.count_while([this] { world_.console.wait_for_room(stop_); });
  }
  void operator()(MmioRead const& exit) { world_.mmio.read(exit.address.value, exit.data); }
  void operator()(MmioWrite const& exit) { world_.mmio.write(exit.address.value, exit.data); }
  void operator()(Halted const&) { fail("halted with nothing that could wake it"); }
  void operator()(Shutdown const&) { world_.stop.stop(GuestTripleFault()); }
  void operator()(Interrupted const&) {}
  void operator()(InternalError const& exit) { fail(exit.words); }

 private:
  void fail(std::string_view words) {
    world_.stop.stop(EngineFailure{"vCPU " + std::to_string(index_) + ": " + std::string(words)});
  }

  unsigned index_;
  VcpuWorld& world_;
  std::stop_token const& stop_;
};

}  // namespace

VcpuThread::VcpuThread(unsigned index, std::unique_ptr<Vcpu> vcpu, VcpuWorld world)
    : index_(index), vcpu_(std::move(vcpu)), world_(world) {
  thread_ = std::jthread([this](std::stop_token const& stop) { run(stop); });
}

VcpuThread::~VcpuThread() {
  request_stop();
}

void VcpuThread::request_stop() {
  thread_.request_stop();
  vcpu_->kick();
}

void VcpuThread::run(std::stop_token const& stop) {
  ::pthread_setname_np(::pthread_self(), ("vcpu " + std::to_string(index_)).c_str());
  ExitHandler handler(index_, world_, stop);
  // The switch ends the vCPU that threw it before its next instruction; the others get a kick.
  while (!stop.stop_requested() && !world_.stop.stopped()) {
    std::visit(handler, vcpu_->run());
    world_.gate.pass(stop);
  }
}

}  // namespace bh::vmm
