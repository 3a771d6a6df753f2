# SPDX-License-Identifier: Apache-2.0
"""The model in the form of each peer, made once and kept in a folder:

    python prepare.py MODEL_DIR FOLDER          the peers' forms
    python prepare.py --base MODEL_DIR FOLDER   a model directory of BERT-base's shape with
                                                random weights and MODEL_DIR's tokenizer
"""
import json
import os
import shutil
import sys

import numpy as np


def make_base(tokenizer_dir, folder):
    """Weights are drawn wide enough for the vectors of different texts to differ."""
    if os.path.exists(os.path.join(folder, "model.safetensors")):
        return
    import torch
    import transformers
    torch.manual_seed(1)
    shape = transformers.BertConfig(initializer_range=0.05, position_embedding_type="absolute")
    shape.architectures = ["BertModel"]
    model = transformers.BertModel(shape)
    for name, tensor in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(tensor, std=0.05)
    model.save_pretrained(folder, safe_serialization=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                 "vocab.txt", "modules.json", "sentence_bert_config.json"):
        if os.path.exists(os.path.join(tokenizer_dir, name)):
            shutil.copy(os.path.join(tokenizer_dir, name), folder)
    shutil.copytree(os.path.join(tokenizer_dir, "1_Pooling"), os.path.join(folder, "1_Pooling"),
                    dirs_exist_ok=True)
    pooling = os.path.join(folder, "1_Pooling", "config.json")
    with open(pooling, encoding="utf-8") as f:
        options = json.load(f)
    options["word_embedding_dimension"] = shape.hidden_size
    with open(pooling, "w", encoding="utf-8") as f:
        json.dump(options, f)


def make_onnx(directory, folder):
    import torch
    import bert
    plain = os.path.join(folder, "plain.onnx")
    example = tuple(torch.ones(2, 7, dtype=torch.int64) for _ in range(3))
    axes = {n: {0: "batch", 1: "length"} for n in ("ids", "mask", "types")}
    axes["vectors"] = {0: "batch"}
    torch.onnx.export(bert.load(directory), example, plain, dynamo=False, opset_version=17,
                      input_names=["ids", "mask", "types"], output_names=["vectors"],
                      dynamic_axes=axes)
    return plain


def make_fused(directory, folder, plain):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    fused = os.path.join(folder, "fused.onnx")
    model = optimizer.optimize_model(plain, model_type="bert", opt_level=0,
                                     num_heads=config["num_attention_heads"],
                                     hidden_size=config["hidden_size"])
    if not model.is_fully_optimized():
        sys.exit("onnxruntime's optimizer did not fuse the whole graph")
    model.save_model_to_file(fused)
    # Weights of 7 bits: without VNNI, 8 bits saturate in AVX2's products of bytes.
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        vnni = "vnni" in f.read()
    quantize_dynamic(fused, os.path.join(folder, "int8.onnx"), per_channel=True,
                     reduce_range=not vnni, weight_type=QuantType.QInt8,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


def make_ctranslate2(directory, folder):
    from ctranslate2.converters import TransformersConverter
    TransformersConverter(directory).convert(os.path.join(folder, "ctranslate2"), force=True)


def make_openvino(folder, plain, batches):
    """fp32, and int8 by NNCF's static quantization with `batches` as calibration data."""
    import openvino
    model = openvino.convert_model(plain)
    openvino.save_model(model, os.path.join(folder, "openvino.xml"), compress_to_fp16=False)
    try:
        import nncf
    except ImportError:
        return
    small = nncf.quantize(model, nncf.Dataset(batches), model_type=nncf.ModelType.TRANSFORMER,
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
        batches.append([ids, np.ones_like(ids), np.zeros_like(ids)])
    return batches


def main():
    if sys.argv[1] == "--base":
        make_base(sys.argv[2], sys.argv[3])
        return
    directory, folder = sys.argv[1:3]
    done = os.path.join(folder, "done")
    if os.path.exists(done):
        return
    os.makedirs(folder, exist_ok=True)
    plain = make_onnx(directory, folder)
    make_fused(directory, folder, plain)
    make_ctranslate2(directory, folder)
    make_openvino(folder, plain, calibration(directory))
    open(done, "w").close()


if __name__ == "__main__":
    main()
