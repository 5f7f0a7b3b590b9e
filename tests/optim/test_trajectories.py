"""Each optimizer's path on a small problem, beside the path that PyTorch 2.13 took on it.

The numbers are what this gives; "constant" means lrs=(0.1,) * 5, and "from 1" (1.0, 1.0, 0.5, 0.5, 0.5):

    import torch
    torch.set_default_dtype(torch.float64)
    c = torch.tensor([1.0, 4.0, 0.25])

    def trajectory(optimizer, lrs=(0.1, 0.1, 0.05, 0.05, 0.05), **settings):
        p = torch.tensor([1.0, -0.5, 2.0], requires_grad=True)
        steps = optimizer([p], lr=lrs[0], **settings)
        path = []
        for lr in lrs:
            steps.param_groups[0]["lr"] = lr
            steps.zero_grad()
            loss = (c * p**2).sum() / 2 + torch.sin(3 * p).sum()
            loss.backward()
            steps.step()
            path.append([float(f"{x:.12g}") for x in p.tolist()])
        return path

PyTorch has no Lion: the path of its paper's algorithm is in test_methods. Its SGD with momentum is our
CorrectedMomentumSGD; MomentumSGD and NesterovAG take PyTorch's paths while the rate is constant.
"""

import autograd.misc.optimizers as autograds
import numpy as np
import pytest

import tinygrad_np as tg
from tinygrad_np.optim import by_name

C = np.array([1.0, 4.0, 0.25])
FALLING, CONSTANT, FALLING_FROM_1 = (0.1, 0.1, 0.05, 0.05, 0.05), (0.1,) * 5, (1.0, 1.0, 0.5, 0.5, 0.5)
BETAS = {"beta1": 0.8, "beta2": 0.95}


def trajectory(name, lrs, **settings):
    p = tg.Tensor([1.0, -0.5, 2.0], requires_grad=True)
    optimizer = by_name(name)([p], lr=lambda step: lrs[step], **settings)
    path = []
    for _ in lrs:
        optimizer.step(lambda: (C * p**2).sum() / 2 + np.sin(3 * p).sum())
        path.append(p.data.tolist())
    return path


