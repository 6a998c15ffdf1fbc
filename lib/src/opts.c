/* SPDX-License-Identifier: MIT */
/* Floor 0: see opts.h. */
#include "opts.h"

#include <string.h>

#include "base.h"

/* No struct of options will ever be so large: a size beyond it is rubbish, not a newer caller. */
#define LARGEST_OPTS 4096

static bool is_zero(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

int fri_opts_read(void *known, size_t known_size, const void *given, size_t given_size)
{
    memset(known, 0, known_size);
    if (given) {
        /* All structs are in their first release: when one grows, its first size stands here. */
        if (given_size < known_size || given_size > LARGEST_OPTS)
            return fri_fail(FR_EINVAL,
                            "the options' .size is %zu, not %zu: make them with the "
                            "macro of the same name",
                            given_size, known_size);
        if (!is_zero((const unsigned char *)given + known_size, given_size - known_size))
            return fri_fail(FR_ENOTSUP, "an option is set that version %s does not know",
                            fr_version_string());
        memcpy(known, given, known_size);
    }
    memcpy(known, &known_size, sizeof known_size);
    return 0;
}

void fri_opts_give(void *out, size_t out_size, const void *ours, size_t our_size)
{
    size_t count = fri_min(out_size, our_size);

    if (count > sizeof out_size)
        memcpy((char *)out + sizeof out_size, (const char *)ours + sizeof out_size,
               count - sizeof out_size);
}
