#!/usr/bin/env python3
"""Runs SCALE-Sim v3 (package `scalesim`) on GEMMs and prints what it counts.

usage: scalesim_cycles.py ROWS COLUMNS ws|is|os M,N,K [M,N,K ...]

A line per GEMM: M,N,K,cycles,seconds. SCALE-Sim counts cycles from zero, so its figure is one lower than the
number of cycles; it is printed as it comes. `seconds` is the time of the compute part of its simulation, demand
matrices and memory included, without starting Python. Nothing is left on disk.
"""
import contextlib
import io
import os
import sys
import tempfile
import time

CONFIG = """[general]
run_name = oracle

[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {columns}
IfmapSramSzkB = 512
FilterSramSzkB = 512
OfmapSramSzkB = 512
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = {dataflow}
Bandwidth = 16
ReadRequestBuffer = 32
WriteRequestBuffer = 32

[layout]
IfmapCustomLayout = False
FilterCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2

[sparsity]
SparsitySupport = false
SparseRep = ellpack_block
OptimizedMapping = false
BlockSize = 8
RandomNumberGeneratorSeed = 40

[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
"""


def main():
    rows, columns, dataflow, gemms = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    sizes = [tuple(int(size) for size in gemm.split(",")) for gemm in gemms]
    noise = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(noise), \
            contextlib.redirect_stderr(noise):
        from scalesim.scale_config import scale_config
        from scalesim.single_layer_sim import single_layer_sim
        from scalesim.topology_utils import topologies
        from scalesim.layout_utils import layouts
        os.chdir(folder)
        with open("array.cfg", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(rows=rows, columns=columns, dataflow=dataflow))
        with open("gemms.csv", "w", encoding="utf-8") as file:
            file.write("Layer, M, N, K,\n")
            for index, (m, n, k) in enumerate(sizes):
                file.write(f"gemm{index}, {m}, {n}, {k},\n")
        with open("layout.csv", "w", encoding="utf-8") as file:
            file.write("Layer," + ",".join(f"x{i}" for i in range(21)) + ",\n")
            for index in range(len(sizes)):
                file.write(f"gemm{index}," + ",".join("1" for _ in range(21)) + ",\n")
        config = scale_config()
        config.read_conf_file("array.cfg")
        topology = topologies()
        topology.load_arrays("gemms.csv", mnk_inputs=True)
        layout = layouts()
        layout.load_arrays("layout.csv", mnk_inputs=True)
        lines = []
        for index, (m, n, k) in enumerate(sizes):
            layer = single_layer_sim()
            layer.set_params(layer_id=index, config_obj=config, topology_obj=topology, layout_obj=layout,
                             verbose=False)
            begin = time.perf_counter()
            layer.run()
            seconds = time.perf_counter() - begin
            layer.calc_report_data()
            lines.append(f"{m},{n},{k},{int(layer.total_cycles)},{int(layer.stall_cycles)},{seconds:.6f}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
