#include "vmm/soft/compare/block_comparison.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstdio>

#include "vmm/soft/mmu/access.h"
#include "vmm/soft/step/handlers.h"

namespace bh::vmm::soft {

namespace {

constexpr std::size_t kAll = ~std::size_t{0};
// A device may have written to memory between the two runs.
constexpr unsigned kTries = 8;

bool is_stack_write(PieceKind kind) {
  return kind == PieceKind::Push || kind == PieceKind::PushMemory || kind == PieceKind::PushFlags ||
         kind == PieceKind::Call || kind == PieceKind::CallIndirect;
}

bool is_stepped(PieceKind kind) {
  return kind == PieceKind::Step || kind == PieceKind::StepOut;
}

bool uses_memory_operand(Piece const& piece) {
  if (!piece.op.has_memory || piece.op.memory_size == 0) return false;
  return piece.kind == PieceKind::Memory || piece.kind == PieceKind::PushMemory ||
         piece.kind == PieceKind::JumpIndirect || piece.kind == PieceKind::CallIndirect;
}

std::uint64_t page_of(std::uint64_t linear) {
  return linear & ~(kPageSize - 1);
}

/// The number of the instruction at `rip`, or pieces.size().
std::size_t number_at(StraightCode const& code, std::uint64_t start, std::uint64_t rip) {
  auto const at = std::ranges::find_if(
      code.pieces, [&](Piece const& piece) { return page_of(start) + piece.start() == rip; });
  return static_cast<std::size_t>(at - code.pieces.begin());
}

}  // namespace

Translator::Stop BlockComparison::run() {
  auto const before = ProgramState::of(cpu_);
  std::size_t limit = kAll;
  for (unsigned tries = 1;; ++tries) {
    Fetched place;
    if (fetch(cpu_, cpu_.rip, place) != Flow::Next) {
      before.put_into(cpu_);
      return Translator::Stop::Step;
    }
    StraightCode const& code = straight_.at(cpu_, place, translator_.current_mode());
    if (!code.repeatable) return translator_.run();
    std::size_t const done = step(code, limit);
    auto const stepped = ProgramState::of(cpu_);
    memory_.note_result();
    memory_.undo();
    before.put_into(cpu_);
    if (done == 0) return Translator::Stop::Step;
    auto const stop = translator_.run();
    if (stop == Translator::Stop::Exit || stop == Translator::Stop::Fault) return stop;

    std::size_t const next = number_at(code, before.rip, stepped.rip);
    FlagSet const flags = next < code.pieces.size() ? code.pieces[next].live_in : kAllFlags;
    auto words = differences(stepped, ProgramState::of(cpu_), flags);
    for (auto const& change : memory_.changes()) {
      char line[96];
      std::snprintf(line, sizeof line, "  byte at 0x%llx: stepped 0x%02x  translated 0x%02x\n",
                    static_cast<unsigned long long>(change.linear), change.noted, change.found);
      words += line;
    }
    if (words.empty()) {
      ++compared_;
      return stop;
    }
    std::size_t const reached = number_at(code, before.rip, cpu_.rip);
    if (reached == 0 && stop == Translator::Stop::Step) {
      memory_.undo();
      before.put_into(cpu_);
      return stop;
    }
    if (tries == kTries) return this->stop(code, before, words);
    memory_.undo();
    before.put_into(cpu_);
    // Translated code may leave earlier: the same again, but up to there.
    limit = limit == kAll && reached != 0 && reached < done ? reached : kAll;
  }
}

std::size_t BlockComparison::step(StraightCode const& code, std::size_t limit) {
  memory_.clear();
  auto const page = page_of(cpu_.rip);
  auto const cr2 = cpu_.cr2;
  std::size_t done = 0;
  for (auto const& piece : code.pieces) {
    bool const here = cpu_.rip == page + piece.start();
    if (!here || done == limit || is_stepped(piece.kind)) break;
    cpu_.gpr[kRipSlot] = page;
    if (!note_operands(piece)) break;
    auto flow = Flow::Next;
    Block const* const block = blocks_.find(cpu_, flow);
    if (block == nullptr) break;
    Op const& op = block->ops().front();
    cpu_.gpr[kRipSlot] = cpu_.rip;
    flow = op.handler(cpu_, op);
    // Interrupts are between blocks.
    cpu_.interrupt_shadow = false;
    if (flow == Flow::Fault || flow == Flow::Exit) break;
    if (flow == Flow::Next) cpu_.rip = cpu_.next_rip(op);
    ++done;
  }
  // An instruction that faults has not been done.
  cpu_.cr2 = cr2;
  return done;
}

bool BlockComparison::note_operands(Piece const& piece) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (uses_memory_operand(piece)) {
    bool const writes = piece.op.memory_access != OperandAccess::Read;
    auto const linear = effective_address(cpu_, piece.op);
    if (!note_operand(linear, piece.op.memory_size, writes)) return false;
  }
  if (piece.kind == PieceKind::FillString || piece.kind == PieceKind::CopyString) {
    return note_string(piece);
  }
  if (piece.kind == PieceKind::BitString) {
    auto const linear = effective_address(cpu_, piece.op) +
                        static_cast<std::uint64_t>(bit_string_distance(cpu_, piece.op));
    bool const writes = piece.op.memory_access != OperandAccess::Read;
    return note_operand(linear, piece.op.operand_size, writes);
  }
  if (is_stack_write(piece.kind)) return note_operand(cpu_.gpr[Rsp] - kWord, kWord, true);
  if (piece.kind == PieceKind::Pop || piece.kind == PieceKind::Return) {
    return note_operand(cpu_.gpr[Rsp], kWord, false);
  }
  return piece.kind != PieceKind::Leave || note_operand(cpu_.gpr[Rbp], kWord, false);
}

