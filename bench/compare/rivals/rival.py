"""Plays one rival of bench_compare: rival.py KIND DIRECTORY SCRATCH THREADS, where DIRECTORY is a model
as Hugging Face has it, and SCRATCH keeps what is made of it for the other rivals.

What goes through the pipes is a count of bytes (u32) and as many bytes, all little-endian. First a JSON
object to stdout: {"name", "flags", "dimension"}, or {"unavailable"}. Then for each request on stdin, u32
texts, u32 offsets [texts + 1], u32 ids, one reply: u64 nanoseconds from the ids in an array to the
vectors in another, f32 vectors [texts, dimension]. The pipes and the padding of texts are not timed:
they are the bench's, not the rival's.
"""

import json
import os
import pathlib
import struct
import sys
import time

import numpy

import bert_graph


class Unavailable(Exception):
    """Why this machine has no such rival."""


def export(directory, scratch):
    """Writes the plain graph, once for all rivals; returns its path and the encoder."""
    encoder = bert_graph.Encoder(directory)
    path = scratch / "plain.onnx"
    if not path.exists():
        import onnx

        onnx.save(encoder.build(), path)
    return path, encoder


def fuse(directory, scratch):
    """Fuses what ONNX Runtime's own optimizer for transformers fuses."""
    path, encoder = export(directory, scratch)
    fused = scratch / "fused.onnx"
    if fused.exists():
        return fused
    from onnxruntime.transformers import optimizer

    made = optimizer.optimize_model(str(path), "bert", num_heads=encoder.heads,
                                    hidden_size=encoder.width, opt_level=0)
    layers = encoder.config["num_hidden_layers"]
    found = made.get_fused_operator_statistics()
    wanted = {"Attention": layers, "BiasGelu": layers, "SkipLayerNormalization": 2 * layers}
    for name, count in wanted.items():
        if found[name] != count:
            raise ValueError(f"the optimizer made {found[name]} {name} of {count}")
    made.save_model_to_file(str(fused))
    return fused


class OnnxRuntime:
    name = "ONNX Runtime f32"

    def __init__(self, directory, scratch, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(self.graph(directory, scratch)), options, providers=["CPUExecutionProvider"])
        self.flags = (f"onnxruntime {onnxruntime.__version__}, fused, intra_op_num_threads {threads}"
                      + self.more)

    more = ""

    def graph(self, directory, scratch):
        return fuse(directory, scratch)

    def embed(self, ids, mask):
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class OnnxRuntimeInt8(OnnxRuntime):
    name = "ONNX Runtime int8"
    more = ", quantize_dynamic(QInt8, per_channel)"

    def graph(self, directory, scratch):
        path = scratch / "int8.onnx"
        if not path.exists():
            import onnx
            from onnxruntime.quantization import QuantType, quantize_dynamic

            # A scale an output costs no time and errs a fifth as much as one a matrix.
            quantize_dynamic(fuse(directory, scratch), path, weight_type=QuantType.QInt8,
                             per_channel=True,
                             extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
        return path


class OpenVino:
    precision = "f32"
    name = "OpenVINO f32"

    def __init__(self, directory, scratch, threads):
        import openvino

        path, _ = export(directory, scratch)
        core = openvino.Core()
        options = {"INFERENCE_PRECISION_HINT": self.precision, "INFERENCE_NUM_THREADS": threads,
                   "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(str(path), "CPU", options)
        taken = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if self.precision == "bf16" and taken != "bf16":
            raise Unavailable(f"OpenVINO computes in {taken} on this CPU")
        self.request = compiled.create_infer_request()
        version = openvino.get_version().split("-")[0]
        self.flags = f"openvino {version}, " + ", ".join(f"{k} {v}" for k, v in options.items())

    def embed(self, ids, mask):
        return self.request.infer({"input_ids": ids, "attention_mask": mask})["vectors"]


class OpenVinoBf16(OpenVino):
    precision = "bf16"
    name = "OpenVINO bf16"


class PyTorch:
    precision = "float32"
    name = "PyTorch f32"

    def __init__(self, directory, scratch, threads):
        try:
            import torch
            import transformers
        except ImportError as error:
            raise Unavailable(f"{self.name}: {error}") from error
        torch.set_num_threads(threads)
        self.torch = torch
        self.is_cls = bert_graph.Encoder(directory).is_cls
        self.model = transformers.AutoModel.from_pretrained(
            directory, local_files_only=True, dtype=getattr(torch, self.precision),
            attn_implementation="sdpa", add_pooling_layer=False).eval()
        self.flags = f"torch {torch.__version__}, sdpa, set_num_threads({threads})"

    def embed(self, ids, mask):
        torch = self.torch
        with torch.inference_mode():
            ids, mask = torch.from_numpy(ids), torch.from_numpy(mask)
            rows = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            if self.is_cls:
                pooled = rows[:, 0]
            else:
                weights = mask.unsqueeze(-1).float()
                pooled = (rows * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(pooled).numpy()


class PyTorchBf16(PyTorch):
    precision = "bfloat16"
    name = "PyTorch bf16"


KINDS = {
    "onnxruntime-f32": OnnxRuntime,
    "onnxruntime-int8": OnnxRuntimeInt8,
    "openvino-f32": OpenVino,
    "openvino-bf16": OpenVinoBf16,
    "torch-f32": PyTorch,
    "torch-bf16": PyTorchBf16,
}


def write_frame(pipe, *parts):
    pipe.write(struct.pack("<I", sum(len(part) for part in parts)))
    for part in parts:
        pipe.write(part)
    pipe.flush()


def read_frame(pipe):
    head = pipe.read(4)
    if len(head) < 4:
        return None
    return pipe.read(struct.unpack("<I", head)[0])


def pad(request):
    """Lays the texts of a request out in rows of one length."""
    numbers = numpy.frombuffer(request, "<u4")
    texts = int(numbers[0])
    offsets = numbers[1:texts + 2].astype(numpy.int64)
    packed = numbers[texts + 2:]
    lengths = numpy.diff(offsets)
    mask = numpy.arange(lengths.max()) < lengths[:, None]
    ids = numpy.zeros(mask.shape, numpy.int64)
    ids[mask] = packed
    return ids, mask.astype(numpy.int64)


def main(kind, directory, scratch, threads):
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What libraries print is no reply.
    try:
        rival = KINDS[kind](directory, pathlib.Path(scratch), int(threads))
    except (Unavailable, ImportError) as error:
        write_frame(replies, json.dumps({"unavailable": str(error)}).encode())
        return
    one = numpy.zeros((1, 2), numpy.int64)
    dimension = rival.embed(one, one + 1).shape[1]
    hello = {"name": rival.name, "flags": rival.flags, "dimension": dimension}
    write_frame(replies, json.dumps(hello).encode())
    while (request := read_frame(requests)) is not None:
        ids, mask = pad(request)
        begin = time.perf_counter_ns()
        vectors = rival.embed(ids, mask)
        taken = time.perf_counter_ns() - begin
        write_frame(replies, struct.pack("<Q", taken),
                    numpy.ascontiguousarray(vectors, "<f4").tobytes())


main(*sys.argv[1:])
