"""fit, evaluate and predict against the same written out."""

from functools import partial

import numpy as np
import pytest

import tinygrad_np as tg
from tests.training.runs import RNG, X, Y, bits, plain, trainer, whole

WEIGHT = RNG.random(50)


@pytest.mark.parametrize("name", tg.optim.OPTIMIZERS)
def test_a_fit_equals_the_same_loop_by_hand_to_the_last_bit(name):
    make = tg.optim.by_name(name)
    ours, theirs = plain(), plain()
    run = tg.Trainer(ours, tg.softmax_cross_entropy, name, seed=3)
    history = run.fit(X, Y, epochs=3, batch_size=16)
    optimizer, losses = make(theirs), []
    batches = tg.data.minibatches((X, Y), 16, rng=np.random.default_rng(3))
    for _ in range(3):
        total = 0.0
        for x, y in batches:
            loss = optimizer.step(lambda x=x, y=y: tg.softmax_cross_entropy(theirs(x), y))
            total += loss.item() * len(x)
        losses.append(total / len(X))
    assert bits(ours) == bits(theirs)
    assert history["loss"].tolist() == losses
    assert history["gradient_norm"][-1] == tg.optim.global_norm(optimizer)


def test_a_fit_equals_the_loop_that_reseeds_dropout_by_hand():
    ours, theirs = whole(), whole()
    tg.Trainer(ours, "softmax_cross_entropy", tg.optim.MomentumSGD, seed=3).fit(X, Y, epochs=2, batch_size=16)
    rng = np.random.default_rng(3)
    theirs.reseed(rng)
    optimizer = tg.optim.MomentumSGD(theirs)
    batches = tg.data.minibatches((X, Y), 16, rng=rng)
    for _ in range(2):
        for x, y in batches:
            optimizer.zero_grad()
            tg.losses.softmax_cross_entropy(theirs(x), y).backward()
            optimizer.step()
    assert bits(ours) == bits(theirs)


def frozen(model=None, **options):
    """A Trainer whose steps move nothing, so that a loss of an epoch is that of all rows."""
    return tg.Trainer(model or plain(), "softmax_cross_entropy", partial(tg.optim.SGD, lr=0.0), seed=0, **options)


@pytest.mark.parametrize("batch_size", [1, 7, 49, 50, 1000])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["rows", "weights"])
def test_an_epochs_loss_is_that_of_all_rows_whatever_the_last_batch(batch_size, weight):
    run = frozen(metrics=["accuracy"])
    history = run.fit(X, Y, 1, batch_size, sample_weight=weight)
    expected = tg.losses.softmax_cross_entropy(run.model(X), Y, sample_weight=weight).item()
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-6)
    assert history["accuracy"] == tg.metrics.accuracy(run.model(X), Y)
    found = run.evaluate(X, Y, batch_size, sample_weight=weight)
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-6)
    assert found["accuracy"] == history["accuracy"]


def test_a_metric_that_is_no_mean_over_batches_is_of_all_rows():
    model = tg.Sequential(tg.nn.Linear(3, 1, rng=0))
    run = tg.Trainer(
        model, "squared_error", partial(tg.optim.SGD, lr=0.0), metrics=["r2", tg.metrics.mean_absolute_error]
    )
    target = X[:, :1] * 2.0
    history = run.fit(X, target, 1, batch_size=7, validation=(X[:9], target[:9]))
    assert history["r2"] == pytest.approx(tg.metrics.r2(model(X), target))
    assert history["validation_r2"] == pytest.approx(tg.metrics.r2(model(X[:9]), target[:9]))
    assert list(history.columns) == [
        *["epoch", "loss", "r2", "mean_absolute_error", "validation_loss", "validation_r2"],
        *["validation_mean_absolute_error", "lr", "gradient_norm", "seconds"],
    ]


def test_training_is_in_training_mode_and_validation_is_not_and_modes_are_put_back():
    modes = []

    class Watched(tg.nn.Module):
        def __call__(self, x):
            modes.append((self.training, tg.is_recording()))
            return x

    model = tg.Sequential(tg.nn.Linear(3, 3, rng=0), Watched(), tg.nn.Dropout(0.5))
    model.eval()
    model[2].train()
    run = tg.Trainer(model, "softmax_cross_entropy", "sgd", seed=0)
    before = [module.training for _, module in model.named_modules()]
    run.fit(X, Y, 1, batch_size=25, validation=(X, Y), callbacks=[lambda *_: modes.append("callback")])
    assert modes == [(False, True)] * 2 + [(True, True)] * 2 + [(False, False), "callback"]
    del modes[:]
    run.evaluate(X, Y)
    run.predict(X)
    assert modes == [(False, False)] * 2
    assert [module.training for _, module in model.named_modules()] == before
    assert tg.is_recording()


