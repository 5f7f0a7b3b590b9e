/* The 2-3-3 network's training in plain C, by the article's formulas: float64, minibatches of 4, integer labels. */

#include <math.h>
#include <stdint.h>

enum { ROWS = 4, FEATURES = 2, HIDDEN = 3, CLASSES = 3 };

typedef struct {
    double w1[FEATURES][HIDDEN], b1[HIDDEN], w2[HIDDEN][CLASSES], b2[CLASSES];
} Parameters;

enum { SIZE = sizeof(Parameters) / sizeof(double) };

/* The mean cross-entropy of a minibatch; its gradient is left in g. */
static double loss_and_gradient(const Parameters *p, const double x[ROWS][FEATURES], const int64_t t[ROWS],
                                Parameters *g)
{
    double z[ROWS][HIDDEN], delta2[ROWS][CLASSES], delta1[ROWS][HIDDEN], loss = 0;
    for (int r = 0; r < ROWS; r++) {
        for (int j = 0; j < HIDDEN; j++) {
            double u = p->b1[j];
            for (int i = 0; i < FEATURES; i++) u += x[r][i] * p->w1[i][j];
            z[r][j] = tanh(u);
        }
        double u[CLASSES], greatest = -INFINITY, total = 0;
        for (int k = 0; k < CLASSES; k++) {
            u[k] = p->b2[k];
            for (int j = 0; j < HIDDEN; j++) u[k] += z[r][j] * p->w2[j][k];
            if (u[k] > greatest) greatest = u[k];
        }
        for (int k = 0; k < CLASSES; k++) total += delta2[r][k] = exp(u[k] - greatest);
        loss += log(total) - (u[t[r]] - greatest);
        for (int k = 0; k < CLASSES; k++) delta2[r][k] = (delta2[r][k] / total - (k == t[r])) / ROWS;
        for (int j = 0; j < HIDDEN; j++) {
            double d = 0;
            for (int k = 0; k < CLASSES; k++) d += delta2[r][k] * p->w2[j][k];
            delta1[r][j] = d * (1 - z[r][j] * z[r][j]);
        }
    }
    *g = (Parameters){0};
    for (int r = 0; r < ROWS; r++) {
        for (int j = 0; j < HIDDEN; j++) {
            for (int i = 0; i < FEATURES; i++) g->w1[i][j] += x[r][i] * delta1[r][j];
            g->b1[j] += delta1[r][j];
            for (int k = 0; k < CLASSES; k++) g->w2[j][k] += z[r][j] * delta2[r][k];
        }
        for (int k = 0; k < CLASSES; k++) g->b2[k] += delta2[r][k];
    }
    return loss / ROWS;
}

/* v <- momentum v - lr g; p <- p + v, after each of the minibatches, epochs times; the loss of each is stored. */
void train(double *parameters, double *velocity, double lr, double momentum, const double *x, const int64_t *t,
           int64_t steps, int64_t epochs, double *losses)
{
    for (int64_t epoch = 0; epoch < epochs; epoch++)
        for (int64_t n = 0; n < steps; n++) {
            Parameters g;
            *losses++ = loss_and_gradient((const Parameters *)parameters,
                                          (const double(*)[FEATURES])(x + n * ROWS * FEATURES), t + n * ROWS, &g);
            const double *gradient = (const double *)&g;
            for (int i = 0; i < SIZE; i++) {
                velocity[i] = momentum * velocity[i] - lr * gradient[i];
                parameters[i] += velocity[i];
            }
        }
}
