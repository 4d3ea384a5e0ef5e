#!/usr/bin/env python3
"""Runs SCALE-Sim v3 (package `scalesim`) on GEMMs and prints what it counts.

usage: scalesim_cycles.py RUN [RUN ...]        RUN is ROWS,COLUMNS,ws|is|os,M,N,K

A line per run: the run, cycles, stalls, seconds. SCALE-Sim counts cycles from zero, so its figure is one lower
than the number of cycles; it is printed as it comes. `seconds` is the time of its simulation, demand matrices and
memory included, without starting Python. Nothing is left on disk.
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


def simulate(run):
    from scalesim.layout_utils import layouts
    from scalesim.scale_config import scale_config
    from scalesim.single_layer_sim import single_layer_sim
    from scalesim.topology_utils import topologies
    rows, columns, dataflow, m, n, k = run.split(",")
    with open("array.cfg", "w", encoding="utf-8") as file:
        file.write(CONFIG.format(rows=rows, columns=columns, dataflow=dataflow))
    with open("gemms.csv", "w", encoding="utf-8") as file:
        file.write(f"Layer, M, N, K,\ngemm, {m}, {n}, {k},\n")
    with open("layout.csv", "w", encoding="utf-8") as file:
        file.write("Layer," + "x," * 21 + "\ngemm," + "1," * 21 + "\n")
    config, topology, layout = scale_config(), topologies(), layouts()
    config.read_conf_file("array.cfg")
    topology.load_arrays("gemms.csv", mnk_inputs=True)
    layout.load_arrays("layout.csv", mnk_inputs=True)
    layer = single_layer_sim()
    layer.set_params(layer_id=0, config_obj=config, topology_obj=topology, layout_obj=layout, verbose=False)
    begin = time.perf_counter()
    layer.run()
    seconds = time.perf_counter() - begin
    layer.calc_report_data()
    return f"{run},{int(layer.total_cycles)},{int(layer.stall_cycles)},{seconds:.6f}"


def main():
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), \
            contextlib.redirect_stderr(io.StringIO()):
        os.chdir(folder)
        lines = [simulate(run) for run in sys.argv[1:]]
        os.chdir("/")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
