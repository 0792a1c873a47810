/* SPDX-License-Identifier: BSD-2-Clause
 * Test support: the kernels that work element by element, behind one signature; float32, or float64 where
 * FAMILIES_F64 is defined.
 */
#ifndef VAE_TESTS_FAMILIES_H
#define VAE_TESTS_FAMILIES_H

#include <stddef.h>

#include <vae/vae.h>

enum { FAMILY_MATRICES = 4 };

#ifdef FAMILIES_F64
typedef double family_real;
#define FAMILY_CALL(name) vae_##name##_f64
#else
typedef float family_real;
#define FAMILY_CALL(name) vae_##name
#endif

struct family_call {
    size_t n, d;
    const family_real *in[FAMILY_MATRICES];
    size_t ld_in[FAMILY_MATRICES];
    const family_real *w;
    family_real *value;
    family_real *grad[FAMILY_MATRICES];
    size_t ld_grad[FAMILY_MATRICES];
};

struct family {
    const char *name;
    int inputs, grads;
    int (*value)(const struct family_call *c); /* into c->value; no gradients, no weights */
    int (*grad)(const struct family_call *c);
};

#define FAMILY_IN(k) c->in[k], c->ld_in[k]
#define FAMILY_GRAD(k) c->grad[k], c->ld_grad[k]

#define FAMILY_1_1(name)                                                                                     \
    static int name##_v(const struct family_call *c)                                                         \
    {                                                                                                        \
        return FAMILY_CALL(name)(c->n, c->d, FAMILY_IN(0), c->value);                                        \
    }                                                                                                        \
    static int name##_g(const struct family_call *c)                                                         \
    {                                                                                                        \
        return FAMILY_CALL(name##_grad)(c->n, c->d, FAMILY_IN(0), c->w, c->value, FAMILY_GRAD(0));           \
    }
#define FAMILY_2_1(name)                                                                                     \
    static int name##_v(const struct family_call *c)                                                         \
    {                                                                                                        \
        return FAMILY_CALL(name)(c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), c->value);                          \
    }                                                                                                        \
    static int name##_g(const struct family_call *c)                                                         \
    {                                                                                                        \
        return FAMILY_CALL(name##_grad)(                                                                     \
            c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), c->w, c->value, FAMILY_GRAD(0));                         \
    }
#define FAMILY_3_2(name)                                                                                     \
    static int name##_v(const struct family_call *c)                                                         \
    {                                                                                                        \
        return FAMILY_CALL(name)(c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), FAMILY_IN(2), c->value);            \
    }                                                                                                        \
    static int name##_g(const struct family_call *c)                                                         \
    {                                                                                                        \
        return FAMILY_CALL(name##_grad)(c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), FAMILY_IN(2), c->w,          \
            c->value, FAMILY_GRAD(0), FAMILY_GRAD(1));                                                       \
    }
FAMILY_1_1(loglik_std_normal)
FAMILY_2_1(loglik_bernoulli)
FAMILY_2_1(loglik_cbernoulli)
FAMILY_2_1(loglik_poisson)
FAMILY_3_2(loglik_gauss)
FAMILY_3_2(loglik_laplace)

static int kl_diag_v(const struct family_call *c)
{
    return FAMILY_CALL(kl_diag_gauss)(c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), c->value);
}

static int kl_diag_g(const struct family_call *c)
{
    return FAMILY_CALL(kl_diag_gauss_grad)(
        c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), c->w, c->value, FAMILY_GRAD(0), FAMILY_GRAD(1));
}

static int kl_pair_v(const struct family_call *c)
{
    return FAMILY_CALL(kl_diag_gauss_pair)(
        c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), FAMILY_IN(2), FAMILY_IN(3), c->value);
}

static int kl_pair_g(const struct family_call *c)
{
    return FAMILY_CALL(kl_diag_gauss_pair_grad)(c->n, c->d, FAMILY_IN(0), FAMILY_IN(1), FAMILY_IN(2),
        FAMILY_IN(3), c->w, c->value, FAMILY_GRAD(0), FAMILY_GRAD(1), FAMILY_GRAD(2), FAMILY_GRAD(3));
}

enum { KL_DIAG, KL_PAIR, GAUSS, LAPLACE, BERNOULLI, CBERNOULLI, POISSON, STD_NORMAL, FAMILIES };

static const struct family families[FAMILIES] = {
    {"kl_diag_gauss", 2, 2, kl_diag_v, kl_diag_g},
    {"kl_diag_gauss_pair", 4, 4, kl_pair_v, kl_pair_g},
    {"loglik_gauss", 3, 2, loglik_gauss_v, loglik_gauss_g},
    {"loglik_laplace", 3, 2, loglik_laplace_v, loglik_laplace_g},
    {"loglik_bernoulli", 2, 1, loglik_bernoulli_v, loglik_bernoulli_g},
    {"loglik_cbernoulli", 2, 1, loglik_cbernoulli_v, loglik_cbernoulli_g},
    {"loglik_poisson", 2, 1, loglik_poisson_v, loglik_poisson_g},
    {"loglik_std_normal", 1, 1, loglik_std_normal_v, loglik_std_normal_g},
};

/* One element: value, then gradients, into out[1 + grads]; w is one upstream weight or NULL. */
static inline int family_element(
    const struct family *f, const family_real *in, const family_real *w, family_real *out)
{
    struct family_call c = {.n = 1, .d = 1, .w = w, .value = out};
    for (int k = 0; k < FAMILY_MATRICES; k++) {
        c.in[k] = in + k;
        c.grad[k] = out + 1 + k;
        c.ld_in[k] = c.ld_grad[k] = 1;
    }
    for (int k = 0; k < f->grads; k++)
        out[1 + k] = 0;
    return f->grad(&c);
}

#endif
