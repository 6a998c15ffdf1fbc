/* SPDX-License-Identifier: MIT */
/*
 * A system that is made up, for one thread: see fake_platform.h. Files, descriptions, mappings and
 * locks are short tables. As in the kernel a description lives until its last descriptor and mapping
 * are gone, and its locks with it.
 *
 * All files lie in one piece of memory. Each description has addresses of its own for each file, once
 * for writing and once for reading only, which are made when they are first needed and kept. What is
 * not mapped of them is poisoned, and behind each file's room comes a gap that faults.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base.h"
#include "fake_platform.h"
#include "fake_wraps.h"
#include "platform.h"

#define FILES 64
#define ROOM (UINT64_C(256) << 10)
#define DESCRIPTIONS 256
#define FIRST_DESCRIPTOR 100000
#define MAPPINGS 512
#define LOCKS 1024
#define TICK_NS 50
#define USER 1000

struct file {
    bool in_use;
    uint32_t mode;
    uint64_t size;
    char path[FRI_PATH_SIZE]; /* empty: it has no name */
    unsigned users;           /* descriptions */
};

struct description {
    int file;
    unsigned users; /* its descriptor, and mappings */
    bool is_open;
    bool is_writable;
};

struct mapping {
    uint8_t *address;
    uint64_t size;
    int description;
};

struct lock {
    int file;
    int description;
    uint32_t first;
    uint32_t count;
    bool is_shared;
};

static int memory_fd = -1;
static uint8_t *store; /* all files, as only this file sees them */
static uint8_t *views; /* for description, file and protection: room, and a gap of the same size */
static bool has_view[DESCRIPTIONS][FILES][2];
static struct file files[FILES];
static struct description descriptions[DESCRIPTIONS];
static struct mapping mappings[MAPPINGS];
static unsigned mapping_count;
static struct lock locks[LOCKS];
static unsigned lock_count;
static unsigned open_count; /* descriptors */
static int64_t clock_ns = 1000000000;
static uint64_t random_state = 1;

/* Memory that was freed need not stay away for long, nor its history, where runs are so short. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=4:malloc_context_size=6";
}

/* A table that is full is a target that asks for too much, not a find. */
static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "fake_platform: too many %s: make its table larger\n", what);
    exit(1);
}

/* ---- Memory ------------------------------------------------------------------------------------- */

