#pragma once

#include <iosfwd>

#include "tests/isa/campaign.h"

namespace bh::isa {

/// One finding: bytes, disassembly, how to run it again, what went in, what differs.
void print_finding(std::ostream& out, Finding const& finding);

/// Findings, counts by mnemonic, what was left out and why, and the one-line summary.
void print_result(std::ostream& out, Plan const& plan, CampaignResult const& result);

}  // namespace bh::isa
