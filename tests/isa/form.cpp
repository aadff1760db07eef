#include "tests/isa/form.h"

#include <cstdio>

namespace bh::isa {

Assembled Form::example() const {
  Fields fields;
  fields.modrm = example_modrm;
  fields.sib = 0x08;  // [rax+rcx], for the forms that demand an index.
  return assemble(encoding, fields);
}

std::optional<Decoded> Form::decode_example() const {
  Assembled const assembled = example();
  return decode({assembled.bytes.data(), assembled.length});
}

std::string Form::name() const {
  Assembled const assembled = example();
  std::string text = disassemble({assembled.bytes.data(), assembled.length}, 0) + " (";
  for (unsigned i = 0; i < assembled.length; ++i) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%02x ", assembled.bytes[i]);
    text += hex;
  }
  text.back() = ')';
  return text;
}

}  // namespace bh::isa
