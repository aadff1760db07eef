#include "vmm/soft/decode/instruction.h"

#include <algorithm>

namespace bh::vmm::soft {

namespace {

ZydisDecoder make_decoder(ZydisMachineMode mode, ZydisStackWidth width) {
  ZydisDecoder decoder;
  // Cannot fail: mode and width belong together in every call below.
  (void)ZydisDecoderInit(&decoder, mode, width);
  // The CPU we offer has none of these: their encodings mean what they meant before.
  for (auto const extension :
       {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE}) {
    (void)ZydisDecoderEnableMode(&decoder, extension, ZYAN_FALSE);
  }
  return decoder;
}

ZydisDecoder const& decoder_for(CodeSize code_size) {
  static ZydisDecoder const kDecoders[] = {
      make_decoder(ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16),
      make_decoder(ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32),
      make_decoder(ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64),
  };
  return kDecoders[static_cast<std::size_t>(code_size)];
}

}  // namespace

DecodeStatus decode(std::span<std::uint8_t const> bytes, CodeSize code_size, Instruction& out) {
  ZydisDecoder const& decoder = decoder_for(code_size);
  ZyanStatus const status = ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(),
                                                   &out.decoded, out.operands.data());
  if (status == ZYDIS_STATUS_NO_MORE_DATA) return DecodeStatus::NeedsMoreBytes;
  if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) return DecodeStatus::TooLong;
  if (!ZYAN_SUCCESS(status)) return DecodeStatus::Invalid;
  std::copy_n(bytes.begin(), out.decoded.length, out.bytes.begin());
  out.code_size = code_size;
  return DecodeStatus::Ok;
}

}  // namespace bh::vmm::soft
