#include "vmm/boot/acpi/aml.h"

#include <gtest/gtest.h>

#include <array>

namespace bh::vmm::boot::aml {
namespace {

Bytes of(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (unsigned const value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// Where the contents of a package begin and how long it says it is (20.2.4).
std::pair<std::size_t, std::size_t> package_length(Bytes const& bytes, std::size_t at) {
  auto const byte = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[at + i]); };
  std::size_t const more = byte(0) >> 6;
  if (more == 0) return {1, byte(0) & 0x3f};
  std::size_t length = byte(0) & 0xf;
  for (std::size_t i = 0; i < more; ++i) length |= byte(1 + i) << (4 + 8 * i);
  return {1 + more, length};
}

TEST(Aml, EncodesIntegersInTheShortestForm) {
  EXPECT_EQ(integer(0), of({0x00}));
  EXPECT_EQ(integer(1), of({0x01}));
  EXPECT_EQ(integer(2), of({0x0a, 0x02}));
  EXPECT_EQ(integer(0x1234), of({0x0b, 0x34, 0x12}));
  EXPECT_EQ(integer(0xd000'0000), of({0x0c, 0x00, 0x00, 0x00, 0xd0}));
  EXPECT_EQ(integer(0x1'0000'0000), of({0x0e, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Aml, PadsNamesWithUnderscores) {
  EXPECT_EQ(name("_S5", integer(0)), of({0x08, '_', 'S', '5', '_', 0x00}));
  EXPECT_EQ(name("\\_S5", integer(0)), of({0x08, '\\', '_', 'S', '5', '_', 0x00}));
}

TEST(Aml, EncodesEisaIdsAsTheAslCompilerDoes) {
  EXPECT_EQ(eisa_id("PNP0501"), of({0x0c, 0x41, 0xd0, 0x05, 0x01}));
}

TEST(Aml, CountsThePackageLengthItselfInEverySize) {
  for (std::size_t const size : {0u, 57u, 58u, 59u, 4086u, 4087u, 4088u, 1'048'566u, 1'048'569u}) {
    std::array const terms{Bytes(size, std::byte{0xa3})};
    auto const bytes = scope("\\_SB", terms);
    auto const [header, length] = package_length(bytes, 1);
    EXPECT_EQ(length, bytes.size() - 1) << size;
    EXPECT_EQ(bytes[1 + header], std::byte{'\\'}) << size;
  }
}

TEST(Aml, NestsTermsInDevices) {
  std::array const terms{name("_UID", integer(0))};
  EXPECT_EQ(device("V000", terms),
            of({0x5b, 0x82, 11, 'V', '0', '0', '0', 0x08, '_', 'U', 'I', 'D', 0x00}));
}

TEST(Aml, EndsResourcesWithATag) {
  std::array const descriptors{fixed_memory(0xd000'0000, 0x1000), edge_interrupt(5)};
  EXPECT_EQ(resource_template(descriptors),
            of({0x11, 26,   0x0a, 23,                                     //
                0x86, 0x09, 0x00, 0x01, 0, 0, 0, 0xd0, 0x00, 0x10, 0, 0,  //
                0x89, 0x06, 0x00, 0x03, 1, 5, 0, 0,    0,                 //
                0x79, 0x00}));
}

TEST(Aml, DescribesPortsAndIsaInterrupts) {
  EXPECT_EQ(ports(0x3f8, 8), of({0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08}));
  EXPECT_EQ(isa_irq(4), of({0x22, 0x10, 0x00}));
}

}  // namespace
}  // namespace bh::vmm::boot::aml
