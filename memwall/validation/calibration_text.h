// calibration_text.h - the `calibration:` section of a card as text, put in its place.
#pragma once

#include <string>

#include "memwall/hardware/chip.h"

namespace memwall {

// The section with all of the chip's calibrated facts, groups nested, in order of keys.
std::string calibration_section(const Chip& chip);

// `card` with its section replaced, or with one added at the end; every other byte stays as it is.
std::string with_calibration_section(const std::string& card, const std::string& section);

}  // namespace memwall
