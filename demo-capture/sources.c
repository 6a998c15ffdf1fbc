/* SPDX-License-Identifier: MIT */
/* The list of sources: the first one that recognises the argument of -i gets it. */

#include "source.h"

const struct source *const sources[] = { &source_test, &source_x11, &source_y4m, NULL };
