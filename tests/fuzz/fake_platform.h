/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FAKE_PLATFORM_H
#define FUZZ_FAKE_PLATFORM_H

/*
 * What the fuzz targets ask of the system beneath the library beside platform.h. There are two
 * systems: the kernel, and one that is made up in fake_platform.c, of which the linker's --wrap puts
 * each function in the place of the real one. The made-up one makes no system call, so it is ten
 * times faster, its clock goes only when somebody looks or waits, and its memory ends at the very
 * byte where the object ends, so that the address sanitizer sees the first one beyond it.
 */

/* Counts, to be compared: whoever closes everything has as many as before. */
unsigned system_descriptors(void);
unsigned system_mappings(const char *name);

#endif