# fmt: off
PATHS = {
    "SGD()": ("sgd", FALLING, {}, [
        [1.19699774898, -0.3212211605, 1.661948914],
        [1.34751027263, -0.3638872116, 1.53938149349],
        [1.37326597982, -0.360261491123, 1.53425498205],
        [1.38837950396, -0.358804644919, 1.53148748472],
        [1.39701171073, -0.358216928689, 1.52999189947],
    ]),
    "SGD(weight_decay=0.1)": ("sgd", FALLING, {"l2": 0.1}, [
        [1.18699774898, -0.3162211605, 1.641948914],
        [1.33042795377, -0.361401399041, 1.52092856861],
        [1.35628668191, -0.357456555017, 1.51666919617],
        [1.37169425348, -0.355884592975, 1.51437779439],
        [1.38061364276, -0.35525540321, 1.51314347752],
    ]),
    "SGD(momentum=0.8), constant": ("momentum", CONSTANT, {"momentum": 0.8}, [
        [1.19699774898, -0.3212211605, 1.661948914],
        [1.50510847181, -0.22086414, 1.2689406247],
        [1.65982337586, -0.288752904279, 1.15884307419],
        [1.53843780179, -0.421867234507, 1.3251233055],
        [1.31656251602, -0.449755447988, 1.62664448534],
    ]),
    "SGD(momentum=0.8)": ("corrected_momentum", FALLING, {"momentum": 0.8}, [
        [1.19699774898, -0.3212211605, 1.661948914],
        [1.50510847181, -0.22086414, 1.2689406247],
        [1.58246592383, -0.25480852214, 1.21389184944],
        [1.55997834321, -0.339269331659, 1.28631060367],
        [1.46885659965, -0.417768990562, 1.44120036218],
    ]),
    "SGD(momentum=0.8, nesterov=True), constant": ("nesterov", CONSTANT, {"momentum": 0.8}, [
        [1.35459594816, -0.178198088901, 1.39150804521],
        [1.56304622534, -0.400133733304, 1.38918136729],
        [1.42440250737, -0.335566496304, 1.5095583244],
        [1.40616653193, -0.372184024655, 1.539973348],
        [1.40636146542, -0.349513155321, 1.53121606985],
    ]),
    "Adagrad()": ("adagrad", FALLING, {}, [
        [1.09999999999, -0.400000000006, 1.9],
        [1.16869948537, -0.37242202299, 1.83388358566],
        [1.1945125333, -0.367731209643, 1.80898114935],
        [1.21612400604, -0.364561149811, 1.78788571119],
        [1.23472425821, -0.362410394549, 1.76950492206],
    ]),
    "Adadelta(rho=0.8, eps=1e-3), from 1": ("adadelta", FALLING_FROM_1, {"rho": 0.8, "eps": 0.001}, [
        [1.07066517061, -0.429344565689, 1.92930478574],
        [1.1443248778, -0.381170911631, 1.85749044614],
        [1.18007666726, -0.372142977952, 1.82323719104],
        [1.21466967147, -0.366280541731, 1.79002172254],
        [1.24720163184, -0.362610362263, 1.75839175269],
    ]),
    "RMSprop(alpha=0.9)": ("rmsprop", FALLING, {"rho": 0.9}, [
        [1.31622776094, -0.183772239577, 1.68377223694],
        [1.43516061641, -0.415143044716, 1.55586561702],
        [1.41485008435, -0.370093286582, 1.54379855848],
        [1.40949971676, -0.360154042992, 1.53665083107],
        [1.40824195247, -0.358170908127, 1.53258134151],
    ]),
    "Adam(betas=(0.8, 0.95), eps=1e-3)": ("adam", FALLING, {**BETAS, "eps": 0.001}, [
        [1.09994926375, -0.400055903762, 1.90002957258],
        [1.19961832398, -0.317108107736, 1.80079868309],
        [1.24847305593, -0.296701247419, 1.75233849476],
        [1.29590700902, -0.293913285821, 1.70521573066],
        [1.34103423935, -0.303361044123, 1.65991873504],
    ]),
    "Adam(betas=(0.8, 0.95), weight_decay=0.1)": ("adam", FALLING, {**BETAS, "l2": 0.1}, [
        [1.09999999947, -0.400000000544, 1.90000000028],
        [1.19966993226, -0.316275266472, 1.80070643311],
        [1.24839156691, -0.294809028401, 1.75214442737],
        [1.29549197602, -0.290792691321, 1.70482703275],
        [1.33994373655, -0.299190252497, 1.65919645454],
    ]),
    "AdamW(betas=(0.8, 0.95), weight_decay=0.5)": ("adamw", FALLING, {**BETAS, "weight_decay": 0.5}, [
        [1.04999999949, -0.375000000559, 1.8000000003],
        [1.09745489114, -0.283888297397, 1.61309011611],
        [1.11985211266, -0.268278744285, 1.53122225676],
        [1.14150738262, -0.271324893661, 1.46057428838],
        [1.16236621626, -0.285092770429, 1.40359349225],
    ]),
    "Adam(betas=(0.8, 0.5), amsgrad=True)": ("amsgrad", FALLING, {"beta1": 0.8, "beta2": 0.5}, [
        [1.09999999949, -0.400000000559, 1.9000000003],
        [1.20059358173, -0.326045433031, 1.79875421354],
        [1.24999090087, -0.308107695238, 1.74984121784],
        [1.29588484791, -0.303285587618, 1.70438531598],
        [1.33673530289, -0.307119555099, 1.66327018513],
    ]),
    "NAdam(betas=(0.8, 0.95))": ("nadam", FALLING, BETAS, [
        [1.1095278077, -0.390472192358, 1.89047219207],
        [1.19383395617, -0.356204489258, 1.80895794526],
        [1.23104645145, -0.351059797239, 1.77267273575],
        [1.26692827359, -0.348938953962, 1.73707436699],
        [1.30093738553, -0.349144680571, 1.70245624985],
    ]),
}
# fmt: on


@pytest.mark.parametrize(("name", "lrs", "settings", "path"), PATHS.values(), ids=PATHS)
def test_path_is_that_of_pytorch(name, lrs, settings, path):
    np.testing.assert_allclose(trajectory(name, lrs, **settings), path, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "settings", "theirs"),
    [
        ("adam", {}, lambda g, p, n: autograds.adam(g, p, num_iters=n, step_size=0.1, b1=0.9, b2=0.999)),
        ("rmsprop", {"square": [np.ones(3)], "rho": 0.9}, lambda g, p, n: autograds.rmsprop(g, p, None, n, 0.1, 0.9)),
    ],
)
def test_path_is_that_of_autograds_own(name, settings, theirs):
    p = tg.Tensor([1.0, -0.5, 2.0], requires_grad=True)
    end = theirs(lambda p, _: C * p + 3 * np.cos(3 * p), p.data.copy(), 20)
    optimizer = by_name(name)([{"params": [p], **settings}], lr=0.1)
    for _ in range(20):
        optimizer.step(lambda: (C * p**2).sum() / 2 + np.sin(3 * p).sum())
    np.testing.assert_allclose(p.data, end, rtol=1e-12)
