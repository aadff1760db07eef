#pragma once

#include <mutex>

// Clang's thread-safety analysis (the lint and fuzz presets, -Wthread-safety); nothing under GCC.
#if defined(__clang__)
#define BH_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define BH_THREAD_ATTRIBUTE(x)
#endif

/// On a member: only touched while holding the mutex named.
#define BH_GUARDED_BY(mutex) BH_THREAD_ATTRIBUTE(guarded_by(mutex))
/// On a function: the caller holds the mutex. Such functions end in `_locked`.
#define BH_REQUIRES(mutex) BH_THREAD_ATTRIBUTE(requires_capability(mutex))
/// On a function: the caller does not hold the mutex.
#define BH_EXCLUDES(mutex) BH_THREAD_ATTRIBUTE(locks_excluded(mutex))

namespace bh {

/// A std::mutex that clang's analysis can follow; libstdc++'s own carries no attributes.
class BH_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() BH_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() BH_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope. std::condition_variable_any waits on the Mutex itself.
class BH_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) BH_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  MutexLock(MutexLock const&) = delete;
  MutexLock& operator=(MutexLock const&) = delete;
  ~MutexLock() BH_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace bh
