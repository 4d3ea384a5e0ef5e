#!/usr/bin/env python3
"""Measures kernels of a CUDA GPU with PyTorch and writes the CSV that `memwall calibrate` reads.

    python3 measure_gpu.py --chip h100 --out my-h100.csv
    memwall calibrate --system 1xh100 --measurements my-h100.csv --write chips/h100.yaml

--chip is the name of the card in chips/ that the rows are of. Each kernel is captured in a CUDA graph with
several copies of its weights or KV cache, more than the L2 cache holds, so that they come from memory as in
a step of a model; activations are one tensor and stay in L2, as those that the kernel before has just written.
The graph is replayed several times without a pause, CUDA events between the replays, and the median is taken.
Takes some minutes; --quick a few dozen seconds; --list only says what would be measured, without a GPU. Needs
PyTorch 2.3 or newer and nothing else; what a GPU or a version does not have (fp8, flash attention with grouped
heads) is skipped and said so on standard error.

Measured are what PyTorch calls: cuBLASLt GEMMs, its flash attention (neither rotation nor cache writes in it,
which is what `engine` says), its own normalisation kernels. Clocks are not locked here: lock them (`nvidia-smi
-lgc`) if you may, and let nothing else run on the GPU. A kernel is repeated for some milliseconds only, so that
the chip stays cool and runs at the full clock: the power limit is no part of these rows.
"""

import argparse
import csv
import statistics
import sys
import time

COLUMNS = [
    "chip", "kernel", "format", "activation", "m", "n", "k", "sequences", "new_tokens", "past_tokens", "heads",
    "kv_heads", "head_dim", "engine", "rows", "width", "measured_us", "source",
]
REPLAYS = 15  # of the graph; the median of them is taken
LEAST_GRAPH_US = 400  # a graph runs at least this long: events are fine enough, and the next one is queued in time
WARM_UP_S = 1  # of work before the first kernel, until the clocks are up
UNKNOWN_L2 = 256 << 20  # bytes, where PyTorch does not say how large the cache is: more than any


