#include "tests/isa/random.h"

#include <cstring>

namespace bh::isa {

namespace {

constexpr std::array<std::uint64_t, 32> kIntegers{
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    16,
    31,
    32,
    33,
    63,
    64,
    65,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff'ffff,
    0x8000'0000,
    0xffff'ffff,
    0x1'0000'0000,
    0x7fff'ffff'ffff'ffff,
    0x8000'0000'0000'0000,
    0xffff'ffff'ffff'ffff,
    0xffff'ffff'ffff'fffe,
    0xffff'ffff'8000'0000,
    0xffff'ffff'ffff'ff80,
    0x5555'5555'5555'5555,
    0xaaaa'aaaa'aaaa'aaaa,
};

constexpr std::array<std::uint32_t, 20> kFloats{
    0,           0x8000'0000,               // zeros
    0x3f80'0000, 0xbf80'0000,               // one
    0x3f00'0000, 0x4020'0000, 0x4b00'0001,  // rounding cases
    1,           0x8000'0001, 0x007f'ffff,  // denormals
    0x0080'0000, 0x7f7f'ffff, 0xff7f'ffff,  // least normal, greatest
    0x7f80'0000, 0xff80'0000,               // infinities
    0x7fc0'0000, 0xffc0'0000, 0x7fa0'0001,  // quiet and signalling NaN
    0x4f00'0000, 0xcf00'0001,               // outside of int32
};

constexpr std::array<std::uint64_t, 20> kDoubles{
    0,
    0x8000'0000'0000'0000,
    0x3ff0'0000'0000'0000,
    0xbff0'0000'0000'0000,
    0x3fe0'0000'0000'0000,
    0x4004'0000'0000'0000,
    0x4330'0000'0000'0001,
    1,
    0x8000'0000'0000'0001,
    0x000f'ffff'ffff'ffff,
    0x0010'0000'0000'0000,
    0x7fef'ffff'ffff'ffff,
    0xffef'ffff'ffff'ffff,
    0x7ff0'0000'0000'0000,
    0xfff0'0000'0000'0000,
    0x7ff8'0000'0000'0000,
    0x7ff4'0000'0000'0001,
    0x41e0'0000'0000'0000,  // 2^31
    0x43e0'0000'0000'0000,  // 2^63
    0x380f'ffff'ffff'ffff,  // denormal as float
};

struct Extended {
  std::uint64_t mantissa;
  std::uint16_t exponent;
};
constexpr std::array<Extended, 18> kExtended{{
    {0, 0},
    {0, 0x8000},
    {0x8000'0000'0000'0000, 0x3fff},  // 1
    {0x8000'0000'0000'0000, 0xbfff},
    {0xc000'0000'0000'0000, 0x4000},
    {0xc90f'daa2'2168'c235, 0x4000},  // pi
    {0x8000'0000'0000'0000, 0x7fff},  // infinity
    {0x8000'0000'0000'0000, 0xffff},
    {0xc000'0000'0000'0000, 0xffff},  // indefinite
    {0xa000'0000'0000'0001, 0x7fff},  // signalling
    {1, 0},                           // denormal
    {0x8000'0000'0000'0000, 0},       // pseudo-denormal
    {0x4000'0000'0000'0000, 0x3fff},  // unnormal
    {0, 0x7fff},                      // pseudo-infinity
    {0x4000'0000'0000'0000, 0x7fff},  // pseudo-NaN
    {0xffff'ffff'ffff'ffff, 0x7ffe},  // greatest
    {0x8000'0000'0000'0000, 0x403e},  // 2^63
    {0x8000'0000'0000'0000, 0x0001},  // least normal
}};

}  // namespace

std::uint64_t interesting_integer(Random& random) {
  switch (random.below(4)) {
    case 0: return random.next();
    case 1: return random.next() >> random.below(64);
    case 2: return random.pick(kIntegers);
    default: return random.pick(kIntegers) + random.below(5) - 2;
  }
}

std::uint32_t interesting_float(Random& random) {
  if (random.one_in(2)) return random.pick(kFloats);
  // Exponents close to each other, so that sums neither vanish nor overflow.
  auto const exponent = static_cast<std::uint32_t>(127 - 20 + random.below(60));
  return static_cast<std::uint32_t>(random.next() & 0x807f'ffff) | (exponent << 23);
}

std::uint64_t interesting_double(Random& random) {
  if (random.one_in(2)) return random.pick(kDoubles);
  return (random.next() & 0x800f'ffff'ffff'ffff) | ((1023 - 20 + random.below(90)) << 52);
}

void interesting_extended(Random& random, std::span<std::byte, 10> out) {
  Extended value{random.next() | (std::uint64_t{1} << 63),
                 static_cast<std::uint16_t>(0x3fff - 20 + random.below(90))};
  if (random.one_in(2)) value = random.pick(kExtended);
  if (random.one_in(4)) value.exponent ^= 0x8000;
  if (random.one_in(32)) value = {random.next(), static_cast<std::uint16_t>(random.next())};
  std::memcpy(out.data(), &value.mantissa, 8);
  std::memcpy(out.data() + 8, &value.exponent, 2);
}

void interesting_lanes(Random& random, LaneKind kind, std::span<std::byte, 16> out) {
  for (std::size_t i = 0; i < 16; i += 8) {
    std::uint64_t lane = random.next();
    switch (kind) {
      case LaneKind::Noise: break;
      case LaneKind::Integers:
        lane = interesting_integer(random);
        if (random.one_in(2)) lane = (lane << 32) | (interesting_integer(random) & 0xffff'ffff);
        break;
      case LaneKind::Floats:
        lane = interesting_float(random) | (std::uint64_t{interesting_float(random)} << 32);
        break;
      case LaneKind::Doubles: lane = interesting_double(random); break;
    }
    std::memcpy(out.data() + i, &lane, 8);
  }
}

}  // namespace bh::isa
