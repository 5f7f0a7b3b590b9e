"""In tinygrad_np: an ordinary training step, compiled."""

import tinygrad_np as tg
from benchmarks.backpropagation import ETA, M
from benchmarks.programs.clusters import BATCH_SIZE, EPOCHS, labels, weights, x

model = tg.Sequential(tg.nn.Linear(2, 3), tg.nn.Tanh(), tg.nn.Linear(3, 3))
for parameter, weight in zip(model.parameters(), weights):
    parameter.data = weight
optimizer = tg.MomentumSGD(model.parameters(), lr=ETA, momentum=M)


@tg.compiled(state=(model, optimizer))
def step(x, t):
    """A step on a minibatch; gives the loss."""
    optimizer.zero_grad()
    loss = tg.softmax_cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
    return loss


losses = step.scan(x, labels, batch_size=BATCH_SIZE, epochs=EPOCHS)
print(losses.reshape(EPOCHS, -1)[-1].mean())
