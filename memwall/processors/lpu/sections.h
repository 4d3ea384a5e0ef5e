// sections.h - how many cycles each section of a layer's schedule takes: the closed form.
//
// A section starts when its operands lie in the scratch slices beside the VXM and ends when its results do.
// What the VXM itself reads next lies in the slices closest to it.
// In between stand transits (one cycle per slice), functional delays, and what must go one after another:
// tiles of weights through the streams into an array, activations through the array. An array has a second
// buffer, so the next tile loads while the present one multiplies: tiles follow one another every period =
// max(load, tokens x interval) cycles, and the first tile of a section is loaded before its operands are
// ready.
//
// Checked by: sections_test.cpp, within 3 % of schedules that the compiler made and the machine ran.
#pragma once

#include "memwall/processors/lpu/geometry.h"

namespace memwall {

struct SectionLength {
  double cycles = 0;        // of the whole section
  double load_cycles = 0;   // of them, weights on the streams of the busier hemisphere
  double array_cycles = 0;  // activations in its arrays
  SectionLength& operator+=(const SectionLength& other);
};

// Operands of one array pass, and how fast it takes them.
struct ArrayMode {
  bool bytes = false;       // one array, a vector every cycle; else two arrays together, every second cycle
  double stored_bytes = 2;  // of one weight in SRAM
  int interval() const { return bytes ? 1 : 2; }
  int parallel_tiles() const { return bytes ? 4 : 2; }  // on the whole chip
  // Cycles to load the arrays of one hemisphere with a tile of so many columns each (bytes), or both with
  // one.
  double load_cycles(const LpuGeometry& geometry, double columns) const;
};

// y(tokens, n) = x(tokens, k) W(k, n), then `chain` VXM operations one after another on every result.
struct LinearShape {
  double n = 0, k = 0, tokens = 1, chain = 1;
  // What a tile holds where heads are laid side by side and do not fill it: columns of n, rows of k; 0: all
  // lanes.
  double tile_columns = 0, tile_rows = 0;
  double parts = 1;          // equal matrices side by side in n whose tiles take turns: gate and up
  bool copies = false;       // tiles that leave a hemisphere idle stand in both, which share the tokens
  bool follows = false;      // x is the result of another matrix, whose vectors come one after another
  bool is_residual = false;  // y joins what the VXM reads next, else a unit at the edge does
};
// When its results come: in `groups`, the last of them `spread` cycles after the first.
struct Emission {
  double groups = 1, spread = 0;
};
Emission emission_of(const LpuGeometry& geometry, const ArrayMode& mode, const LinearShape& shape);
// Tiles one after another.
double tile_count(const LpuGeometry& geometry, const ArrayMode& mode, const LinearShape& shape);
SectionLength linear_section(const LpuGeometry& geometry, const ArrayMode& mode, const LinearShape& shape);

// Root-mean-square norm of `vectors` vectors for each of `tokens`: squares, their sum over lanes as a product
// with ones, the inverse root, the products.
SectionLength norm_section(const LpuGeometry& geometry, double vectors, double tokens);
// Rotation of position: a permutation in the SXM and a chain in the VXM, which keep pace with the matrix that
// makes their operands but for the last one's `vectors` results.
SectionLength rope_section(const LpuGeometry& geometry, double vectors);

// Attention of one chip. Keys and values are tiles of `lanes` tokens; a row of the cache holds the heads of
// `slots` KV heads side by side.
struct LpuAttention {
  double heads = 1, kv_heads = 1;  // of this chip
  double qk_dim = 0, v_dim = 0;
  double kv_bytes = 2;                // of a cached value
  double sequences = 1, queries = 1;  // queries: new tokens of each sequence
  double keys = 1;                    // that a query sees
  double queries_lead = 0;            // cycles that queries are there before the last key
};
// KV heads that stand side by side in a vector.
double slots_of(const LpuGeometry& geometry, double head_dim, double kv_heads);
SectionLength attention_section(const LpuGeometry& geometry, const LpuAttention& shape);
// Of a matrix whose tiles are queries, keys and values by row of the cache: of every row the queries of each
// head that shares it, its keys, its values.
double queries_lead(const LpuGeometry& geometry, const ArrayMode& mode, const LinearShape& qkv);

// Wire cycles per byte vector, flight cycles per hop; chips beyond one node exchange through `global` links.
struct LinkTiming {
  double wire = 0, flight = 0;
  int node = 1, global = 1;
};
// What an exchange between chips takes: cycles inside the chips, hops, and cycles of the busiest link, of
// which `hidden` pass while the operands are still being made.
struct ExchangeLength {
  double inside = 0, hops = 0, wire = 0, hidden = 0;
  double cycles(const LinkTiming& links) const { return inside + hops * links.flight + wire - hidden; }
};
// A sum of `vectors` 16-bit vectors over `chips` chips, each of which gets all of it: everybody sends all of
// it to everybody, or (when that is shorter) a part to each and the part's sum back.
bool all_reduce_at_once(const LpuGeometry& geometry, const LinkTiming& links, double vectors, int chips);
ExchangeLength all_reduce_section(const LpuGeometry& geometry, const LinkTiming& links, double vectors,
                                  int chips, const Emission& emission = {});
// `vectors` 16-bit vectors to the chip that holds the next layers.
ExchangeLength hand_over_section(const LpuGeometry& geometry, const LinkTiming& links, double vectors);

// Largest value of a vector over all lanes, in all lanes.
double lane_maximum_cycles(const LpuGeometry& geometry);

}  // namespace memwall
