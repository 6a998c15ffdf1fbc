/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FAKE_WRAPS_H
#define FUZZ_FAKE_WRAPS_H

/*
 * What the linker puts in the place of the functions of platform.h (--wrap, see CMakeLists.txt): the
 * made-up system of fake_platform.c. The names are the linker's.
 */

#include "platform.h"

int __wrap_fri_file_create(uint64_t size, uint32_t mode, int *fd);
int __wrap_fri_file_name(int fd, const char *path);
int __wrap_fri_file_open(const char *path, bool writable, int *fd);
int __wrap_fri_file_reopen(int fd, bool writable, int *out);
void __wrap_fri_file_close(int fd);
int __wrap_fri_file_info(int fd, struct fri_file_info *info);
int __wrap_fri_path_info(const char *path, struct fri_file_info *info);
int __wrap_fri_path_remove(const char *path);
bool __wrap_fri_file_read(int fd, void *buffer, size_t size);
int __wrap_fri_map(int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload,
                   void **out);
void __wrap_fri_unmap(void *address, uint64_t size);
void __wrap_fri_touch(void *address, uint64_t size, bool writable);
bool __wrap_fri_lock_try(int fd, uint32_t first, uint32_t count);
bool __wrap_fri_lock_share(int fd, uint32_t byte);
void __wrap_fri_lock_drop(int fd, uint32_t byte);
bool __wrap_fri_lock_is_held(int fd, uint32_t first, uint32_t count);
int64_t __wrap_fri_clock_now(void);
int64_t __wrap_fri_deadline(int64_t timeout_ns);
int64_t __wrap_fri_remaining(int64_t deadline_ns);
void __wrap_fri_futex_wait(fri_word32 *word, uint32_t expected, int64_t timeout_ns);
void __wrap_fri_futex_wake_all(fri_word32 *word);
void __wrap_fri_watch_open(struct fri_watch *watch);
void __wrap_fri_watch_wait(struct fri_watch *watch, int64_t timeout_ns);
void __wrap_fri_watch_close(struct fri_watch *watch);
uint32_t __wrap_fri_user(void);
uint32_t __wrap_fri_process(void);
void __wrap_fri_program(char name[16]);
uint64_t __wrap_fri_random(void);
bool __wrap_fri_fork_closes(int fd);
void __wrap_fri_fork_closes_no_more(int fd);

/* Whoever changes one of these in platform.h is told here. */
#define FAKE_IS_LIKE(name)                                                                         \
    _Static_assert(__builtin_types_compatible_p(__typeof__(name), __typeof__(__wrap_##name)), #name)
FAKE_IS_LIKE(fri_file_create);
FAKE_IS_LIKE(fri_file_name);
FAKE_IS_LIKE(fri_file_open);
FAKE_IS_LIKE(fri_file_reopen);
FAKE_IS_LIKE(fri_file_close);
FAKE_IS_LIKE(fri_file_info);
FAKE_IS_LIKE(fri_path_info);
FAKE_IS_LIKE(fri_path_remove);
FAKE_IS_LIKE(fri_file_read);
FAKE_IS_LIKE(fri_map);
FAKE_IS_LIKE(fri_unmap);
FAKE_IS_LIKE(fri_touch);
FAKE_IS_LIKE(fri_lock_try);
FAKE_IS_LIKE(fri_lock_share);
FAKE_IS_LIKE(fri_lock_drop);
FAKE_IS_LIKE(fri_lock_is_held);
FAKE_IS_LIKE(fri_clock_now);
FAKE_IS_LIKE(fri_deadline);
FAKE_IS_LIKE(fri_remaining);
FAKE_IS_LIKE(fri_futex_wait);
FAKE_IS_LIKE(fri_futex_wake_all);
FAKE_IS_LIKE(fri_watch_open);
FAKE_IS_LIKE(fri_watch_wait);
FAKE_IS_LIKE(fri_watch_close);
FAKE_IS_LIKE(fri_user);
FAKE_IS_LIKE(fri_process);
FAKE_IS_LIKE(fri_program);
FAKE_IS_LIKE(fri_random);
FAKE_IS_LIKE(fri_fork_closes);
FAKE_IS_LIKE(fri_fork_closes_no_more);
#undef FAKE_IS_LIKE

#endif