/// As translated code: one that goes forward and ends in its page.
bool BlockComparison::note_string(Piece const& piece) {
  if ((cpu_.system_flags & kFlagDf) != 0 || cpu_.gpr[Rcx] > kPageSize) return false;
  std::size_t const size = cpu_.gpr[Rcx] * piece.op.operand_size;
  auto const note = [&](Gpr pointer, bool writes) {
    std::uint64_t const start = cpu_.gpr[pointer];
    if ((start & (kPageSize - 1)) + size > kPageSize) return false;
    // None still has to be where it could be.
    if (size == 0) return note_operand(start, piece.op.operand_size, writes);
    for (std::size_t at = 0; at < size; at += WrittenMemory::kLargest) {
      auto const part = std::min(size - at, WrittenMemory::kLargest);
      if (!note_operand(start + at, part, writes)) return false;
    }
    return true;
  };
  if (piece.kind == PieceKind::CopyString && !note(Rsi, false)) return false;
  return note(Rdi, true);
}

bool BlockComparison::note_operand(std::uint64_t linear, std::size_t size, bool writes) {
  if ((linear & (kPageSize - 1)) + size > kPageSize || size > WrittenMemory::kLargest) return false;
  Place place;
  auto const access = writes ? Access::Write : Access::Read;
  if (translate(cpu_, linear, access, current_privilege(cpu_), place) != Flow::Next) return false;
  if (place.host == nullptr) return false;
  if (!writes) return true;
  auto const& pages = cpu_.machine->code_pages;
  if (pages.watches(pages.page_of(place.host))) return false;
  memory_.before(linear, place.host, size);
  return true;
}

std::string BlockComparison::report() const {
  return std::to_string(compared_) + " blocks did the same stepped and translated\n" + found_;
}

Translator::Stop BlockComparison::stop(StraightCode const& code, ProgramState const& before,
                                       std::string const& differences) {
  std::string text = "translated code does not do what stepped code does:\n";
  auto const after = ProgramState::of(cpu_);
  before.put_into(cpu_);
  Fetched place;
  bool const there = fetch(cpu_, before.rip, place) == Flow::Next;
  for (auto const& piece : code.pieces) {
    if (!there) break;
    ZydisDisassembledInstruction instruction;
    auto const distance = piece.start() - code.pieces.front().start();
    auto const size = static_cast<std::size_t>(piece.end() - piece.start());
    auto const linear = before.rip + static_cast<std::uint64_t>(distance);
    if (!ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, linear,
                                            place.host + distance, size, &instruction))) {
      break;
    }
    char line[160];
    std::snprintf(line, sizeof line, "  %016llx  %s\n", static_cast<unsigned long long>(linear),
                  instruction.text);
    text += line;
  }
  text += "before it\n" + bh::vmm::soft::differences(before, after, kAllFlags);
  text += "differences\n" + differences;
  after.put_into(cpu_);
  found_ = std::move(text);
  cpu_.exit =
      InternalError{"translated and stepped code differ; what ran and how is printed below"};
  return Translator::Stop::Exit;
}

}  // namespace bh::vmm::soft
