"""Writes a Hugging Face directory from the ONNX export of a BERT encoder: to_directory.py ONNX
TOKENIZER DIRECTORY HEADS POOLING.

The export keeps embeddings, biases and norms under their names. The matrices have lost theirs, and
are transposed: each is the second input of a MatMul whose own name tells which one it is, as
`/encoder/layer.0/attention/self/query/MatMul` does.
"""

import json
import pathlib
import shutil
import sys

import numpy
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file


def read_tensors(path):
    graph = onnx.load(path).graph
    stored = {each.name: each for each in graph.initializer}
    tensors = {
        name: numpy_helper.to_array(each)
        for name, each in stored.items()
        if name.startswith(("embeddings.", "encoder."))
    }
    for node in graph.node:
        if node.op_type != "MatMul" or len(node.input) != 2 or node.input[1] not in stored:
            continue
        matrix = numpy_helper.to_array(stored[node.input[1]])
        if matrix.ndim == 2:
            name = ".".join(node.name.split("/")[1:-1]) + ".weight"
            tensors[name] = numpy.ascontiguousarray(matrix.T)
    return tensors


def write_json(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_config(tensors, directory, heads):
    vocabulary, width = tensors["embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder."))
    write_json(
        directory / "config.json",
        {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": len(tensors["encoder.layer.0.intermediate.dense.bias"]),
            "vocab_size": vocabulary,
            "max_position_embeddings": len(tensors["embeddings.position_embeddings.weight"]),
            "type_vocab_size": len(tensors["embeddings.token_type_embeddings.weight"]),
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
            "pad_token_id": 0,
            "position_embedding_type": "absolute",
            "torch_dtype": "float32",
        },
    )
    return width


def write_modules(directory, width, pooling):
    kind = "sentence_transformers.models."
    write_json(
        directory / "modules.json",
        [
            {"idx": 0, "name": "0", "path": "", "type": kind + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": kind + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": kind + "Normalize"},
        ],
    )
    write_json(
        directory / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": width,
            "pooling_mode_cls_token": pooling == "cls",
            "pooling_mode_mean_tokens": pooling == "mean",
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
    )
    # `do_lower_case` would change the ids of a cased tokenizer.json, which counts alone.
    write_json(
        directory / "sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False}
    )


def main(onnx_path, tokenizer_path, directory, heads, pooling):
    directory = pathlib.Path(directory)
    directory.mkdir()
    tensors = read_tensors(onnx_path)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    write_modules(directory, write_config(tensors, directory, int(heads)), pooling)
    shutil.copyfile(tokenizer_path, directory / "tokenizer.json")


main(*sys.argv[1:])
