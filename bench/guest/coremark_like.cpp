#include "guest/coremark_like.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

/// CRC-16 of the CCITT's polynomial, a bit at a time: branches no predictor learns.
std::uint16_t crc(std::uint32_t value, std::uint16_t sum) {
  constexpr std::uint16_t kPolynomial = 0x8408;
  for (int bit = 0; bit < 32; ++bit) {
    bool const carry = ((sum ^ value) & 1) != 0;
    sum = static_cast<std::uint16_t>(sum >> 1);
    value >>= 1;
    if (carry) sum ^= kPolynomial;
  }
  return sum;
}

struct Item {
  Item* next = nullptr;
  std::uint16_t value = 0;
  std::uint16_t place = 0;
};

using Order = bool (*)(Item const&, Item const&);

bool by_value(Item const& a, Item const& b) {
  return a.value < b.value;
}

bool by_place(Item const& a, Item const& b) {
  return a.place < b.place;
}

Item* reverse(Item* list) {
  Item* reversed = nullptr;
  while (list != nullptr) {
    Item* const next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

Item* merge(Item* a, Item* b, Order before) {
  Item head;
  Item* last = &head;
  while (a != nullptr && b != nullptr) {
    Item*& first = before(*b, *a) ? b : a;
    last->next = first;
    last = first;
    first = first->next;
  }
  last->next = a != nullptr ? a : b;
  return head.next;
}

Item* sort(Item* list, std::size_t size, Order before) {
  if (size < 2) {
    if (list != nullptr) list->next = nullptr;
    return list;
  }
  Item* middle = list;
  for (std::size_t i = 0; i < size / 2; ++i) middle = middle->next;
  // The second half first: sorting the first cuts the list.
  Item* const second = sort(middle, size - size / 2, before);
  return merge(sort(list, size / 2, before), second, before);
}

std::uint16_t lists(std::uint16_t seed) {
  constexpr std::size_t kItems = 64;
  constexpr int kSearches = 16;
  std::array<Item, kItems> items;
  std::uint32_t random = seed;
  for (std::size_t i = 0; i < items.size(); ++i) {
    random = random * 1103515245 + 12345;
    items[i].value = static_cast<std::uint16_t>(random >> 16 & 0xff);
    items[i].place = static_cast<std::uint16_t>(i);
    items[i].next = i + 1 < items.size() ? &items[i + 1] : nullptr;
  }
  Item* list = items.data();
  std::uint16_t sum = seed;
  for (int search = 0; search < kSearches; ++search) {
    auto const wanted = static_cast<std::uint16_t>((seed + 11 * search) & 0xff);
    Item const* at = list;
    while (at != nullptr && at->value != wanted) at = at->next;
    sum = static_cast<std::uint16_t>(sum + (at != nullptr ? at->place : search));
    list = reverse(list);
  }
  list = sort(list, items.size(), by_value);
  for (Item const* at = list; at != nullptr; at = at->next) {
    sum = static_cast<std::uint16_t>((sum << 1) + at->value);
  }
  list = sort(list, items.size(), by_place);
  return crc(list->value, sum);
}

std::uint16_t matrices(std::uint16_t seed) {
  constexpr std::size_t kSize = 14;
  using Matrix = std::array<std::array<std::int16_t, kSize>, kSize>;
  Matrix a{};
  Matrix b{};
  for (std::size_t row = 0; row < kSize; ++row) {
    for (std::size_t column = 0; column < kSize; ++column) {
      a[row][column] = static_cast<std::int16_t>(seed + row * kSize + column);
      b[row][column] = static_cast<std::int16_t>((seed ^ column) + row);
    }
  }
  std::uint16_t sum = 0;
  for (std::size_t row = 0; row < kSize; ++row) {
    for (std::size_t column = 0; column < kSize; ++column) {
      // Without a sign: sums may go over.
      std::uint32_t product = 0;
      for (std::size_t i = 0; i < kSize; ++i) {
        product += static_cast<std::uint32_t>(a[row][i] * b[i][column]);
      }
      // Some bits of the middle, as fixed-point code takes them.
      sum = static_cast<std::uint16_t>(sum + (product >> 2 & 0xf) * (product >> 5 & 0x7f));
    }
  }
  return crc(sum, seed);
}

enum class Reading : std::uint8_t { Start, Sign, Whole, Fraction, Exponent, ExponentDigits, Bad };
constexpr std::size_t kReadings = 7;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Reading after(Reading state, char c) {
  switch (state) {
    case Reading::Start:
      if (is_digit(c)) return Reading::Whole;
      return c == '+' || c == '-' ? Reading::Sign : c == '.' ? Reading::Fraction : Reading::Bad;
    case Reading::Sign:
      return is_digit(c) ? Reading::Whole : c == '.' ? Reading::Fraction : Reading::Bad;
    case Reading::Whole:
      if (is_digit(c)) return Reading::Whole;
      return c == '.' ? Reading::Fraction : c == 'e' ? Reading::Exponent : Reading::Bad;
    case Reading::Fraction:
      if (is_digit(c)) return Reading::Fraction;
      return c == 'e' ? Reading::Exponent : Reading::Bad;
    case Reading::Exponent: return is_digit(c) || c == '-' ? Reading::ExponentDigits : Reading::Bad;
    case Reading::ExponentDigits: return is_digit(c) ? Reading::ExponentDigits : Reading::Bad;
    case Reading::Bad: return Reading::Bad;
  }
  return Reading::Bad;
}

std::uint16_t numbers(std::uint16_t seed) {
  static constexpr std::string_view kText =
      "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e3,-.123e-2,-87e832,+0.6e-12,"
      "T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^,1.2x9,e,7,--3,8675309,4.5e,+.,6502,-0.0,1e1,2."
      "718281828,";
  constexpr std::size_t kPasses = 6;
  std::array<std::uint32_t, kReadings> ends{};
  Reading state = Reading::Start;
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    for (std::size_t i = 0; i < kText.size(); ++i) {
      char c = kText[i];
      // One letter in seventeen is another one in each pass.
      if ((i + seed + pass) % 17 == 0 && c != ',') c = static_cast<char>(c ^ (seed & 7));
      if (c != ',') {
        state = after(state, c);
        continue;
      }
      ++ends[static_cast<std::size_t>(state)];
      state = Reading::Start;
    }
  }
  std::uint32_t sum = 0;
  for (auto const count : ends) sum = sum << 4 ^ count;
  return crc(sum, seed);
}

double rounds(double seconds) {
  // Found by the same rounds on an ordinary CPU.
  constexpr std::uint32_t kChecked = 0x64315e6a;
  constexpr std::uint16_t kCheckedSeeds = 100;
  std::uint32_t sum = 0;
  for (std::uint16_t seed = 0; seed < kCheckedSeeds; ++seed) {
    sum = sum * 31 + coremark_like_round(seed);
  }
  check("corelike", sum, kChecked);
  // The same data each round, as a predictor of branches meets it in a program's loop.
  std::uint16_t seed = 0x1234;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      keep(seed);
      std::uint16_t result = coremark_like_round(seed);
      keep(result);
    }
  });
  return rate / kThousand;
}

constexpr std::array kMetrics{
    Metric{"corelike", group::kCoremarkLike, "krounds/s", rounds},
};

}  // namespace

std::uint16_t coremark_like_round(std::uint16_t seed) {
  return numbers(matrices(lists(seed)));
}

std::span<Metric const> coremark_like_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
