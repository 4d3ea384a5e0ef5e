#include "memwall/processors/gpu/collective_spec.h"

namespace memwall {
namespace {

constexpr double kMebibyte = 1 << 20;
// TensorRT-LLM 1.0 and NCCL 2.27 as AIConfigurator timed them on A100; TensorRT-LLM 1.3 and NCCL 2.29 on the
// others. NCCL sends 8 bytes of flags with 8 of data (LL), on NVLink from Ampere on with 120 (LL128), as its
// tuning table of the architecture says.
constexpr CollectiveSpec kAmpere{kMebibyte, 0.24, 0.3, 32, 0.56};
constexpr CollectiveSpec kLater{8 * kMebibyte, 0, 0, 16, 0.45};

}  // namespace

CollectiveSpec collective_spec(std::string_view architecture) {
  return architecture == "ampere" ? kAmpere : kLater;
}

}  // namespace memwall
