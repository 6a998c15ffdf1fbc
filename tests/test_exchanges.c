/* SPDX-License-Identifier: MIT */
/*
 * Somebody else is quicker, between the look at a word and its change: a child makes a call, traced,
 * and just before one of its atomic compare-and-exchange instructions the parent changes the word.
 * What chance needs millions of tries for happens each time, also a thousand times in a row.
 *
 * Known for x86-64. Elsewhere, and where processes may not be traced, nothing is checked, and a line
 * says so.
 */
#define _GNU_SOURCE
#include <framering/framering.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event.h"
#include "order.h"
#include "ring.h"
#include "rings.h"
#include "rwlock.h"

/* The word of rwlock.h, spelled out once more, as in test_rwlock_deaths. */
#define FREE UINT64_C(0)
#define CLAIMED(w) (UINT64_C(1) | (uint64_t)(w) << 8)
#define HELD(w) (UINT64_C(2) | (uint64_t)(w) << 8)
#define PENDING UINT64_C(4)
#define TOLD(r) (UINT64_C(8) | (uint64_t)(r) << 16)

/* What both processes see, and what the other one does. */
struct scene {
    struct fri_lock_words words;
    fri_word32 event;
};

static struct scene *scene;

struct rival {
    unsigned times;      /* before how many exchanges in a row */
    bool (*since)(void); /* from when on; NULL: from the first */
    void (*before)(void);
    void (*after)(void); /* NULL: nothing */
};

/* ---- Stepping -------------------------------------------------------------------------------- */

struct work {
    int (*call)(void);
    int (*prepare)(void); /* not stepped through; NULL: nothing */
};

static int traced(void *argument)
{
    const struct work *work = argument;

    if (work->prepare && work->prepare() != 0)
        return 100;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        return 77;
    raise(SIGUSR1);
    int result = work->call();
    raise(SIGUSR2);
    return result;
}

/*
 * Where the exchanges of a loop are. Compilers put copies of its first rounds before it and several
 * rounds into one, so the first ones are stepped through.
 */
#define ROUNDS_STEPPED 32

struct places {
    unsigned count;
    uint64_t at[ROUNDS_STEPPED];
};

/* One step, or on to the next stop. The signal at which it stopped; -1 - its exit status. */
static int go_on(pid_t child, enum __ptrace_request how)
{
    int status;

    if (ptrace(how, child, NULL, NULL) < 0 || waitpid(child, &status, 0) != child)
        return -101;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1 - WEXITSTATUS(status);
}

#ifdef __x86_64__
/* Of the program itself: the C library has exchanges of its own. */
extern const unsigned char __executable_start[];
extern const unsigned char etext[];

static uint64_t place_of(pid_t child)
{
    struct user_regs_struct registers;

    return ptrace(PTRACE_GETREGS, child, NULL, &registers) < 0 ? 0 : registers.rip;
}

/* lock cmpxchg, of four or eight bytes; the child's code is the parent's. */
static bool is_exchange(uint64_t place)
{
    if (place < (uintptr_t)__executable_start || place >= (uintptr_t)etext)
        return false;
    const unsigned char *code = __executable_start + (place - (uintptr_t)__executable_start);
    if (*code++ != 0xf0)
        return false;
    if ((*code & 0xf0) == 0x40)
        code++;
    return code[0] == 0x0f && code[1] == 0xb1;
}

/* Stops before the first exchange that is meant, by single steps; its place, or 0 if none comes. */
static uint64_t find_exchange(pid_t child, bool (*since)(void))
{
    for (;;) {
        uint64_t place = place_of(child);

        if (is_exchange(place) && (!since || since()))
            return place;
        if (go_on(child, PTRACE_SINGLESTEP) != SIGTRAP)
            return 0;
    }
}

