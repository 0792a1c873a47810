/* SPDX-License-Identifier: BSD-2-Clause
 * Real numbers as decimal text, exactly and in every locale: printf() and strtod() depend on it.
 */
#ifndef VAE_LIB_FILES_NUMBER_H
#define VAE_LIB_FILES_NUMBER_H

#include <stddef.h>

/* Bytes of any number's text, its NUL included. */
#define VAE_NUMBER_ROOM 32

/* Writes the fewest digits that read back as `value`, or nan, inf, -inf. */
void vae_number_write(double value, char text[VAE_NUMBER_ROOM]);
/* Reads a number in JSON's grammar, rounded to the nearest, ties to even; 0 where it overflows or has more
 * than 64 characters. */
int vae_number_read(const char *text, size_t size, double *value);

#endif
