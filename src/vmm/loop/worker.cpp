#include "vmm/loop/worker.h"

#include <pthread.h>

#include <algorithm>
#include <semaphore>

#include "vmm/loop/event.h"

namespace bh::vmm {

Result<std::unique_ptr<Worker>> Worker::start(std::string name) {
  auto loop = BH_TRY(DeviceLoop::create());
  auto posted = BH_TRY(create_event());
  std::unique_ptr<Worker> worker(new Worker(std::move(loop), std::move(posted)));
  BH_TRY(worker->loop_.watch(worker->posted_.get(), [self = worker.get()] { self->run_posted(); }));
  name.resize(std::min<std::size_t>(name.size(), 15));
  worker->thread_ = std::thread([self = worker.get(), name = std::move(name)] {
    ::pthread_setname_np(::pthread_self(), name.c_str());
    // It fails only if epoll_wait() does, for reasons that would be mistakes of ours.
    [[maybe_unused]] auto const ended = self->loop_.run();
  });
  return worker;
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  post([this] { loop_.quit(); });
  thread_.join();
}

void Worker::post(Task task) {
  {
    MutexLock const lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  signal_event(posted_);
}

void Worker::run_and_wait(Task task) {
  if (std::this_thread::get_id() == thread_.get_id()) return task();
  std::binary_semaphore done(0);
  post([&] {
    task();
    done.release();
  });
  done.acquire();
}

void Worker::run_posted() {
  clear_event(posted_);
  std::vector<Task> tasks;
  {
    MutexLock const lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) task();
}

}  // namespace bh::vmm
