#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bh::image::build {

/// Text within a Dockerfile that stands for a file.
struct HereDocument {
  std::string name;     // The word that ends it.
  bool expands = true;  // Its word is not quoted: variables are replaced.
  bool strips = false;  // <<-: tabs at the starts of lines are not part of it.
  std::string content;  // Whole lines.
};

/// Those that an instruction's text announces: words of the form <<NAME outside of quotes. Without
/// their content.
std::vector<HereDocument> announced_documents(std::string_view text);

/// Whether `text` is one such word and nothing else.
bool is_only_a_document(std::string_view text);

}  // namespace bh::image::build
