# SPDX-License-Identifier: Apache-2.0
"""One peer in a process of its own, obeying the lines that driver.c obeys:

    python engines.py ENGINE MODEL_DIR FORMS THREADS PRECISION

ENGINE is a key of ENGINES, FORMS the folder of prepare.py.  First answer: what it took to open,
and the settings.  Batches are padded to their longest text; where each batch of a work has one
shape, the engines that gain from knowing it are told."""
import json
import os
import resource
import sys
import time

import numpy as np

LONGEST = 8192


class Engine:
    settings = {}

    def __init__(self, directory, forms, threads, precision):
        self.directory, self.forms = directory, forms
        self.threads, self.precision = threads, precision

    def shape(self, shape):
        """The shape of all batches to come; None: they differ."""

    def vectors(self, inputs):
        """inputs: ids, mask -> normalized means of the hidden rows."""
        return self.run(inputs)

    def run(self, inputs):
        raise NotImplementedError


class OnnxRuntime(Engine):
    def __init__(self, *args):
        super().__init__(*args)
        import onnxruntime as o
        options = o.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = o.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = o.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        name = "int8.onnx" if self.precision == "int8" else "fused.onnx"
        self.session = o.InferenceSession(os.path.join(self.forms, name), options,
                                          providers=["CPUExecutionProvider"])
        with open(os.path.join(self.forms, "fused.onnx.txt"), encoding="utf-8") as f:
            fused = f.read()
        self.settings = {"onnxruntime": o.__version__, "graph": name, "fused": fused,
                         "intra_op_num_threads": self.threads, "execution_mode": "sequential",
                         "graph_optimization_level": "all", "set_denormal_as_zero": 1}

    def run(self, inputs):
        return self.session.run(None, {"ids": inputs[0], "mask": inputs[1]})[0]


class CTranslate2(Engine):
    """Takes lists of ids and drops the padding itself.  Its pooling is not timed."""

    def __init__(self, *args):
        super().__init__(*args)
        import ctranslate2
        self.library = ctranslate2
        form = os.path.join(self.forms, "ctranslate2")
        if not os.path.exists(os.path.join(form, "model.bin")):
            sys.exit("no converter for this family")
        self.encoder = ctranslate2.Encoder(
            form, device="cpu", inter_threads=1,
            intra_threads=self.threads,
            compute_type={"fp32": "float32", "bf16": "bfloat16", "int8": "int8"}[self.precision])
        self.settings = {"ctranslate2": ctranslate2.__version__, "inter_threads": 1,
                         "compute_type": self.encoder.compute_type,
                         "intra_threads": self.threads,
                         "CT2_USE_MKL": os.environ.get("CT2_USE_MKL", "(unset)")}

    def lists(self, inputs):
        return [row[:n].tolist() for row, n in zip(inputs[0], inputs[1].sum(1))]

    def run(self, inputs):
        return self.encoder.forward_batch(inputs[2])

    def vectors(self, inputs):
        x = np.array(self.run(inputs).last_hidden_state.to(self.library.DataType.float32))
        mask = inputs[1][:, :, None].astype(np.float32)
        x = (x * mask).sum(1) / mask.sum(1)
        return x / np.linalg.norm(x, axis=1, keepdims=True)


class OpenVino(Engine):
    def __init__(self, *args):
        super().__init__(*args)
        import openvino
        self.core = openvino.Core()
        name = "openvino-int8.xml" if self.precision == "int8" else "openvino.xml"
        self.path = os.path.join(self.forms, name)
        self.config = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
                       "INFERENCE_NUM_THREADS": self.threads,
                       "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32"}
        self.settings = dict(self.config, openvino=openvino.__version__, model=name,
                             shapes="static where all batches have one, else dynamic")
        self.shape(None)

    def shape(self, shape):
        model = self.core.read_model(self.path)
        model.reshape({name: shape or (-1, -1) for name in ("ids", "mask")})
        self.request = self.core.compile_model(model, "CPU", self.config).create_infer_request()

    def run(self, inputs):
        return self.request.infer(inputs[:2], share_inputs=True, share_outputs=True)[0]

    def vectors(self, inputs):
        return np.array(self.run(inputs))


