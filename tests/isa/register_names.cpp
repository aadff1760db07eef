#include "tests/isa/register_names.h"

#include <cstdio>

namespace bh::isa {

std::string describe_flags(std::uint64_t rflags) {
  constexpr std::array<std::string_view, 22> kNames{"CF", "",   "PF", "",    "AF",  "",  "ZF", "SF",
                                                    "TF", "IF", "DF", "OF",  "",    "",  "NT", "",
                                                    "RF", "VM", "AC", "VIF", "VIP", "ID"};
  char number[24];
  std::snprintf(number, sizeof number, "%06llx", static_cast<unsigned long long>(rflags));
  std::string text = number;
  for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
    if ((rflags >> bit & 1) != 0 && !kNames[bit].empty()) text += " " + std::string(kNames[bit]);
  }
  return text;
}

std::string describe_vector(std::uint8_t vector) {
  constexpr std::array<std::string_view, 20> kNames{"DE", "DB", "NMI", "BP", "OF", "BR", "UD",
                                                    "NM", "DF", "",    "TS", "NP", "SS", "GP",
                                                    "PF", "",   "MF",  "AC", "MC", "XM"};
  if (vector < kNames.size() && !kNames[vector].empty()) return "#" + std::string(kNames[vector]);
  return "vector " + std::to_string(vector);
}

std::string describe_ending(Ending ending) {
  switch (ending) {
    case Ending::Exception: return "exception";
    case Ending::Died: return "died";
    case Ending::Stuck: return "stuck";
  }
  return "?";
}

}  // namespace bh::isa
