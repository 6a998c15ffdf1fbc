/* SPDX-License-Identifier: MIT */
/* The list of sources: the first one that recognises the argument of -i gets it. */

#include "source.h"

const struct source *const sources[] = {
    &source_test,
    &source_x11,
#ifdef HAVE_WAYLAND
    &source_wayland,
#endif
#ifdef HAVE_AV
    &source_av,
#endif
    &source_y4m, /* takes what looks like a file and nobody else wants */
    NULL,
};