def cold_copies(bytes_each):
    """Operand sets that together are four times the L2 cache, so that none is still in it when its turn comes."""
    l2 = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", UNKNOWN_L2)
    free, _ = torch.cuda.mem_get_info()
    wanted = 4 * l2 // max(bytes_each, 1) + 1
    return int(max(1, min(wanted, 256, free // 3 // max(bytes_each, 1))))


def warm_up():
    x = torch.randn(4096, 4096, device="cuda", dtype=torch.float16)
    until = time.monotonic() + WARM_UP_S
    while time.monotonic() < until:
        for _ in range(50):
            x @ x
        torch.cuda.synchronize()


def replay_us(graph):
    """Median time of one replay. All replays are queued at once: the first keeps the GPU at work while the host
    submits the second, so that what lies between two events is the graph and not the time to submit it."""
    events = [torch.cuda.Event(enable_timing=True) for _ in range(REPLAYS + 1)]
    graph.replay()
    for event in events:
        event.record()
        if event is not events[-1]:
            graph.replay()
    torch.cuda.synchronize()
    return statistics.median(1e3 * begin.elapsed_time(end) for begin, end in zip(events, events[1:]))


def time_us(calls):
    """Median time of one call, `calls` run in turn inside a CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for call in calls[:2]:
            call()
            call()
    torch.cuda.synchronize()
    rounds = 1
    while True:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(rounds):
                for call in calls:
                    call()
        whole = replay_us(graph)
        if whole >= LEAST_GRAPH_US or rounds >= 256:
            return whole / (rounds * len(calls))
        rounds = min(256, int(rounds * LEAST_GRAPH_US / whole) + 1)


def random_fp8(rows, columns):
    return torch.randn(rows, columns, device="cuda").to(torch.float8_e4m3fn)


def gemm_calls(form, m, n, k):
    width = {"bf16": 2, "fp16": 2, "fp8": 1}[form]
    copies = cold_copies(n * k * width)
    if form == "fp8":
        # Quantising X with one scale (its absolute maximum, the scale, the quotient, the conversion) is part of
        # what is timed, as memwall charges it for a row with fp8 activations.
        one = torch.ones((), device="cuda")
        x = torch.randn(m, k, device="cuda", dtype=torch.bfloat16)
        weights = [random_fp8(n, k) for _ in range(copies)]

        def call(weight):
            scaled = torch.linalg.vector_norm(x, float("inf"), dtype=torch.float32) / 448.0
            quantised = (x / scaled).to(torch.float8_e4m3fn)
            return torch._scaled_mm(quantised, weight.t(), scale_a=scaled, scale_b=one, out_dtype=torch.bfloat16)

        return [lambda weight=weight: call(weight) for weight in weights]
    dtype = torch.bfloat16 if form == "bf16" else torch.float16
    x = torch.randn(m, k, device="cuda", dtype=dtype)
    weights = [torch.randn(n, k, device="cuda", dtype=dtype) for _ in range(copies)]
    return [lambda weight=weight: F.linear(x, weight) for weight in weights]


def attention_calls(sequences, new_tokens, past_tokens, heads, kv_heads, head_dim):
    context = new_tokens + past_tokens
    copies = cold_copies(2 * 2 * sequences * context * kv_heads * head_dim)
    grouped = {"enable_gqa": True} if heads != kv_heads else {}  # PyTorch 2.5 and newer

    def call(q, k, v):
        # No other backend: one that computes attention from several kernels is not what a row says.
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.FLASH_ATTENTION):
            return F.scaled_dot_product_attention(q, k, v, is_causal=new_tokens > 1, **grouped)

    calls = []
    for _ in range(copies):
        q = torch.randn(sequences, heads, new_tokens, head_dim, device="cuda", dtype=torch.bfloat16)
        k = torch.randn(sequences, kv_heads, context, head_dim, device="cuda", dtype=torch.bfloat16)
        v = torch.randn_like(k)
        calls.append(lambda q=q, k=k, v=v: call(q, k, v))
    return calls


def pointwise_calls(kernel, rows, width):
    x = torch.randn(rows, width, device="cuda", dtype=torch.float16)
    return [{
        "softmax": lambda: torch.softmax(x, dim=-1),
        "layer_norm": lambda: F.layer_norm(x, (width,)),
        "gelu": lambda: F.gelu(x, approximate="tanh"),
    }[kernel]]


def shapes(quick):
    """(row, calls) of every kernel; calls are made only when their turn comes."""
    ms = [1, 16, 64, 512, 4096] if quick else [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048,
                                               3072, 4096, 8192, 16384]
    nks = [(4096, 4096), (14336, 4096), (4096, 14336)] if quick else [
        (1024, 1024), (2048, 2048), (4096, 1024), (1024, 4096), (4096, 4096), (5120, 5120), (6144, 4096), (8192, 1024),
        (8192, 8192), (10240, 8192), (14336, 4096), (4096, 14336), (28672, 8192), (8192, 28672), (3072, 12288),
        (12288, 3072), (512, 2048), (256, 7168)]
    for form in ("bf16", "fp8"):
        for n, k in nks:
            for m in ms:
                row = {"kernel": "gemm", "format": form, "activation": form, "m": m, "n": n, "k": k}
                yield row, lambda form=form, m=m, n=n, k=k: gemm_calls(form, m, n, k)
    heads = [(32, 8, 128)] if quick else [(32, 8, 128), (64, 8, 128), (8, 1, 128), (32, 32, 128)]
    for count, kv, dim in heads:
        for sequences, context in ([(8, 4096), (64, 1024)] if quick else
                                   [(1, 1024), (1, 16384), (4, 4096), (8, 1024), (8, 8192), (16, 4096), (32, 2048),
                                    (64, 1024), (64, 4096), (128, 2048), (256, 1024)]):
            row = {"kernel": "attention", "sequences": sequences, "new_tokens": 1, "past_tokens": context - 1,
                   "heads": count, "kv_heads": kv, "head_dim": dim, "engine": "vllm"}
            yield row, lambda s=sequences, c=context, h=count, g=kv, d=dim: attention_calls(s, 1, c - 1, h, g, d)
        for sequences, tokens in ([(1, 4096)] if quick else
                                  [(1, 512), (1, 2048), (1, 8192), (4, 1024), (4, 4096), (16, 1024)]):
            row = {"kernel": "attention", "sequences": sequences, "new_tokens": tokens, "heads": count, "kv_heads": kv,
                   "head_dim": dim, "engine": "vllm"}
            yield row, lambda s=sequences, t=tokens, h=count, g=kv, d=dim: attention_calls(s, t, 0, h, g, d)
    for kernel in ("softmax", "layer_norm", "gelu"):
        for rows, width in ([(4096, 4096)] if quick else
                            [(64, 4096), (1024, 4096), (4096, 1024), (4096, 4096), (16384, 4096), (4096, 16384),
                             (32768, 8192)]):
            row = {"kernel": kernel, "rows": rows, "width": width}
            yield row, lambda kernel=kernel, r=rows, w=width: pointwise_calls(kernel, r, w)


def describe(row):
    return " ".join(f"{key}={value}" for key, value in row.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chip", help="name of the card in chips/, such as h100")
    parser.add_argument("--out", help="the CSV to write")
    parser.add_argument("--quick", action="store_true", help="few shapes")
    parser.add_argument("--list", action="store_true", help="print what would be measured and stop")
    arguments = parser.parse_args()
    if arguments.list:
        for row, _ in shapes(arguments.quick):
            print(describe(row))
        return
    if not arguments.chip or not arguments.out:
        parser.error("--chip and --out are required")
    global torch, F
    import torch
    import torch.nn.attention
    import torch.nn.functional as F
    if not torch.cuda.is_available():
        sys.exit("measure_gpu: PyTorch sees no CUDA GPU")
    torch.backends.cuda.matmul.allow_tf32 = False
    warm_up()
    source = f"{torch.cuda.get_device_name(0)}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}"
    skipped = {}
    with open(arguments.out, "w", newline="") as file, torch.inference_mode():
        file.write(f"# Measured by examples/measure_gpu.py: {source}\n")
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for row, make in shapes(arguments.quick):
            try:
                measured = time_us(make())
            except (RuntimeError, TypeError, AttributeError, NotImplementedError) as error:
                reason = f"{row['kernel']} {row.get('format', '')}: {(str(error).splitlines() or [''])[0][:100]}"
                skipped[reason] = skipped.get(reason, 0) + 1
                torch.cuda.synchronize()
                continue
            finally:
                torch.cuda.empty_cache()
            writer.writerow({"chip": arguments.chip, "measured_us": f"{measured:.4g}", "source": "measure_gpu", **row})
            file.flush()
    for reason, count in skipped.items():
        print(f"measure_gpu: skipped {count} x {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