static void make_memory(void)
{
    if (store)
        return;
    memory_fd = memfd_create("fuzz", MFD_CLOEXEC);
    void *all = MAP_FAILED;
    if (memory_fd >= 0 && ftruncate(memory_fd, FILES * ROOM) == 0)
        all = mmap(NULL, FILES * ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    void *places = mmap(NULL, DESCRIPTIONS * FILES * 2 * 2 * ROOM, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED || places == MAP_FAILED)
        give_up("addresses");
    store = all;
    views = places;
}

static uint8_t *bytes_of(int file)
{
    return store + (uint64_t)file * ROOM;
}

/* The addresses of a file for a description: the same ones each time, nothing of them mapped yet. */
static uint8_t *view_of(int description, int file, bool writable)
{
    uint64_t number = ((uint64_t)description * FILES + (uint64_t)file) * 2 + writable;
    uint8_t *view = views + number * 2 * ROOM;

    if (has_view[description][file][writable])
        return view;
    if (mmap(view, ROOM, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED | MAP_FIXED, memory_fd,
             (off_t)((uint64_t)file * ROOM)) == MAP_FAILED)
        give_up("views");
    __asan_poison_memory_region(view, ROOM);
    has_view[description][file][writable] = true;
    return view;
}

/* ---- Files ------------------------------------------------------------------------------------- */

static void drop_file(int index)
{
    struct file *file = &files[index];

    if (file->users > 0 || file->path[0])
        return;
    file->in_use = false;
}

static int find_path(const char *path)
{
    for (int i = 0; i < FILES; i++) {
        if (files[i].path[0] && strcmp(files[i].path, path) == 0)
            return i;
    }
    return -1;
}

/* NULL for a descriptor that is none: the library has mixed something up. */
static struct description *description_of(int fd)
{
    int index = fd - FIRST_DESCRIPTOR;

    if (index < 0 || index >= DESCRIPTIONS || !descriptions[index].is_open)
        return NULL;
    return &descriptions[index];
}

static int open_description(int file, bool writable)
{
    for (int i = 0; i < DESCRIPTIONS; i++) {
        if (descriptions[i].users > 0)
            continue;
        descriptions[i] = (struct description){
            .file = file, .users = 1, .is_open = true, .is_writable = writable
        };
        files[file].users++;
        open_count++;
        return FIRST_DESCRIPTOR + i;
    }
    give_up("descriptions");
}

static void drop_description(int index)
{
    struct description *description = &descriptions[index];
    unsigned kept = 0;

    if (--description->users > 0)
        return;
    for (unsigned i = 0; i < lock_count; i++) {
        if (locks[i].description != index)
            locks[kept++] = locks[i];
    }
    lock_count = kept;
    files[description->file].users--;
    drop_file(description->file);
}

int __wrap_fri_file_create(uint64_t size, uint32_t mode, int *fd)
{
    make_memory();
    if (size > ROOM)
        return fri_fail(FR_ENOSPC, "the made-up system has no files of %llu bytes",
                        (unsigned long long)size);
    for (int i = 0; i < FILES; i++) {
        if (files[i].in_use)
            continue;
        memset(bytes_of(i), 0, size);
        files[i] = (struct file){ .in_use = true, .mode = mode, .size = size };
        *fd = open_description(i, true);
        return 0;
    }
    give_up("files");
}

int __wrap_fri_file_name(int fd, const char *path)
{
    struct description *description = description_of(fd);

    if (!description)
        return -EBADF;
    if (find_path(path) >= 0)
        return FR_EEXIST;
    snprintf(files[description->file].path, FRI_PATH_SIZE, "%s", path);
    return 0;
}

int __wrap_fri_file_open(const char *path, bool writable, int *fd)
{
    int file = find_path(path);

    if (file < 0)
        return FR_ENOENT;
    *fd = open_description(file, writable);
    return 0;
}

int __wrap_fri_file_reopen(int fd, bool writable, int *out)
{
    struct description *description = description_of(fd);

    if (!description)
        return -EBADF;
    *out = open_description(description->file, writable);
    return 0;
}

void __wrap_fri_file_close(int fd)
{
    struct description *description = description_of(fd);

    if (!description) {
        fprintf(stderr, "fake_platform: descriptor %d is closed, but not open\n", fd);
        abort();
    }
    description->is_open = false;
    open_count--;
    drop_description(fd - FIRST_DESCRIPTOR);
}

static void fill_info(int index, struct fri_file_info *info)
{
    *info = (struct fri_file_info){ .device = 1,
                                    .inode = (uint64_t)index + 1,
                                    .size = files[index].size,
                                    .uid = USER,
                                    .mode = files[index].mode,
                                    .is_regular = true };
}

int __wrap_fri_file_info(int fd, struct fri_file_info *info)
{
    struct description *description = description_of(fd);

    if (!description)
        return -EBADF;
    fill_info(description->file, info);
    return 0;
}

int __wrap_fri_path_info(const char *path, struct fri_file_info *info)
{
    int file = find_path(path);

    if (file < 0)
        return FR_ENOENT;
    fill_info(file, info);
    return 0;
}

int __wrap_fri_path_remove(const char *path)
{
    int file = find_path(path);

    if (file < 0)
        return FR_ENOENT;
    files[file].path[0] = '\0';
    drop_file(file);
    return 0;
}

bool __wrap_fri_file_read(int fd, void *buffer, size_t size)
{
    struct description *description = description_of(fd);

    if (!description || files[description->file].size < size)
        return false;
    memcpy(buffer, bytes_of(description->file), size);
    return true;
}

int __wrap_fri_map(int fd, uint64_t offset, uint64_t size, bool writable, bool is_payload,
                   void **out)
{
    struct description *description = description_of(fd);
    int index = fd - FIRST_DESCRIPTOR;

    (void)is_payload;
    if (!description || (writable && !description->is_writable))
        return -EACCES;
    if (mapping_count == MAPPINGS)
        give_up("mappings");
    uint8_t *address = view_of(index, description->file, writable) + offset;
    const struct file *file = &files[description->file];
    if (offset < file->size) /* what lies behind the end stays poisoned */
        __asan_unpoison_memory_region(address, fri_min(size, file->size - offset));
    description->users++;
    mappings[mapping_count++] = (struct mapping){ address, size, index };
    *out = address;
    return 0;
}

void __wrap_fri_unmap(void *address, uint64_t size)
{
    for (unsigned i = 0; i < mapping_count; i++) {
        if (mappings[i].address != address || mappings[i].size != size)
            continue;
        __asan_poison_memory_region(address, size);
        int description = mappings[i].description;
        mappings[i] = mappings[--mapping_count];
        drop_description(description);
        return;
    }
    fprintf(stderr, "fake_platform: what is unmapped was not mapped\n");
    abort();
}

/* The pages are there already. */
void __wrap_fri_touch(void *address, uint64_t size, bool writable)
{
    (void)address;
    (void)size;
    (void)writable;
}

/* ---- Locks -------------------------------------------------------------------------------------- */

static bool overlap(const struct lock *lock, uint32_t first, uint32_t count)
{
    return lock->first < first + count && first < lock->first + lock->count;
}

/* Whether another description has a lock in the way. */
static bool is_in_the_way(int index, uint32_t first, uint32_t count, bool shared)
{
    for (unsigned i = 0; i < lock_count; i++) {
        const struct lock *lock = &locks[i];

        if (lock->file == descriptions[index].file && lock->description != index &&
            overlap(lock, first, count) && !(shared && lock->is_shared))
            return true;
    }
    return false;
}

static bool add_lock(int fd, uint32_t first, uint32_t count, bool shared)
{
    int index = fd - FIRST_DESCRIPTOR;

    if (!description_of(fd) || is_in_the_way(index, first, count, shared))
        return false;
    if (lock_count == LOCKS)
        give_up("locks");
    locks[lock_count++] = (struct lock){ descriptions[index].file, index, first, count, shared };
    return true;
}

bool __wrap_fri_lock_try(int fd, uint32_t first, uint32_t count)
{
    const struct description *description = description_of(fd);

    return description && description->is_writable && add_lock(fd, first, count, false);
}

bool __wrap_fri_lock_share(int fd, uint32_t byte)
{
    return add_lock(fd, byte, 1, true);
}

void __wrap_fri_lock_drop(int fd, uint32_t byte)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < lock_count; i++) {
        if (locks[i].description != fd - FIRST_DESCRIPTOR || locks[i].first != byte)
            locks[kept++] = locks[i];
    }
    lock_count = kept;
}