class Torch(Engine):
    def __init__(self, *args):
        super().__init__(*args)
        import torch
        import transformers
        torch.set_num_threads(self.threads)
        self.torch = torch
        self.model = self.load("sdpa").eval().requires_grad_(False)
        self.call = self.forward
        self.settings = {"torch": torch.__version__, "transformers": transformers.__version__,
                         "set_num_threads": self.threads,
                         "attention": self.model.config._attn_implementation,
                         "mode": "inference_mode"}

    def load(self, attention):
        import transformers
        try:
            return transformers.AutoModel.from_pretrained(
                self.directory, attn_implementation=attention, dtype=self.torch.float32)
        except ValueError:      # the family has no such form
            return self.load("eager")

    def forward(self, ids, mask):
        x = self.model(input_ids=ids, attention_mask=mask)[0]
        m = mask.unsqueeze(-1).to(x.dtype)
        return self.torch.nn.functional.normalize((x * m).sum(1) / m.sum(1), dim=1)

    def run(self, inputs):
        with self.torch.inference_mode():
            return self.call(*(self.torch.from_numpy(x) for x in inputs[:2])).numpy()


class TorchCompile(Torch):
    def __init__(self, *args):
        super().__init__(*args)
        import torch._inductor.config
        torch._inductor.config.freezing = True
        self.settings.update(mode="no_grad", compile="inductor, freezing; static shapes where "
                             "all batches have one, else dynamic=True")

    def shape(self, shape):
        self.torch._dynamo.reset()
        self.call = self.torch.compile(self.forward, dynamic=shape is None)

    def run(self, inputs):
        with self.torch.no_grad():
            return self.call(*(self.torch.from_numpy(x) for x in inputs[:2])).numpy()


ENGINES = {"onnxruntime": OnnxRuntime, "ctranslate2": CTranslate2, "openvino": OpenVino,
           "torch": Torch, "torch-compile": TorchCompile}


class Worker:
    def __init__(self, engine):
        import tokenizers
        self.engine = engine
        self.tokenizer = tokenizers.Tokenizer.from_file(
            os.path.join(engine.directory, "tokenizer.json"))
        self.tokenizer.enable_truncation(LONGEST)
        self.tokenizer.enable_padding()
        self.last_shape = 0

    def encode(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        ids = np.array([e.ids for e in encoded], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        inputs = [ids, mask]
        if hasattr(self.engine, "lists"):
            inputs.append(self.engine.lists(inputs))
        return inputs

    def load(self, path):
        with open(path, encoding="utf-8") as f:
            self.batches = [b.rstrip("\n").split("\n") for b in f.read().split("\n\n")]
        self.inputs = [self.encode(b) for b in self.batches]
        shapes = {x[0].shape for x in self.inputs}
        shape = shapes.pop() if len(shapes) == 1 else None
        if shape != self.last_shape:
            self.engine.shape(shape)
            self.last_shape = shape
        return {"texts": sum(map(len, self.batches)), "batches": len(self.batches),
                "tokens": int(sum(x[1].sum() for x in self.inputs)),
                "cells": int(sum(x[0].size for x in self.inputs))}

    def vectors(self, path):
        rows = np.concatenate([self.engine.vectors(x) for x in self.inputs])
        rows.astype(np.float32).tofile(path)
        return {"width": rows.shape[1]}

    def time(self, what, seconds):
        walls, cpus = [], []
        begin = last = time.perf_counter()
        cpu = time.process_time()
        while True:
            if what == "ids":
                for inputs in self.inputs:
                    self.engine.run(inputs)
            else:
                for batch in self.batches:
                    self.engine.run(self.encode(batch))
            now, used = time.perf_counter(), time.process_time()
            walls.append(now - last)
            cpus.append(used - cpu)
            last, cpu = now, used
            if now - begin >= float(seconds):
                return {"seconds": walls, "cpu": cpus}

    def peak(self):
        return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)       # what the libraries print is no answer
    begin = time.perf_counter()
    name, directory, forms, threads, precision = sys.argv[1:6]
    worker = Worker(ENGINES[name](directory, forms, int(threads), precision))
    print(json.dumps({"opened": time.perf_counter() - begin,
                      "settings": worker.engine.settings}), file=answers)
    for line in sys.stdin:
        words = line.split()
        print(json.dumps(getattr(worker, words[0])(*words[1:])), file=answers)


if __name__ == "__main__":
    main()
