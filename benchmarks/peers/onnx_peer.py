# SPDX-License-Identifier: BSD-2-Clause
"""The score of one row of model A in ONNX Runtime, on one thread: an ONNX graph built here, of the same operations.
usage: onnx_peer.py"""

from serve import Case, serve, skip

try:
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    skip(f"ONNX Runtime: {error}")

ROWS, X, HIDDEN, Z = 2048, 784, 400, 20
GENERATOR = numpy.random.default_rng(1)


def dense(name, inputs, units, x, y):
    """A node, with its weights as PyTorch's export lays them out, [units][inputs]."""
    weight = GENERATOR.uniform(-1, 1, (units, inputs)).astype(numpy.float32) / inputs**0.5
    constants = [numpy_helper.from_array(weight, name + ".weight"),
                 numpy_helper.from_array(numpy.zeros(units, numpy.float32), name + ".bias")]
    return helper.make_node("Gemm", [x, name + ".weight", name + ".bias"], [y], transB=1), constants


def graph():
    layers = [dense("e0", X, HIDDEN, "x", "e0"), dense("e1", HIDDEN, 2 * Z, "e0r", "head"),
              dense("d0", Z, HIDDEN, "mu", "d0"), dense("d1", HIDDEN, X, "d0r", "logits")]
    node = helper.make_node
    nodes = [
        layers[0][0], node("Relu", ["e0"], ["e0r"]), layers[1][0], node("Split", ["head"], ["mu", "logvar"], axis=1),
        layers[2][0], node("Relu", ["d0"], ["d0r"]), layers[3][0],
        node("Mul", ["x", "logits"], ["xl"]), node("Softplus", ["logits"], ["sp"]),
        node("Sub", ["sp", "xl"], ["bce"]),
        node("ReduceSum", ["bce", "axis"], ["reconstruction"], keepdims=0),
        node("Exp", ["logvar"], ["variance"]), node("Mul", ["mu", "mu"], ["square"]),
        node("Add", ["variance", "square"], ["t0"]), node("Sub", ["t0", "logvar"], ["t1"]),
        node("Sub", ["t1", "one"], ["t2"]), node("ReduceSum", ["t2", "axis"], ["t3"], keepdims=0),
        node("Mul", ["t3", "half"], ["kl"]), node("Add", ["reconstruction", "kl"], ["score"]),
    ]
    constants = [constant for layer in layers for constant in layer[1]]
    constants += [numpy_helper.from_array(numpy.array([1], numpy.int64), "axis"),
                  numpy_helper.from_array(numpy.float32(1), "one"),
                  numpy_helper.from_array(numpy.float32(0.5), "half")]
    value = helper.make_tensor_value_info
    return helper.make_graph(nodes, "score", [value("x", TensorProto.FLOAT, [1, X])],
                             [value("score", TensorProto.FLOAT, [1])], constants)


def make_score():
    model = helper.make_model(graph(), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    data = (GENERATOR.random((ROWS, X)) < 0.3).astype(numpy.float32)
    at = 0

    def run():
        nonlocal at
        session.run(None, {"x": data[at:at + 1]})
        at = (at + 1) % ROWS

    return run, None


serve(f"ONNX Runtime {onnxruntime.__version__}", {"score": Case(1, make_score)})
