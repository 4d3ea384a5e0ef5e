// paired_processor.h - attention on one pool of chips, feed-forward networks on another (AFD).
//
// The attention pool holds the whole model and the KV cache: it runs prefill alone, and in decode the
// embedding, attention and head. The ffn pool holds the feed-forward weights of every layer. A decode step is
// cut into micro-batches that are in different places at once (ping-pong): for each of them, every layer is
//
//   attention pool -> crossing -> ffn pool -> crossing
//
// A crossing takes crossing.latency and moves a hidden vector in 16 bits per token over crossing.bandwidth
// (both of the system's card, the bandwidth of the whole system in one direction; crossing.energy per byte).
// Layers of a pipeline in the ffn pool count as one resource for all micro-batches: two of them in different
// stages wait for each other, which is on the safe side where that pool is the slower one.
//
// The plan is that of the attention pool; its mode names the other one's and the number of micro-batches:
// "tp8 mode=ffn:tp8:pp32:micro2". Without a mode: the first plan of the ffn pool that fits, two
// micro-batches.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

// One pool for attention and one for feed-forward networks, and no other.
bool is_paired(const System& system);

// The processors of a paired system's attention and ffn pool, as one.
std::unique_ptr<Processor> make_paired_processor(std::unique_ptr<Processor> attention,
                                                 std::unique_ptr<Processor> ffn);

}  // namespace memwall
