#include "tests/isa/cpuid_features.h"

namespace bh::isa {

namespace {

enum CpuidRegister : std::uint8_t { Eax, Ebx, Ecx, Edx };

struct Row {
  ZydisISASet set;
  std::uint32_t leaf;
  std::uint32_t subleaf;
  CpuidRegister word;
  std::uint8_t bit;
};

// Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E for the leaves from 8000'0000h.
constexpr std::array kRows{
    Row{ZYDIS_ISA_SET_ADOX_ADCX, 7, 0, Ebx, 19},
    Row{ZYDIS_ISA_SET_AES, 1, 0, Ecx, 25},
    Row{ZYDIS_ISA_SET_AMD3DNOW, 0x8000'0001, 0, Edx, 31},
    Row{ZYDIS_ISA_SET_AVX, 1, 0, Ecx, 28},
    Row{ZYDIS_ISA_SET_AVXAES, 1, 0, Ecx, 28},
    Row{ZYDIS_ISA_SET_AVX2, 7, 0, Ebx, 5},
    Row{ZYDIS_ISA_SET_AVX2GATHER, 7, 0, Ebx, 5},
    Row{ZYDIS_ISA_SET_AVX_GFNI, 7, 0, Ecx, 8},
    Row{ZYDIS_ISA_SET_AVX_VNNI, 7, 1, Eax, 4},
    Row{ZYDIS_ISA_SET_BMI1, 7, 0, Ebx, 3},
    Row{ZYDIS_ISA_SET_BMI2, 7, 0, Ebx, 8},
    Row{ZYDIS_ISA_SET_CLDEMOTE, 7, 0, Ecx, 25},
    Row{ZYDIS_ISA_SET_CLFLUSHOPT, 7, 0, Ebx, 23},
    Row{ZYDIS_ISA_SET_CLFSH, 1, 0, Edx, 19},
    Row{ZYDIS_ISA_SET_CLWB, 7, 0, Ebx, 24},
    Row{ZYDIS_ISA_SET_CLZERO, 0x8000'0008, 0, Ebx, 0},
    Row{ZYDIS_ISA_SET_CMPXCHG16B, 1, 0, Ecx, 13},
    Row{ZYDIS_ISA_SET_F16C, 1, 0, Ecx, 29},
    Row{ZYDIS_ISA_SET_FMA, 1, 0, Ecx, 12},
    Row{ZYDIS_ISA_SET_FMA4, 0x8000'0001, 0, Ecx, 16},
    Row{ZYDIS_ISA_SET_GFNI, 7, 0, Ecx, 8},
    Row{ZYDIS_ISA_SET_INVPCID, 7, 0, Ebx, 10},
    Row{ZYDIS_ISA_SET_KEYLOCKER, 7, 0, Ecx, 23},
    Row{ZYDIS_ISA_SET_LAHF, 0x8000'0001, 0, Ecx, 0},
    Row{ZYDIS_ISA_SET_LZCNT, 0x8000'0001, 0, Ecx, 5},
    Row{ZYDIS_ISA_SET_MCOMMIT, 0x8000'0008, 0, Ebx, 8},
    Row{ZYDIS_ISA_SET_MONITOR, 1, 0, Ecx, 3},
    Row{ZYDIS_ISA_SET_MOVBE, 1, 0, Ecx, 22},
    Row{ZYDIS_ISA_SET_MOVDIR, 7, 0, Ecx, 27},
    Row{ZYDIS_ISA_SET_PCLMULQDQ, 1, 0, Ecx, 1},
    Row{ZYDIS_ISA_SET_POPCNT, 1, 0, Ecx, 23},
    Row{ZYDIS_ISA_SET_RDWRFSGS, 7, 0, Ebx, 0},
    Row{ZYDIS_ISA_SET_SERIALIZE, 7, 0, Edx, 14},
    Row{ZYDIS_ISA_SET_SHA, 7, 0, Ebx, 29},
    Row{ZYDIS_ISA_SET_SMAP, 7, 0, Ebx, 20},
    Row{ZYDIS_ISA_SET_SSE3, 1, 0, Ecx, 0},
    Row{ZYDIS_ISA_SET_SSE4, 1, 0, Ecx, 19},
    Row{ZYDIS_ISA_SET_SSE42, 1, 0, Ecx, 20},
    Row{ZYDIS_ISA_SET_SSE4A, 0x8000'0001, 0, Ecx, 6},
    Row{ZYDIS_ISA_SET_SSSE3, 1, 0, Ecx, 9},
    Row{ZYDIS_ISA_SET_SSSE3MMX, 1, 0, Ecx, 9},
    Row{ZYDIS_ISA_SET_TBM, 0x8000'0001, 0, Ecx, 21},
    Row{ZYDIS_ISA_SET_VAES, 7, 0, Ecx, 9},
    Row{ZYDIS_ISA_SET_VPCLMULQDQ, 7, 0, Ecx, 10},
    Row{ZYDIS_ISA_SET_XOP, 0x8000'0001, 0, Ecx, 11},
    Row{ZYDIS_ISA_SET_XSAVE, 1, 0, Ecx, 26},
    Row{ZYDIS_ISA_SET_XSAVEC, 0xd, 1, Eax, 1},
    Row{ZYDIS_ISA_SET_XSAVEOPT, 0xd, 1, Eax, 0},
    Row{ZYDIS_ISA_SET_XSAVES, 0xd, 1, Eax, 3},
};

}  // namespace

std::set<ZydisISASet> sets_not_offered(Cpuid const& cpuid) {
  std::set<ZydisISASet> missing;
  std::uint32_t const last_basic = cpuid(0, 0)[Eax];
  std::uint32_t const last_extended = cpuid(0x8000'0000, 0)[Eax];
  for (Row const& row : kRows) {
    bool const exists = row.leaf <= (row.leaf >= 0x8000'0000 ? last_extended : last_basic);
    if (!exists || (cpuid(row.leaf, row.subleaf)[row.word] >> row.bit & 1) == 0)
      missing.insert(row.set);
  }
  return missing;
}

}  // namespace bh::isa
