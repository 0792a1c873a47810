/* SPDX-License-Identifier: BSD-2-Clause
 * Names that the kernel files of one instruction set share: plain in the source, with the set in the symbol.
 *
 * isa.h includes this file. A name here must not be that of a member of a table.
 */
#ifndef VAE_LIB_KERNELS_NAMES_H
#define VAE_LIB_KERNELS_NAMES_H

/* exact/, float32 */
#define rows32_run K(rows32_run)
#define kl_diag32_blocks K(kl_diag32_blocks)
#define kl_pair32_blocks K(kl_pair32_blocks)
#define reparam32_blocks K(reparam32_blocks)
#define reparam_grad32_blocks K(reparam_grad32_blocks)
#define bernoulli32_blocks K(bernoulli32_blocks)
#define gauss32_blocks K(gauss32_blocks)
#define std_normal32_blocks K(std_normal32_blocks)
#define laplace32_blocks K(laplace32_blocks)
#define poisson32_blocks K(poisson32_blocks)
#define cbernoulli32_blocks K(cbernoulli32_blocks)
#define kl_full32 K_NARROW(kl_full32)
#define categorical32 K(categorical32)
#define logmeanexp32 K(logmeanexp32)

/* exact/, float64 */
#define rows64_run K(rows64_run)
#define rows64_add K(rows64_add)
#define rows64_total K(rows64_total)
#define lanes_exp K(lanes_exp)
#define lanes_log K(lanes_log)
#define lanes_log1p K(lanes_log1p)
#define lanes_add_weighted K(lanes_add_weighted)
#define kl_diag64_terms K(kl_diag64_terms)
#define kl_diag64_grads K(kl_diag64_grads)
#define kl_pair64_terms K(kl_pair64_terms)
#define kl_pair64_grads K(kl_pair64_grads)
#define reparam64_grads K(reparam64_grads)
#define reparam_grad64_grads K(reparam_grad64_grads)
#define bernoulli64_terms K(bernoulli64_terms)
#define bernoulli64_grads K(bernoulli64_grads)
#define gauss64_terms K(gauss64_terms)
#define gauss64_grads K(gauss64_grads)
#define std_normal64_terms K(std_normal64_terms)
#define std_normal64_grads K(std_normal64_grads)
#define laplace64_terms K(laplace64_terms)
#define laplace64_grads K(laplace64_grads)
#define poisson64_terms K(poisson64_terms)
#define poisson64_grads K(poisson64_grads)
#define cbernoulli64_terms K(cbernoulli64_terms)
#define cbernoulli64_grads K(cbernoulli64_grads)
#define kl_full64 K_NARROW(kl_full64)
#define categorical64 K(categorical64)
#define logmeanexp64 K(logmeanexp64)

/* random/ */
#define rng_words K(rng_words)
#define rng_normals K(rng_normals)
#define observe_laplace K_PLAIN(observe_laplace)
#define observe_poisson K_PLAIN(observe_poisson)
#define observe_cbernoulli K_PLAIN(observe_cbernoulli)

/* train/ */
#define tile_block K(tile_block)
#define tile_back_block K(tile_back_block)
#define tile_pack K(tile_pack)
#define tile_row K(tile_row)
#define epilogue_rows K(epilogue_rows)
#define transpose_matrix K(transpose_matrix)
#define train_gate_back K(train_gate_back)
#define train_bernoulli K(train_bernoulli)
#define train_gauss K(train_gauss)

#endif