bool __wrap_fri_lock_is_held(int fd, uint32_t first, uint32_t count)
{
    return !description_of(fd) || is_in_the_way(fd - FIRST_DESCRIPTOR, first, count, false);
}

/* ---- Time --------------------------------------------------------------------------------------- */

int64_t __wrap_fri_clock_now(void)
{
    clock_ns += TICK_NS;
    return clock_ns;
}

int64_t __wrap_fri_deadline(int64_t timeout_ns)
{
    if (timeout_ns < 0 || timeout_ns > INT64_MAX - clock_ns)
        return INT64_MAX;
    return clock_ns + timeout_ns;
}

int64_t __wrap_fri_remaining(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return INT64_MAX;
    return deadline_ns > clock_ns ? deadline_ns - clock_ns : 0;
}

/* Nobody else is there who could wake us, so the time is over at once. */
void __wrap_fri_futex_wait(fri_word32 *word, uint32_t expected, int64_t timeout_ns)
{
    if (word32_load(word) == expected)
        clock_ns += timeout_ns;
}

void __wrap_fri_futex_wake_all(fri_word32 *word)
{
    (void)word32_load(word);
}

void __wrap_fri_watch_open(struct fri_watch *watch)
{
    watch->fd = -1;
}

void __wrap_fri_watch_wait(struct fri_watch *watch, int64_t timeout_ns)
{
    (void)watch;
    clock_ns += timeout_ns;
}

void __wrap_fri_watch_close(struct fri_watch *watch)
{
    (void)watch;
}

/* ---- Odds and ends ------------------------------------------------------------------------------ */

uint32_t __wrap_fri_user(void)
{
    return USER;
}

uint32_t __wrap_fri_process(void)
{
    return 1;
}

void __wrap_fri_program(char name[16])
{
    memcpy(name, "fuzzer", 7);
}

uint64_t __wrap_fri_random(void)
{
    return ++random_state;
}

bool __wrap_fri_fork_closes(int fd)
{
    return description_of(fd) != NULL;
}

void __wrap_fri_fork_closes_no_more(int fd)
{
    (void)fd;
}

unsigned system_descriptors(void)
{
    return open_count;
}

unsigned system_mappings(const char *name)
{
    (void)name;
    return mapping_count;
}
