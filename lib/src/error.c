/* SPDX-License-Identifier: MIT */
/*
 * Floor 0: codes, their names and their sentences, all from the one list FR_ERRORS, and the
 * thread's last sentence. A code without details of its own falls back to the list, a code that
 * is not in the list to the system's text.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error_text {
    int code;
    const char *name;
    const char *text;
};

static const struct error_text error_texts[] = { { FR_OK, "FR_OK", "fine" },
#define ERROR_TEXT(name, number, text) { name, #name, text },
                                                 FR_ERRORS(ERROR_TEXT)
#undef ERROR_TEXT
};

static _Thread_local char detail_text[256];
static _Thread_local int detail_code;

static const struct error_text *find(int code)
{
    for (size_t i = 0; i < sizeof error_texts / sizeof error_texts[0]; i++) {
        if (error_texts[i].code == code)
            return &error_texts[i];
    }
    return NULL;
}

int fri_fail(int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail_text, sizeof detail_text, format, arguments);
    va_end(arguments);
    detail_code = code;
    return code;
}

FR_API const char *fr_strerror(int error)
{
    const struct error_text *known = find(error);

    if (known)
        return known->text;
    /* glibc's strerror returns static or thread-local text since 2.32.
     * NOLINTNEXTLINE(concurrency-mt-unsafe) */
    return error < 0 && error > -4096 ? strerror(-error) : "unknown error";
}

FR_API const char *fr_errname(int error)
{
    const struct error_text *known = find(error);

    return known ? known->name : "unknown";
}

FR_API const char *fr_error_detail(int error)
{
    return error < 0 && error == detail_code ? detail_text : fr_strerror(error);
}
