// collective_spec.h - how the libraries of an architecture run collectives: not a chip's, and not fitted.
#pragma once

#include <string_view>

namespace memwall {

struct CollectiveSpec {
  double peer_buffer = 0;  // bytes: the largest tensor that kernels take which read their peers
  // Accesses more for every chip where a block of threads reads 8 KiB and more: its flags are not Lamport's,
  // which travel with the data.
  double peer_flags = 0;
  // NCCL. Accesses more, as a share, from 16 KiB on, where several channels start; accesses until the bulk
  // protocol's pipeline is full; rate of the protocols that send flags with the data over the bulk one's.
  double channels = 0, bulk_accesses = 0, low_latency_share = 0;
};
// REQUIRES: an architecture that gemm.library may name.
CollectiveSpec collective_spec(std::string_view architecture);

}  // namespace memwall
