// value_moves.h - the values of a part of the mesh and of its copies.
//
// When wavelets move does not depend on what they hold. A part with copies is therefore stepped once: its
// wavelets carry numbers, each beat of a core is noted, and the notes are carried out on the values of every
// copy, some ten thousand at a time. A part without copies moves its values at once, its wavelets carry them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memwall/processors/wafer/mac_kernel.h"

namespace memwall::mesh {

class ValueMoves {
 public:
  // `offsets` of the copies in values of the mesh's memory.
  explicit ValueMoves(std::vector<std::size_t> offsets) : offsets_(std::move(offsets)) {}

  std::size_t copies() const { return offsets_.size(); }
  bool is_full() const { return notes_.size() >= kMostNotes; }

  // Up to a wavelet's values of an operation, from the at-th on, in the memory of the core that starts at
  // `core`; `in`: the wavelet that it takes, if it takes any. Returns the wavelet that it makes.
  std::uint32_t beat(const MemoryOperation& operation, bool takes, bool makes, std::int32_t at,
                     std::uint32_t in, std::size_t core, std::uint16_t* memory);
  // A whole operation on memory.
  void run(const MemoryOperation& operation, std::size_t core, std::size_t values, std::uint16_t* memory);

  // Carries the notes out. `wavelets`: where the numbers of those under way stand; they change.
  void flush(const std::vector<std::uint32_t*>& wavelets, std::uint16_t* memory);

 private:
  static constexpr std::size_t kMostNotes = 1 << 14;
  struct Note {
    const MemoryOperation* operation = nullptr;
    std::size_t core = 0;
    std::uint32_t in = 0, out = 0, values = 0;  // values: not 0 for a whole operation
    std::int32_t at = 0;
    bool takes = false, makes = false;
  };
  void carry_out(std::uint16_t* memory);

  std::vector<std::size_t> offsets_;
  std::vector<Note> notes_;
  std::uint32_t next_ = 0;                         // number of the next wavelet
  std::vector<std::vector<std::uint32_t>> alive_;  // of a copy: what wavelets hold that are under way
  std::vector<std::uint32_t> words_;               // of the copy at work
};

}  // namespace memwall::mesh
