#pragma once

// Where a copy goes, by the rules of cp(1) as docker has them. Plain: bulkhead-init includes it.

namespace bh::machine::wire {

struct CopyFacts {
  bool source_is_folder = false;
  bool content_only = false;  // The source was written with "/." at its end.
  bool target_is_there = false;
  bool target_is_folder = false;
  bool target_is_said_to_be_folder = false;  // It was written with "/" at its end.
};

enum class CopyPlace {
  AsTarget,         // The source has the target's name then.
  InTarget,         // The target is a folder, and the source is in it under its own name.
  ContentInTarget,  // What is in the source is in the target.
  NoSuchFolder,
  NotAFolder,
};

constexpr CopyPlace copy_place(CopyFacts const& facts) {
  if (!facts.target_is_there) {
    bool const vain = facts.target_is_said_to_be_folder && !facts.source_is_folder;
    return vain ? CopyPlace::NoSuchFolder : CopyPlace::AsTarget;
  }
  if (facts.target_is_folder) {
    bool const content = facts.source_is_folder && facts.content_only;
    return content ? CopyPlace::ContentInTarget : CopyPlace::InTarget;
  }
  bool const vain = facts.target_is_said_to_be_folder || facts.source_is_folder;
  return vain ? CopyPlace::NotAFolder : CopyPlace::AsTarget;
}

}  // namespace bh::machine::wire
