/* SPDX-License-Identifier: BSD-2-Clause
 * Examples. The README's program: the KL term of one latent vector.
 */
#include <stdio.h>
#include <vae/vae.h>

int main(void)
{
    float mu[] = {0.5f, -1.0f, 0.0f}, logvar[] = {-0.2f, 0.1f, 1e-4f}, kl;
    if (vae_kl_diag_gauss(1, 3, mu, 3, logvar, 3, &kl) != VAE_OK)
        return 1;
    printf("KL(q(z|x) || N(0, I)) = %.7f nats\n", kl);
    return 0;
}
