#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace bh {
namespace {

TEST(Error, EachCallerThatKnowsMoreAddsAPhraseInFront) {
  Error const error = Error{Errc::Denied, "open /dev/kvm: Permission denied"}
                          .while_doing("create the engine")
                          .while_doing("start web1");
  EXPECT_EQ(error.message, "start web1: create the engine: open /dev/kvm: Permission denied");
  EXPECT_EQ(error.code, Errc::Denied);
}

TEST(FailErrno, NamesTheCallAndTheReason) {
  Error const error = fail_errno("open /nowhere", ENOENT).error();
  EXPECT_EQ(error.message, "open /nowhere: No such file or directory");
}

TEST(FailErrno, SortsNumbersIntoKinds) {
  struct {
    int number;
    Errc kind;
  } const rows[] = {
      {ENOENT, Errc::NotFound},
      {EEXIST, Errc::Exists},
      {EACCES, Errc::Denied},
      {EROFS, Errc::Denied},
      {EBUSY, Errc::Busy},
      {EAGAIN, Errc::Busy},
      {ETXTBSY, Errc::Busy},
      {ETIMEDOUT, Errc::Timeout},
      {ENOTDIR, Errc::Invalid},
      {ENAMETOOLONG, Errc::Invalid},
      {EISDIR, Errc::Invalid},
      {ENOSYS, Errc::Unsupported},
      {EOPNOTSUPP, Errc::Unsupported},
      {EIO, Errc::Io},
      {ENOMEM, Errc::Io},
  };
  for (auto const& row : rows) {
    EXPECT_EQ(fail_errno("call", row.number).error().code, row.kind) << row.number;
  }
}

Result<int> half_of(int number) {
  if (number % 2 != 0) return fail(Errc::Invalid, "odd");
  return number / 2;
}

Result<int> quarter_of(int number) {
  int const half = BH_TRY(half_of(number));
  return half_of(half);
}

TEST(Try, YieldsTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter_of(12).value(), 3);
  EXPECT_EQ(quarter_of(6).error().message, "odd");
  EXPECT_EQ(quarter_of(5).error().code, Errc::Invalid);
}

Result<std::unique_ptr<int>> boxed(bool good) {
  if (!good) return fail(Errc::Io, "no box");
  return std::make_unique<int>(7);
}

Result<int> unboxed(bool good) {
  auto const box = BH_TRY(boxed(good));
  return *box;
}

TEST(Try, MovesAValueThatCannotBeCopied) {
  EXPECT_EQ(unboxed(true).value(), 7);
  EXPECT_FALSE(unboxed(false));
}

}  // namespace
}  // namespace bh
