/* SPDX-License-Identifier: MIT */

/* The bridge's header alone, twice: as C11 and as C++17, see framering.c. */

#include <framering/av.h>
/* Again: a header guards itself. */
#include <framering/av.h>

int planes_of(const struct AVFrame *frame);

int planes_of(const struct AVFrame *frame)
{
    return frame->data[1] ? 2 : 1;
}
