/* SPDX-License-Identifier: MIT */
#ifndef FRI_OPTS_H
#define FRI_OPTS_H

/*
 * Floor 0: structs that grow, with options or with answers. Each begins with its size as the caller
 * knew it; releases add fields at the end only, and zero is every option's default.
 */

#include <stddef.h>

/*
 * Copies the options that a caller gave (NULL: none) into known, the same struct as this library
 * knows it; its .size becomes known_size. given_size is the caller's .size, whatever it is if given
 * is NULL.
 *
 * 0; FR_EINVAL .size is none that the struct ever had, so it was probably not set; FR_ENOTSUP the
 * caller sets a field that this library does not know.
 */
int fri_opts_read(void *known, size_t known_size, const void *given, size_t given_size);

/* Answers: as much of ours as the caller's struct has room for; its .size stays the caller's. */
void fri_opts_give(void *out, size_t out_size, const void *ours, size_t our_size);

#endif
