// allocation_count.h - how many times this program has called operator new, to show that a loop does not.
#pragma once

#include <cstdint>

namespace memwall {

std::int64_t allocation_count();

}  // namespace memwall