/* Puts breakpoints at the places, or takes them away: the code there is as the parent's. */
static bool set_breakpoints(pid_t child, const struct places *places, bool wanted)
{
    for (unsigned i = 0; i < places->count; i++) {
        unsigned long code;

        memcpy(&code, __executable_start + (places->at[i] - (uintptr_t)__executable_start),
               sizeof code);
        if (wanted)
            code = (code & ~0xffUL) | 0xcc;
        if (ptrace(PTRACE_POKETEXT, child, places->at[i], code) < 0)
            return false;
    }
    return true;
}

/* Comes to one of the places again, by breakpoints there. */
static bool come_back(pid_t child, const struct places *places)
{
    struct user_regs_struct registers;

    if (!set_breakpoints(child, places, true))
        return false;
    bool is_there = go_on(child, PTRACE_CONT) == SIGTRAP;
    if (!set_breakpoints(child, places, false) ||
        ptrace(PTRACE_GETREGS, child, NULL, &registers) < 0)
        return false;
    registers.rip--;
    return is_there && ptrace(PTRACE_SETREGS, child, NULL, &registers) == 0;
}
#else
static uint64_t find_exchange(pid_t child, bool (*since)(void))
{
    (void)child;
    (void)since;
    return 0;
}

static bool come_back(pid_t child, const struct places *places)
{
    (void)child;
    (void)places;
    return false;
}
#endif

/* Comes to the exchange that is meant in that round. */
static bool approach(pid_t child, const struct rival *rival, unsigned round, struct places *places)
{
    if (round >= ROUNDS_STEPPED)
        return come_back(child, places);
    uint64_t place = find_exchange(child, round == 0 ? rival->since : NULL);
    for (unsigned i = 0; i < places->count; i++) {
        if (places->at[i] == place)
            return true;
    }
    places->at[places->count++] = place;
    return place != 0;
}

/* Lets the child make its call, and acts. */
static void follow(pid_t child, const struct rival *rival)
{
    struct places places = { .count = 0 };

    for (unsigned i = 0; i < rival->times; i++) {
        ck_assert(approach(child, rival, i, &places));
        rival->before();
        ck_assert_int_eq(go_on(child, PTRACE_SINGLESTEP), SIGTRAP);
        if (rival->after)
            rival->after();
    }
    ck_assert_int_eq(go_on(child, PTRACE_CONT), SIGUSR2);
}

static bool can_race(void)
{
#ifdef __x86_64__
    return true;
#else
    return false;
#endif
}

/* What the call returned, as its exit status; 77 if nothing could be checked. */
static int race(struct work work, struct rival rival)
{
    int status;

    if (!can_race()) {
        printf("not checked: the exchanges of this processor are not known\n");
        return 77;
    }
    pid_t child = fr_test_child(traced, &work);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        ck_assert_int_eq(WEXITSTATUS(status), 77);
        printf("not checked: processes may not be traced here\n");
        return 77;
    }
    follow(child, &rival);
    return -1 - go_on(child, PTRACE_CONT);
}

/* A code as an exit status. */
#define STATUS(code) (-(code)&0xff)

#define EXPECT(code, ...)                                                                          \
    do {                                                                                           \
        const int status_of_race = race(__VA_ARGS__);                                              \
        if (status_of_race == 77)                                                                  \
            return;                                                                                \
        ck_assert_int_eq(status_of_race, STATUS(code));                                            \
    } while (0)

/* ---- The lock -------------------------------------------------------------------------------- */

/* Who does not wait looks once more when it has asked who lives. */
#define TWO_LOOKS 2000

static void make_scene(void)
{
    scene = (struct scene *)(void *)fr_test_flag();
    ck_assert_ptr_nonnull(scene);
}

static int lock_words(enum fr_lock kind)
{
    struct fri_rwlock lock = { .words = &scene->words, .probe_fd = -1, .index = 0 };

    return STATUS(fri_rwlock_lock(&lock, kind, FR_NOWAIT));
}

static int lock_exclusive(void)
{
    return lock_words(FR_EXCLUSIVE);
}

