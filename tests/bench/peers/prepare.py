# SPDX-License-Identifier: Apache-2.0
"""The model in the form of each peer, made once and kept in a folder:

    python prepare.py MODEL_DIR FOLDER [int8]   the peers' forms, in int8 too
    python prepare.py FAMILY MODEL_DIR FOLDER   a model directory of a key of families.py with
                                                MODEL_DIR's tokenizer
"""
import json
import os
import shutil
import sys

import families
import numpy as np

FUSED = ("Attention", "SkipLayerNormalization", "EmbedLayerNormalization", "BiasGelu", "Gelu",
         "FastGelu", "RotaryEmbedding")


def make_onnx(directory, path):
    """Eager attention is what onnxruntime's transformer optimizer knows and fuses."""
    import torch
    import transformers

    class Vectors(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = transformers.AutoModel.from_pretrained(
                directory, attn_implementation="eager", dtype=torch.float32)

        def forward(self, ids, mask):
            x = self.model(input_ids=ids, attention_mask=mask)[0]
            m = mask.unsqueeze(-1).to(x.dtype)
            return torch.nn.functional.normalize((x * m).sum(1) / m.sum(1), dim=1)

    ids = torch.arange(200, 233).view(3, 11)
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    axes = {n: {0: "batch", 1: "length"} for n in ("ids", "mask")}
    axes["vectors"] = {0: "batch"}
    torch.onnx.export(Vectors().eval(), (ids, mask), path, dynamo=False, opset_version=17,
                      input_names=["ids", "mask"], output_names=["vectors"], dynamic_axes=axes)


def make_fused(directory, plain, path):
    """Beside the model a line that says what was fused.  DeBERTa's attention is none that the
    optimizer knows, and it takes more than 20 minutes to find that out; what it makes of rotary
    positions does not run on more than one text."""
    from collections import Counter
    from onnxruntime.transformers import optimizer
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    if config["model_type"] in ("deberta-v2", "modernbert", "nomic_bert"):
        shutil.copy(plain, path)
        said = "by the session alone"
    else:
        model = optimizer.optimize_model(
            plain, model_type="bert", opt_level=0,
            num_heads=config.get("num_attention_heads") or config["n_heads"],
            hidden_size=config.get("hidden_size") or config["dim"])
        model.save_model_to_file(path)
        ops = Counter(node.op_type for node in model.model.graph.node)
        said = " ".join("%s:%d" % (op, ops[op]) for op in FUSED if ops[op])
    with open(path + ".txt", "w", encoding="utf-8") as f:
        f.write(said)


def make_int8(folder):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    # Weights of 7 bits: without VNNI, 8 bits saturate in AVX2's products of bytes.
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        vnni = "vnni" in f.read()
    quantize_dynamic(os.path.join(folder, "fused.onnx"), os.path.join(folder, "int8.onnx"),
                     per_channel=True, reduce_range=not vnni, weight_type=QuantType.QInt8,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


def make_ctranslate2(directory, folder):
    """It has not each family; engines.py says so where the folder is missing."""
    from ctranslate2.converters import TransformersConverter
    try:
        TransformersConverter(directory).convert(folder, force=True)
    except (KeyError, ValueError) as error:
        print("ctranslate2: %s" % error, file=sys.stderr)


def make_openvino(plain, path):
    import openvino
    openvino.save_model(openvino.convert_model(plain), path, compress_to_fp16=False)


def make_openvino_int8(folder, batches):
    """NNCF's static quantization with `batches` as calibration data."""
    try:
        import nncf
        import openvino
    except ImportError:
        return
    small = nncf.quantize(openvino.Core().read_model(os.path.join(folder, "openvino.xml")),
                          nncf.Dataset(batches), model_type=nncf.ModelType.TRANSFORMER,
                          subset_size=len(batches))
    openvino.save_model(small, os.path.join(folder, "openvino-int8.xml"))


def calibration(directory):
    """48 passages of the model's own README, or of this file, as single batches."""
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    readme = os.path.join(directory, "README.md")
    with open(readme if os.path.exists(readme) else __file__, encoding="utf-8") as f:
        words = f.read().split()
    batches = []
    for i in range(48):
        at = i * 29 % max(len(words) - 90, 1)
        ids = np.array([tokenizer.encode(" ".join(words[at:at + 8 + i * 2])).ids])
        batches.append([ids, np.ones_like(ids)])
    return batches


def once(folder, name, make):
    """Calls make unless a mark in the folder says that it was done."""
    mark = os.path.join(folder, name + ".done")
    if not os.path.exists(mark):
        make()
        with open(mark, "w", encoding="utf-8"):
            pass


def main():
    if sys.argv[1] in families.FAMILIES:
        families.make(*sys.argv[1:4])
        return
    directory, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    plain = os.path.join(folder, "plain.onnx")
    once(folder, "onnx", lambda: make_onnx(directory, plain))
    once(folder, "fused", lambda: make_fused(directory, plain, os.path.join(folder, "fused.onnx")))
    once(folder, "openvino", lambda: make_openvino(plain, os.path.join(folder, "openvino.xml")))
    once(folder, "ctranslate2", lambda: make_ctranslate2(directory, os.path.join(
        folder, "ctranslate2")))
    if "int8" in sys.argv[3:]:
        once(folder, "int8", lambda: make_int8(folder))
        once(folder, "openvino-int8", lambda: make_openvino_int8(folder, calibration(directory)))


if __name__ == "__main__":
    main()
