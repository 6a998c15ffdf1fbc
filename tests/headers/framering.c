/* SPDX-License-Identifier: MIT */

/*
 * The public header alone, twice: compiled as C11 and as C++17 with pedantic warnings as errors.
 * A user's file need include nothing before it.
 */

#include <framering/framering.h>
/* Again: a header guards itself. */
#include <framering/framering.h>

uint64_t bytes_of_a_frame(void);

uint64_t bytes_of_a_frame(void)
{
    return fr_frame_size(1920, 1080, FR_FORMAT_BGRA);
}