static int lock_shared(void)
{
    return lock_words(FR_SHARED);
}

static bool is_claimed(void)
{
    return word_load(&scene->words.writer) == CLAIMED(0);
}

static bool is_reader_inside(void)
{
    return word_load(&scene->words.readers[0]) != 0;
}

static void set_free(void)
{
    word_store(&scene->words.writer, FREE);
}

static void set_pending(void)
{
    word_store(&scene->words.writer, PENDING);
}

static void add_news(void)
{
    word_set_bits(&scene->words.writer, PENDING);
}

static void forget_news(void)
{
    word_clear_bits(&scene->words.writer, PENDING);
}

START_TEST(a_claim_that_is_overtaken_is_tried_again)
{
    make_scene();
    EXPECT(FR_EOWNERDEAD, (struct work){ lock_exclusive, NULL },
           (struct rival){ 1, NULL, set_pending, NULL });
    ck_assert_uint_eq(word_load(&scene->words.writer), HELD(0));
}
END_TEST

START_TEST(a_claim_that_is_always_overtaken_ends)
{
    make_scene();
    EXPECT(FR_ETIMEDOUT, (struct work){ lock_exclusive, NULL },
           (struct rival){ TWO_LOOKS, NULL, set_pending, set_free });
    ck_assert_uint_eq(word_load(&scene->words.writer), FREE);
}
END_TEST

START_TEST(news_that_comes_while_a_writer_gets_the_lock_reaches_it)
{
    make_scene();
    EXPECT(FR_EOWNERDEAD, (struct work){ lock_exclusive, NULL },
           (struct rival){ 1, is_claimed, add_news, NULL });
    ck_assert_uint_eq(word_load(&scene->words.writer), HELD(0));
}
END_TEST

START_TEST(news_that_another_reader_gets_first_is_not_told_twice)
{
    make_scene();
    set_pending();
    EXPECT(0, (struct work){ lock_shared, NULL },
           (struct rival){ 1, is_reader_inside, set_free, NULL });
    ck_assert_uint_eq(word_load(&scene->words.writer), FREE);
}
END_TEST

START_TEST(news_that_always_goes_to_others_first_ends)
{
    make_scene();
    set_pending();
    EXPECT(FR_ETIMEDOUT, (struct work){ lock_shared, NULL },
           (struct rival){ TWO_LOOKS, is_reader_inside, set_free, set_pending });
    ck_assert_uint_eq(word_load(&scene->words.readers[0]), 0);
}
END_TEST

static int object_fd;

/* Recovers place 0, of which the words tell. */
static int attach_locker(void)
{
    struct fri_rwlock lock;
    int fd;

    if (fri_file_reopen(object_fd, true, &fd) < 0)
        return 1;
    fri_rwlock_attach(&lock, &scene->words, fd, object_fd);
    return (int)lock.index;
}

static void recover_from(uint64_t word)
{
    make_scene();
    word_store(&scene->words.writer, word);
    ck_assert_ok(fri_file_create(1, 0600, &object_fd));
}

START_TEST(a_recovery_that_is_disturbed_goes_on)
{
    recover_from(HELD(0));
    EXPECT(0, (struct work){ attach_locker, NULL }, (struct rival){ 1, NULL, add_news, NULL });
    ck_assert_uint_eq(word_load(&scene->words.writer), PENDING);
}
END_TEST

START_TEST(a_recovery_that_is_always_disturbed_ends)
{
    recover_from(CLAIMED(0));
    EXPECT(0, (struct work){ attach_locker, NULL },
           (struct rival){ 1000, NULL, add_news, forget_news });
    ck_assert_uint_eq(word_load(&scene->words.writer), CLAIMED(0));
}
END_TEST

/* ---- Waking ---------------------------------------------------------------------------------- */

static int wake(void)
{
    fri_event_wake(&scene->event);
    return 0;
}