def test_a_part_that_is_frozen_in_evaluation_stays_so():
    model = whole()
    model[1].eval()
    before = bits(dict(model.named_buffers()))
    run = tg.Trainer(model, "softmax_cross_entropy", "sgd", seed=0)
    run.fit(X, Y, 2, batch_size=49, validation=(X, Y))  # with a last batch of one row, which evaluation allows
    assert bits(dict(model.named_buffers())) == before
    model.eval()
    run.fit(X, Y, 1)
    assert bits(dict(model.named_buffers())) != before


def test_prediction_is_that_of_the_model_in_evaluation():
    run = trainer(average=None)
    run.fit(X, Y, 2)
    expected = run.model.eval()(X).data
    found = run.predict(X, batch_size=7)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (type(found), found.dtype) == (np.ndarray, np.float32)


def test_the_average_is_what_is_evaluated_and_validated():
    run = trainer()
    run.fit(X, Y, 3, validation=(X, Y))
    with run.average.swapped():
        expected = run.model.eval()(X).data
    assert run.average.updates == 6
    np.testing.assert_array_equal(run.predict(X), expected)
    assert run.history["validation_loss"][-1] == run.evaluate(X, Y)["loss"]
    assert run.history["validation_accuracy"][-1] == run.evaluate(X, Y)["accuracy"]


def test_a_fraction_of_the_rows_validates_the_same_ones_in_every_fit():
    seen = set()

    def loss(output, y):
        if tg.is_recording():
            seen.update(y.tolist())
        return tg.losses.squared_error(output[:, 0], y)

    run = tg.Trainer(tg.Sequential(tg.nn.Linear(3, 1, rng=0)), loss, "sgd", seed=0)
    numbers = np.arange(50.0)
    for _ in range(3):
        run.fit(X, numbers, 2, validation=0.2)
    assert len(seen - {0.0}) in (39, 40)  # the first row is looked at before the fit
    assert len(run.history) == 6


def test_data_may_be_containers_and_memory_maps(tmp_path):
    class Two(tg.nn.Module):
        def __init__(self):
            self.first, self.second = tg.nn.Linear(3, 3, rng=0), tg.nn.Linear(2, 3, rng=1)

        def __call__(self, x):
            return self.first(x["a"]) + self.second(x["b"])

    path = tmp_path / "a.npy"
    np.save(path, X)
    data = {"a": np.load(path, mmap_mode="r"), "b": X[:, :2]}
    run = tg.Trainer(Two(), "softmax_cross_entropy", partial(tg.optim.Adam, lr=0.05), seed=0, metrics=["accuracy"])
    history = run.fit(data, Y, 20, validation=0.2)
    assert history["loss"][-1] < history["loss"][0]
    assert run.predict(data).shape == (50, 3)


def test_rows_of_weight_0_count_nothing_wherever_they_are():
    weight = np.zeros(50)
    weight[:3] = 1.0
    run = frozen()
    of_rows = tg.losses.softmax_cross_entropy(run.model(X), Y, reduction="none").data
    history = run.fit(X, Y, 1, batch_size=5, sample_weight=weight)
    assert history["loss"] == pytest.approx(of_rows[:3].mean())
    assert run.evaluate(X, Y, 5, sample_weight=weight[::-1])["loss"] == pytest.approx(of_rows[-3:].mean())
    assert frozen().fit(X, Y, 1, 5, 0.02, weight)["validation_loss"] == 0.0  # of one row, none of those that count


def test_the_last_smaller_minibatch_can_be_left_out():
    ours, theirs = whole(), whole()
    history = tg.Trainer(ours, "softmax_cross_entropy", tg.optim.SGD, seed=3).fit(X, Y, 2, 16, drop_last=True)
    rng, losses = np.random.default_rng(3), []
    theirs.reseed(rng)
    optimizer = tg.optim.SGD(theirs)
    batches = tg.data.minibatches((X, Y), 16, rng, drop_last=True)
    for _ in range(2):
        losses += [[optimizer.step(lambda x=x, y=y: tg.softmax_cross_entropy(theirs(x), y)).item() for x, y in batches]]
    assert bits(ours) == bits(theirs)
    np.testing.assert_allclose(history["loss"], np.mean(losses, axis=1), rtol=1e-12)


def test_without_shuffling_minibatches_come_in_order():
    ours, theirs = plain(), plain()
    tg.Trainer(ours, "softmax_cross_entropy", tg.optim.SGD, seed=0).fit(X, Y, 1, 20, shuffle=False)
    optimizer = tg.optim.SGD(theirs)
    for start in (0, 20, 40):
        optimizer.step(lambda part=slice(start, start + 20): tg.softmax_cross_entropy(theirs(X[part]), Y[part]))
    assert bits(ours) == bits(theirs)


