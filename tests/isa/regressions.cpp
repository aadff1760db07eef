#include "tests/isa/regressions.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/isa/fxsave_layout.h"
#include "tests/isa/register_names.h"
#include "tests/isa/state_generator.h"

namespace bh::isa {

namespace {

constexpr std::uint64_t kDefaultRip = kCodeStart + 0x100;

struct Field {
  std::string name;
  std::uint64_t value = 0;
};

Result<std::vector<Field>> parse_fields(std::string const& text) {
  std::vector<Field> fields;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    auto const equals = word.find('=');
    char* end = nullptr;
    std::string const digits = equals == std::string::npos ? "" : word.substr(equals + 1);
    std::uint64_t const value = std::strtoull(digits.c_str(), &end, 0);
    if (digits.empty() || *end != 0)
      return fail(Errc::Invalid, "field \"" + word + "\" is not name=number");
    fields.push_back({word.substr(0, equals), value});
  }
  return fields;
}

struct FpuWord {
  std::string_view name;
  std::size_t offset;
  std::size_t size;
};
constexpr std::array kFpuWords{
    FpuWord{"fcw", fxsave::kControl, 2},
    FpuWord{"fsw", fxsave::kStatus, 2},
    FpuWord{"ftw", fxsave::kTags, 1},
    FpuWord{"mxcsr", fxsave::kMxcsr, 4},
};

FpuWord const* find_fpu_word(std::string_view name) {
  auto const found = std::ranges::find(kFpuWords, name, &FpuWord::name);
  return found == kFpuWords.end() ? nullptr : &*found;
}

Result<> apply(Field const& field, CaseInput& input) {
  auto const named = std::ranges::find(kRegisterNames, field.name);
  if (named != kRegisterNames.end()) {
    input.gpr[static_cast<std::size_t>(named - kRegisterNames.begin())] = field.value;
  } else if (field.name == "rflags") {
    input.rflags = field.value;
  } else if (field.name == "fs") {
    input.fs_base = field.value;
  } else if (field.name == "gs") {
    input.gs_base = field.value;
  } else if (auto const* word = find_fpu_word(field.name)) {
    std::memcpy(input.fpu.fxsave.data() + word->offset, &field.value, word->size);
  } else if (field.name != "rip" && field.name != "seed") {
    return fail(Errc::Invalid, "no field is called \"" + field.name + "\"");
  }
  return {};
}

Result<CaseInput> parse_line(std::string const& line) {
  auto const bar = line.find('|');
  auto const second_bar = bar == std::string::npos ? bar : line.find('|', bar + 1);
  std::string const rest =
      bar == std::string::npos ? "" : line.substr(bar + 1, second_bar - bar - 1);
  auto const fields = BH_TRY(parse_fields(rest));
  std::uint64_t rip = kDefaultRip;
  std::uint64_t seed = 1;
  for (Field const& field : fields) {
    if (field.name == "rip") rip = field.value;
    if (field.name == "seed") seed = field.value;
  }
  Code const code = BH_TRY(parse_code(line.substr(0, bar), rip));
  CaseInput input = generate_state(code, seed);
  for (Field const& field : fields) BH_TRY(apply(field, input));
  return input;
}

}  // namespace

Result<Code> parse_code(std::string const& hex_bytes, std::uint64_t rip) {
  if (rip < kCodeStart || rip >= kCodeStart + kCodeSize)
    return fail(Errc::Invalid, "rip is outside of the code pages");
  Code code;
  code.rip = rip;
  std::istringstream words(hex_bytes);
  for (std::string word; words >> word;) {
    unsigned value = 0;
    auto const [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
    if (error != std::errc{} || end != word.data() + word.size() || value > 255 ||
        code.length == code.bytes.size()) {
      return fail(Errc::Invalid, "\"" + hex_bytes + "\" is not 1 to 16 hex bytes");
    }
    code.bytes[code.length++] = static_cast<std::uint8_t>(value);
  }
  if (code.length == 0) return fail(Errc::Invalid, "no bytes");
  return code;
}

Result<std::vector<Regression>> load_regressions(std::filesystem::path const& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  if (error) return fail(Errc::NotFound, "list " + folder.string() + ": " + error.message());
  std::ranges::sort(files);
  std::vector<Regression> regressions;
  for (auto const& path : files) {
    std::ifstream stream(path);
    int number = 0;
    for (std::string line; std::getline(stream, line);) {
      ++number;
      if (line.empty() || line.front() == '#') continue;
      std::string const where = path.filename().string() + ":" + std::to_string(number);
      auto input = parse_line(line);
      if (!input) return std::unexpected(std::move(input).error().while_doing(where));
      regressions.push_back({std::move(*input), where});
    }
  }
  return regressions;
}

}  // namespace bh::isa
