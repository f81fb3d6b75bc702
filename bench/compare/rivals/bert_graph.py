"""Writes the ONNX graph of a BERT encoder from its Hugging Face directory: token ids and a mask in,
unit vectors out, pooled and normalised in the graph.

The nodes are those of PyTorch's exporter, so that the fusions which ONNX Runtime and OpenVINO have for
exported models find what they look for. What PyTorch would leave to the runtime is done here where it
helps every rival: the one row of token types that is used is added to the table of positions.
"""

import json
import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

OPSET = 17


class Graph:
    """Collects the nodes; each method returns the name of its result."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def floats(self, name, value):
        return self.constant(name, numpy.asarray(value, numpy.float32))

    def integers(self, name, values):
        return self.constant(name, numpy.asarray(values, numpy.int64))

    def add(self, kind, name, *inputs, **attributes):
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name


class Encoder:
    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.config = json.loads((directory / "config.json").read_text())
        if self.config["model_type"] != "bert" or self.config["hidden_act"] != "gelu":
            raise ValueError("only BERT with an exact GELU has a graph here")
        pooling = json.loads((directory / "1_Pooling" / "config.json").read_text())
        self.is_cls = pooling["pooling_mode_cls_token"]
        if self.is_cls == pooling["pooling_mode_mean_tokens"]:
            raise ValueError("only mean and CLS pooling have a graph here")
        self.tensors = load_file(directory / "model.safetensors")
        self.graph = Graph()

    @property
    def width(self):
        return self.config["hidden_size"]

    @property
    def heads(self):
        return self.config["num_attention_heads"]

    def norm(self, prefix, name, x):
        scale = self.graph.floats(f"{name}.scale", self.tensors[f"{prefix}.weight"])
        bias = self.graph.floats(f"{name}.bias", self.tensors[f"{prefix}.bias"])
        return self.graph.add("LayerNormalization", name, x, scale, bias, axis=-1,
                              epsilon=self.config["layer_norm_eps"])

    def linear(self, prefix, name, x):
        weight = self.graph.floats(f"{name}.weight", self.tensors[f"{prefix}.weight"].T)
        bias = self.graph.floats(f"{name}.bias", self.tensors[f"{prefix}.bias"])
        product = self.graph.add("MatMul", f"{name}.product", x, weight)
        return self.graph.add("Add", name, product, bias)

    def embed(self):
        graph, tensors = self.graph, self.tensors
        words = graph.floats("words", tensors["embeddings.word_embeddings.weight"])
        types = tensors["embeddings.token_type_embeddings.weight"]
        positions = graph.floats(
            "positions", tensors["embeddings.position_embeddings.weight"] + types[0])
        shape = graph.add("Shape", "shape", "input_ids", start=1, end=2)
        zero = graph.integers("zero", [0])
        places = graph.add("Slice", "places", positions, zero, shape, zero)
        found = graph.add("Gather", "found", words, "input_ids")
        return self.norm("embeddings.LayerNorm", "embedded",
                         graph.add("Add", "embedding_sum", found, places))

    def mask(self):
        graph = self.graph
        one, two = graph.integers("axis_1", [1]), graph.integers("axis_2", [2])
        rows = graph.add("Unsqueeze", "mask_rows", "attention_mask", one)
        square = graph.add("Unsqueeze", "mask_square", rows, two)
        real = graph.add("Cast", "mask_float", square, to=TensorProto.FLOAT)
        absent = graph.add("Sub", "mask_absent", graph.floats("one", 1), real)
        return graph.add("Mul", "mask_scores", absent, graph.floats("least", -10000))

    def split(self, prefix, name, x, order):
        rows = self.linear(prefix, name, x)
        parts = self.graph.add("Reshape", f"{name}.heads", rows, "head_shape")
        return self.graph.add("Transpose", f"{name}.split", parts, perm=order)

    def attend(self, prefix, name, x, mask):
        graph = self.graph
        query = self.split(f"{prefix}.self.query", f"{name}.query", x, [0, 2, 1, 3])
        key = self.split(f"{prefix}.self.key", f"{name}.key", x, [0, 2, 3, 1])
        value = self.split(f"{prefix}.self.value", f"{name}.value", x, [0, 2, 1, 3])
        scores = graph.add("MatMul", f"{name}.scores", query, key)
        scaled = graph.add("Div", f"{name}.scaled", scores, "root_of_head_width")
        masked = graph.add("Add", f"{name}.masked", scaled, mask)
        shares = graph.add("Softmax", f"{name}.shares", masked, axis=-1)
        mixed = graph.add("MatMul", f"{name}.mixed", shares, value)
        rows = graph.add("Transpose", f"{name}.rows", mixed, perm=[0, 2, 1, 3])
        joined = graph.add("Reshape", f"{name}.joined", rows, "row_shape")
        output = self.linear(f"{prefix}.output.dense", f"{name}.output", joined)
        return self.norm(f"{prefix}.output.LayerNorm", f"{name}.norm",
                         graph.add("Add", f"{name}.sum", output, x))

    def feed_forward(self, prefix, name, x):
        graph = self.graph
        up = self.linear(f"{prefix}.intermediate.dense", f"{name}.up", x)
        ratio = graph.add("Div", f"{name}.ratio", up, "root_of_two")
        erf = graph.add("Erf", f"{name}.erf", ratio)
        raised = graph.add("Add", f"{name}.raised", erf, "one")
        doubled = graph.add("Mul", f"{name}.doubled", up, raised)
        active = graph.add("Mul", f"{name}.active", doubled, "half")
        down = self.linear(f"{prefix}.output.dense", f"{name}.down", active)
        return self.norm(f"{prefix}.output.LayerNorm", f"{name}.norm",
                         graph.add("Add", f"{name}.sum", down, x))

    def pool(self, x):
        graph = self.graph
        if self.is_cls:
            # Not a Gather of one: ONNX Runtime's optimizer makes a row too many of that.
            first = graph.add("Slice", "first", x, "zero", "axis_1", "axis_1")
            pooled = graph.add("Squeeze", "pooled", first, "axis_1")
        else:
            mask = graph.add("Cast", "pool_mask", "attention_mask", to=TensorProto.FLOAT)
            weights = graph.add("Unsqueeze", "pool_weights", mask, "axis_2")
            rows = graph.add("Mul", "pool_rows", x, weights)
            total = graph.add("ReduceSum", "pool_total", rows, "axis_1", keepdims=0)
            count = graph.add("ReduceSum", "pool_count", weights, "axis_1", keepdims=0)
            pooled = graph.add("Div", "pooled", total, count)
        length = graph.add("ReduceL2", "length", pooled, axes=[-1], keepdims=1)
        return graph.add("Div", "vectors", pooled, length)

    def build(self):
        graph = self.graph
        head_width = self.width // self.heads
        x, mask = self.embed(), self.mask()
        graph.integers("head_shape", [0, 0, self.heads, head_width])
        graph.integers("row_shape", [0, 0, self.width])
        graph.floats("root_of_head_width", head_width ** 0.5)
        graph.floats("root_of_two", 2 ** 0.5)
        graph.floats("half", 0.5)
        for layer in range(self.config["num_hidden_layers"]):
            prefix = f"encoder.layer.{layer}"
            x = self.attend(f"{prefix}.attention", f"attention.{layer}", x, mask)
            x = self.feed_forward(prefix, f"feed_forward.{layer}", x)
        self.pool(x)
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
                  for name in ("input_ids", "attention_mask")]
        vectors = helper.make_tensor_value_info(
            "vectors", TensorProto.FLOAT, ["texts", self.width])
        made = helper.make_graph(graph.nodes, "bert", inputs, [vectors], graph.constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        return model
