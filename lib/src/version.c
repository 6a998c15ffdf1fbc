/* SPDX-License-Identifier: MIT */
/* Floor 0: the version of the library that is really loaded. */
#include <framering/framering.h>

#define VERSION_TEXT_OF(major, minor, patch) #major "." #minor "." #patch
#define VERSION_TEXT(major, minor, patch) VERSION_TEXT_OF(major, minor, patch)

FR_API uint32_t fr_version(void)
{
    return FR_VERSION;
}

FR_API const char *fr_version_string(void)
{
    return VERSION_TEXT(FR_VERSION_MAJOR, FR_VERSION_MINOR, FR_VERSION_PATCH);
}
