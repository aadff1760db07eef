#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace bh {
namespace {

class Counter {
 public:
  void add() BH_EXCLUDES(mutex_) {
    MutexLock const lock(mutex_);
    ++count_;
  }
  int count() BH_EXCLUDES(mutex_) {
    MutexLock const lock(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  int count_ BH_GUARDED_BY(mutex_) = 0;
};

TEST(MutexLock, KeepsThreadsApart) {
  constexpr int kTimes = 1000;
  Counter counter;
  auto const work = [&counter] {
    for (int i = 0; i < kTimes; ++i) counter.add();
  };
  {
    std::jthread const one(work);
    std::jthread const two(work);
  }
  EXPECT_EQ(counter.count(), 2 * kTimes);
}

}  // namespace
}  // namespace bh
