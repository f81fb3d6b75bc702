"""Writes directories of random weights in the shapes of real models: make_shapes.py TINY OUT [NAME...].

TINY is tests/data/tiny, of whose directories config.json, tokenizer and names of tensors are taken: how
fast an architecture is does not depend on what its weights are. The vocabularies stay small, since a
token reads one row of its table whatever the size of that is.
"""
import json
import pathlib
import shutil
import struct
import sys

import numpy

# The tiny model of the architecture, and the sizes of the real one.
SHAPES = {
    "nomic-embed-text-v1.5": ("nomic", dict(width=768, ff=3072, heads=12, layers=12)),
    "gte-modernbert-base": ("modernbert-cls", dict(width=768, ff=1152, heads=12, layers=22)),
    "embeddinggemma-300m": ("gemma", dict(width=768, ff=1152, heads=3, layers=24, head=256,
                                          dense=3072)),
    "multilingual-e5-base": ("xlmr-mean", dict(width=768, ff=3072, heads=12, layers=12)),
    "bge-m3": ("xlmr-mean", dict(width=1024, ff=4096, heads=16, layers=24)),
    "all-mpnet-base-v2": ("mpnet", dict(width=768, ff=3072, heads=12, layers=12)),
    "gte-base-en-v1.5": ("gte", dict(width=768, ff=3072, heads=12, layers=12)),
}
POSITIONS = 514  # Of learned positions; no text of the comparison is longer.


def read_header(path):
    with path.open("rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    return {name: entry["shape"] for name, entry in header.items()}


def write_tensors(path, shapes, seed):
    generator = numpy.random.default_rng(seed)
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            values = generator.standard_normal(shape, dtype=numpy.float32) * 0.03
            if len(shape) == 1 and name.endswith("weight") and "gemma" not in str(path):
                values += 1  # Norms.
            file.write(values.tobytes())


def make(tiny, out, name, seed=1):
    source, real = SHAPES[name]
    directory = out / name
    shutil.copytree(tiny / source, directory, dirs_exist_ok=True)
    (directory / "reference.json").unlink()
    config = json.loads((directory / "config.json").read_text())
    shapes = read_header(directory / "model.safetensors")
    head_width = real.get("head", real["width"] // real["heads"])
    by_name = []
    for tensor, shape in shapes.items():
        by_name.append((tensor, new_shape(tensor, shape, real, head_width,
                                          1 if source == "gemma" else real["heads"])))
    tensors = of_all_layers(by_name, real["layers"])
    write_tensors(directory / "model.safetensors", tensors, seed)
    for key in ("hidden_size", "n_embd"):
        if key in config: config[key] = real["width"]
    for key in ("intermediate_size", "n_inner"):
        if key in config: config[key] = real["ff"]
    for key in ("num_attention_heads", "n_head"):
        if key in config: config[key] = real["heads"]
    for key in ("num_hidden_layers", "n_layer"):
        if key in config: config[key] = real["layers"]
    if "head_dim" in config: config["head_dim"] = head_width
    if "query_pre_attn_scalar" in config: config["query_pre_attn_scalar"] = head_width
    if "local_attention" in config: config["local_attention"] = 128
    if "sliding_window" in config: config["sliding_window"] = 512
    config.pop("layer_types", None)
    config["max_position_embeddings"] = POSITIONS
    (directory / "config.json").write_text(json.dumps(config))
    raise_limits(directory, real)


def new_shape(tensor, shape, real, head_width, kv_heads):
    rows = shape[0]
    if "position_embeddings" in tensor: return [POSITIONS, real["width"]]
    if "word_embeddings" in tensor or "tok_embeddings" in tensor or "embed_tokens" in tensor:
        return [rows, real["width"]]
    if "token_type" in tensor: return [rows, real["width"]]
    if "relative_attention_bias" in tensor: return [rows, real["heads"]]
    query = real["heads"] * head_width
    key = kv_heads * head_width
    if "Wqkv" in tensor or "qkv_proj" in tensor:
        return [query + 2 * key] + [real["width"]] * (len(shape) - 1)
    if "q_norm" in tensor or "k_norm" in tensor: return [head_width]
    if "q_proj" in tensor: return [query, real["width"]]
    if "k_proj" in tensor or "v_proj" in tensor: return [key, real["width"]]
    if "self_attn.o_proj" in tensor: return [real["width"], query]
    twice = any(part in tensor for part in ("mlp.Wi", "up_gate_proj"))
    wide = twice or any(part in tensor for part in (
        "intermediate.dense", "fc11", "fc12", "gate_proj", "up_proj"))
    narrow = any(part in tensor for part in ("down_proj", "mlp.Wo", "fc2")) or (
        "output.dense" in tensor and "attention" not in tensor)
    if wide:
        return [real["ff"] * (2 if twice else 1)] + [real["width"]] * (len(shape) - 1)
    if narrow and len(shape) == 2: return [real["width"], real["ff"]]
    return [real["width"]] * len(shape)


def of_all_layers(tensors, layers):
    """The tensors of the second layer stand for those of all layers but the first."""
    shapes = {}
    for name, shape in tensors:
        parts = name.split(".")
        numbers = [i for i, part in enumerate(parts) if part.isdigit()]
        if not numbers:
            shapes[name] = shape
        elif parts[numbers[0]] == "0":
            shapes[name] = shape
        elif parts[numbers[0]] == "1":
            for layer in range(1, layers):
                parts[numbers[0]] = str(layer)
                shapes[".".join(parts)] = shape
    return shapes


def raise_limits(directory, real):
    limits = directory / "sentence_bert_config.json"
    limits.write_text(json.dumps({"max_seq_length": POSITIONS - 2, "do_lower_case": False}))
    pooling = directory / "1_Pooling" / "config.json"
    if pooling.exists():
        config = json.loads(pooling.read_text())
        for key in ("word_embedding_dimension", "embedding_dimension"):
            if key in config: config[key] = real["width"]
        pooling.write_text(json.dumps(config))
    widths = [real["width"], real.get("dense"), real["width"]]
    for i, folder in enumerate(("2_Dense", "3_Dense")):
        path = directory / folder
        if not (path / "model.safetensors").exists(): continue
        config = json.loads((path / "config.json").read_text())
        config["in_features"], config["out_features"] = widths[i], widths[i + 1]
        (path / "config.json").write_text(json.dumps(config))
        write_tensors(path / "model.safetensors",
                      {"linear.weight": [widths[i + 1], widths[i]]}, 7 + i)


def main():
    if len(sys.argv) < 3: sys.exit(__doc__)
    tiny, out = map(pathlib.Path, sys.argv[1:3])
    for name in sys.argv[3:] or SHAPES:
        make(tiny, out, name)
        print(out / name)


if __name__ == "__main__":
    main()
