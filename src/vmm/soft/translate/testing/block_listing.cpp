#include "vmm/soft/translate/testing/block_listing.h"

#include <Zydis/Formatter.h>

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>

#include "vmm/soft/translate/block_writer.h"

namespace bh::vmm::soft {

namespace {

constexpr std::uint16_t kStart = 0x100;  // Of the guest's code in its page.
constexpr std::uint64_t kBase = 0x10'0000;

constexpr std::array kRegisters{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

/// Names for displacements from the GS base.
std::map<std::int32_t, std::string> names_of(StateLayout const& state) {
  std::map<std::int32_t, std::string> names{
      {state.flags(), "flags"},
      {state.mxcsr(), "mxcsr"},
      {state.system_flags(), "system_flags"},
      {state.interrupt_deferred(), "interrupt_deferred"},
      {state.attention(), "attention"},
      {state.rip_page(), "rip_page"},
      {state.target(), "target"},
      {state.site(), "site"},
      {state.vectors_loaded(), "vectors_loaded"},
      {state.x87_loaded(), "x87_loaded"},
      {state.uppers(), "uppers"},
      {state.kernel_gs_base(), "kernel_gs_base"},
      {state.cr4(), "cr4"},
      {state.segment_selector(Ds), "ds"},
  };
  for (unsigned i = 0; i < kRegisters.size(); ++i) {
    names[state.gpr(i)] = std::string("guest.") + kRegisters[i];
  }
  for (auto const segment : {Fs, Gs}) {
    auto const name = segment == Fs ? "fs" : "gs";
    names[state.segment_base(segment)] = std::string(name) + "_base";
    names[state.segment_register_base(segment)] = std::string(name) + ".base";
  }
  for (auto const privilege : {Privilege::Supervisor, Privilege::User}) {
    for (auto const access : {Access::Read, Access::Write}) {
      std::string const kind = access == Access::Write ? "write" : "read";
      for (unsigned i = 0; i < PageSlots::kCount; ++i) {
        auto const slot = kind + "_slot" + std::to_string(i);
        names[state.slot_page(privilege, access, i)] = slot + ".page";
        names[state.slot_host(privilege, access, i)] = slot + ".host";
      }
    }
    names[state.recent_rip(privilege)] = "jumps.rip";
    names[state.recent_code(privilege)] = "jumps.code";
    for (unsigned i = 0; i < RecentJumps::kSlots; ++i) {
      names[state.recent_rip(privilege, RecentJumps::kHashed + i)] = "jump_slot.rip";
      names[state.recent_code(privilege, RecentJumps::kHashed + i)] = "jump_slot.code";
    }
  }
  return names;
}

std::map<std::uint64_t, std::string> names_of(Gate const& gate) {
  std::map<std::uint64_t, std::string> names{{gate.leave, "leave"},
                                             {gate.leave_with_flags, "leave_with_flags"},
                                             {gate.load_vectors, "load_vectors"},
                                             {gate.load_x87, "load_x87"},
                                             {gate.unknown, "unknown"}};
  for (unsigned user = 0; user < 2; ++user) {
    names[gate.look_up[user]] = "look_up";
    names[gate.look_further[user]] = "look_further";
    for (unsigned write = 0; write < 2; ++write) {
      names[gate.refill[user][write]] = write != 0 ? "refill_write" : "refill_read";
      names[gate.search[user][write]] = write != 0 ? "search_write" : "search_read";
    }
  }
  return names;
}

class Listing {
 public:
  explicit Listing(TranslationMode mode) : mode_(mode), cpu_(std::make_unique<Cpu>()) {}

  std::string of(std::vector<std::uint8_t> const& code) {
    decode_all(code);
    std::vector<std::uint8_t> room(1u << 16);
    StateLayout const state(*cpu_);
    Assembler gate_out(room, kBase, kBase);
    Gate const gate = write_gate(gate_out, state);
    auto const gate_size = (gate_out.size() + 15) & ~std::size_t{15};
    start_ = kBase + gate_size;
    auto const block_room = std::span(room).subspan(gate_size);
    Assembler out(block_room, start_, kBase);
    std::vector<Site> sites;
    std::vector<TrapPoint> traps;
    std::vector<Op> ops;
    find_live_flags(pieces_, mode_);
    BlockWriter(out, gate, state, mode_, 0, sites, traps, ops).write(pieces_, false);
    state_names_ = names_of(state);
    code_names_ = names_of(gate);
    list_host(std::span(room).subspan(gate_size, out.size()));
    return text_.str();
  }

 private:
  void decode_all(std::vector<std::uint8_t> const& code) {
    std::size_t at = 0;
    while (at < code.size()) {
      Instruction instruction;
      if (decode(std::span(code).subspan(at), CodeSize::Bits64, instruction) != DecodeStatus::Ok) {
        text_ << "  not an instruction\n";
        return;
      }
      text_ << "  " << disassembled(std::span(code).subspan(at), 0) << '\n';
      pieces_.push_back(make_piece(instruction, static_cast<std::uint16_t>(kStart + at), mode_));
      at += instruction.decoded.length;
    }
  }

  /// Jumps to the gate are followed by data if it says so.
  void list_host(std::span<std::uint8_t const> code) {
    std::uint64_t at = 0;
    while (at < code.size()) {
      std::size_t length = 0;
      auto const line = disassembled(code.subspan(at), start_ + at, &length);
      text_ << "    " << label(at) << ": " << named(line) << '\n';
      at += length;
      if (line.starts_with("jmp") && has_place(line)) {
        text_ << "    " << label(at) << ": place\n";
        at += kPlaceSize;
      }
    }
  }
  bool has_place(std::string const& line) const {
    auto const text = named(line);
    return text.find("refill") != text.npos || text.find("search") != text.npos;
  }

  static std::string label(std::uint64_t offset) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%03x", static_cast<unsigned>(offset));
    return text.data();
  }

  std::string disassembled(std::span<std::uint8_t const> code, std::uint64_t address,
                           std::size_t* length = nullptr) const {
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecodedInstruction instruction;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    ZydisDecoderDecodeFull(&decoder, code.data(), code.size(), &instruction, operands.data());
    if (length != nullptr) *length = instruction.length;
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    std::array<char, 128> text{};
    ZydisFormatterFormatInstruction(&formatter, &instruction, operands.data(),
                                    instruction.operand_count_visible, text.data(), text.size(),
                                    address, nullptr);
    return text.data();
  }

  /// With names for numbers that have one.
  std::string named(std::string const& line) const {
    static std::regex const kInState(R"(gs:\[(.*?)([+-]?)0x([0-9A-F]+)\])");
    std::smatch match;
    if (std::regex_search(line, match, kInState)) {
      auto value = static_cast<std::int32_t>(std::strtoull(match[3].str().c_str(), nullptr, 16));
      if (match[2] == "-") value = -value;
      auto const found = state_names_.find(value);
      if (found != state_names_.end()) {
        auto const base = match[1].str();
        return match.prefix().str() + "[" + base + (base.empty() ? "" : "+") + found->second + "]" +
               match.suffix().str();
      }
    }
    if (auto const target = target_of(line)) {
      auto const space = line.rfind("0x");
      auto const tail = line.ends_with(']') ? "]" : "";
      if (auto const found = code_names_.find(*target); found != code_names_.end()) {
        return line.substr(0, space) + found->second + tail;
      }
      return line.substr(0, space) + label(*target - start_) + tail;
    }
    return line;
  }
  /// The host address that a jump, or a LEA relative to RIP, names.
  std::optional<std::uint64_t> target_of(std::string const& line) const {
    if (!line.starts_with("j") && !line.starts_with("lea")) return std::nullopt;
    auto const start = line.rfind("0x");
    if (start == line.npos) return std::nullopt;
    auto const value = std::strtoull(line.c_str() + start, nullptr, 16);
    bool const is_code = value >= kBase && value < kBase + (1u << 16);
    return is_code ? std::optional(value) : std::nullopt;
  }

  static constexpr std::size_t kPlaceSize = 8;

  TranslationMode mode_;
  std::unique_ptr<Cpu> cpu_;
  std::vector<Piece> pieces_;
  std::uint64_t start_ = 0;
  std::map<std::int32_t, std::string> state_names_;
  std::map<std::uint64_t, std::string> code_names_;
  std::ostringstream text_;
};

}  // namespace

std::string list_block(std::vector<std::uint8_t> const& code, TranslationMode mode) {
  return Listing(mode).of(code);
}

}  // namespace bh::vmm::soft