def test_an_optimizer_that_was_made_before_and_names_none_of_its_parameters_will_do(tmp_path):
    runs = []
    for _ in range(2):
        model = plain()
        runs.append(tg.Trainer(model, "softmax_cross_entropy", tg.optim.Adam(model.parameters(), lr=0.1), seed=0))
    runs[0].fit(X, Y, 2)
    runs[0].save(tmp_path / "run.safetensors")
    runs[1].load(tmp_path / "run.safetensors")
    for run in runs:
        run.fit(X, Y, 1)
    assert bits(runs[0]) == bits(runs[1])


def test_text_says_what_is_trained_how_and_how_far():
    run = tg.Trainer(plain(), "softmax_cross_entropy", "sgd", seed=0)
    assert repr(run) == "Trainer(softmax_cross_entropy, SGD(4 parameters: lr=0.01), 0 epochs)"


def test_a_second_fit_goes_on_and_no_epochs_are_none():
    once, twice = trainer(), trainer()
    once.fit(X, Y, 5, validation=0.2)
    assert twice.fit(X, Y, 0, validation=0.2) is twice.history
    twice.fit(X, Y, 2, validation=0.2)
    twice.fit(X, Y, np.int64(3), validation=0.2)
    assert bits(once) == bits(twice)
    assert once.history["epoch"].tolist() == [1, 2, 3, 4, 5]


def test_numpys_global_generator_neither_matters_nor_moves():
    legacy = np.random.get_state()  # noqa: NPY002 - the global state, which must not matter
    runs = []
    try:
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002 - the global one is meant
            before = np.random.get_state()[1].tobytes()  # noqa: NPY002 - the global one is meant
            runs.append(trainer())
            runs[-1].fit(X, Y, 2, validation=0.2)
            assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002 - the global one is meant
    finally:
        np.random.set_state(legacy)  # noqa: NPY002 - the global one is meant
    assert bits(runs[0]) == bits(runs[1])


def test_the_seed_decides_dropout_too_and_none_leaves_it():
    first, second, other = (tg.Trainer(whole(), "softmax_cross_entropy", "sgd", seed=seed) for seed in (1, 1, 2))
    masks = [bits(run.model)["3.rng"] for run in (first, second, other)]
    assert masks[0] == masks[1] != masks[2]
    model = whole()
    before = bits(model)
    tg.Trainer(model, "softmax_cross_entropy", "sgd")
    assert bits(model) == before


def test_a_plateau_observes_the_validation_loss():
    rate = tg.optim.schedules.plateau(0.1, factor=0.5, patience=1)
    run = tg.Trainer(plain(), lambda output, y: np.sum(output * 0.0) + 1.0, partial(tg.optim.SGD, lr=rate), seed=0)
    assert run.fit(X, Y, 6)["lr"].tolist() == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]


def test_memory_does_not_grow_from_epoch_to_epoch():
    import gc
    import tracemalloc

    run = trainer(plain(), average=None)
    run.fit(X, Y, 2, validation=0.2)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        run.fit(X, Y, 3, validation=0.2)
        first = tracemalloc.get_traced_memory()[0]
        run.fit(X, Y, 20, validation=0.2)
        assert tracemalloc.get_traced_memory()[0] - first < 20 * 1500  # a row of the history, and no more
    finally:
        tracemalloc.stop()
        gc.enable()


def test_schedules_and_hooks_with_a_state_begin_anew_in_each_run():
    noise = tg.optim.GradientNoise(rng=0)
    make = partial(tg.optim.SGD, lr=tg.optim.schedules.plateau(0.5, factor=0.5, patience=0), hooks=[noise])
    first, second = [tg.Trainer(plain(), "softmax_cross_entropy", make, seed=0) for _ in range(2)]
    losses = [run.fit(X, Y, 5)["loss"].tolist() for run in (first, second)]
    assert losses[0] == losses[1]
    assert noise.calls == 0


def test_an_optimizer_may_be_made_by_a_method_of_what_holds_the_model():
    class Experiment:
        def __init__(self):
            self.model = plain()

        def optimizer(self, model):
            return tg.optim.SGD(self.model.parameters())

    experiment = Experiment()
    assert len(tg.Trainer(experiment.model, "softmax_cross_entropy", experiment.optimizer).fit(X, Y, 1)) == 1


def test_parameters_that_are_frozen_are_left_out_and_keep_their_names():
    model = plain()
    frozen = model.parameters()[0]
    frozen.requires_grad = False
    before = frozen.data.copy()
    run = tg.Trainer(model, "softmax_cross_entropy", "adam", seed=0)
    run.fit(X, Y, 2)
    np.testing.assert_array_equal(frozen.data, before)
    names = [name for name, _ in model.named_parameters()]
    assert list(run.optimizer.state_dict()["states"]["m"]) == names[1:]