static void change_event(void)
{
    word32_store(&scene->event, word32_load(&scene->event) + 2);
}

/* Number _i: once, or as often as it tries. */
START_TEST(a_wake_up_that_is_overtaken_is_tried_again_and_ends)
{
    const unsigned times = _i ? 1000 : 1;

    make_scene();
    word32_store(&scene->event, 1);
    EXPECT(0, (struct work){ wake, NULL }, (struct rival){ times, NULL, change_event, NULL });
    ck_assert_uint_eq(word32_load(&scene->event), _i ? 2001 : 4);
}
END_TEST

/* ---- Rings ----------------------------------------------------------------------------------- */

static const char *name;
static struct fr_writer *writer; /* the parent's */
static struct fr_writer *mine;   /* the child's */
static struct fr_slot *slot;

static int acquire_mine(void)
{
    return fr_writer_open(name, FR_NOWAIT, &mine) < 0 ||
           fr_writer_acquire(mine, FR_NOWAIT, &slot) < 0;
}

static int publish_mine(void)
{
    fill_item(slot, 2);
    return STATUS(fr_writer_publish(&slot));
}

static int abort_mine(void)
{
    fr_writer_abort(&slot);
    return 0;
}

static void publish_first(void)
{
    ck_assert_ok(put(writer, 1, FR_NOWAIT));
}

START_TEST(a_number_that_another_writer_gets_first_is_followed_by_the_next)
{
    name = fr_test_name();
    writer = make_ring(name, 4, FR_BROADCAST, FR_BLOCK);
    struct fr_reader *reader = open_reader(name);

    EXPECT(0, (struct work){ publish_mine, acquire_mine },
           (struct rival){ 1, NULL, publish_first, NULL });
    expect_item(reader, 1);
    expect_item(reader, 2);
    fr_reader_close(&reader);
    fr_writer_close(&writer);
}
END_TEST

/* The child's slot is the only one that is being written. */
static void give_it_to_another(void)
{
    for (uint32_t i = 0; i < writer->seat->slots; i++) {
        fri_word *control = &writer->seat->slot[i].control;

        if (control_state(word_load(control)) == SLOT_WRITING)
            word_store(control, control_make(0, SLOT_TAKEN, 9));
    }
}

START_TEST(a_slot_that_changes_hands_while_it_is_aborted_is_left_alone)
{
    unsigned taken = 0;

    name = fr_test_name();
    writer = make_ring(name, 4, FR_BROADCAST, FR_BLOCK);
    EXPECT(0, (struct work){ abort_mine, acquire_mine },
           (struct rival){ 1, NULL, give_it_to_another, NULL });
    for (uint32_t i = 0; i < writer->seat->slots; i++)
        taken += slot_control(&writer->seat->slot[i]) == control_make(0, SLOT_TAKEN, 9);
    ck_assert_uint_eq(taken, 1);
    fr_writer_close(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exchanges");
    TCase *tests = tcase_create("exchanges");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_claim_that_is_overtaken_is_tried_again);
    tcase_add_test(tests, a_claim_that_is_always_overtaken_ends);
    tcase_add_test(tests, news_that_comes_while_a_writer_gets_the_lock_reaches_it);
    tcase_add_test(tests, news_that_another_reader_gets_first_is_not_told_twice);
    tcase_add_test(tests, news_that_always_goes_to_others_first_ends);
    tcase_add_test(tests, a_recovery_that_is_disturbed_goes_on);
    tcase_add_test(tests, a_recovery_that_is_always_disturbed_ends);
    tcase_add_loop_test(tests, a_wake_up_that_is_overtaken_is_tried_again_and_ends, 0, 2);
    tcase_add_test(tests, a_number_that_another_writer_gets_first_is_followed_by_the_next);
    tcase_add_test(tests, a_slot_that_changes_hands_while_it_is_aborted_is_left_alone);
    suite_add_tcase(suite, tests);
    return fr_test_main(suite);
}
