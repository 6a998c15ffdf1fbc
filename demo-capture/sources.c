/* SPDX-License-Identifier: MIT */
/* The list of sources: the first one that recognises the argument of -i gets it. */

#include "source.h"

const struct source *const sources[] = {
    &source_test,    &source_x11,
#ifdef HAVE_WAYLAND
    &source_wayland,
#endif
    &source_y4m,     NULL,
};
