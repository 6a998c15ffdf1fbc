/* SPDX-License-Identifier: MIT */
/*
 * The lock of a region as lib/src/rwlock.c has it, for spin to try in every order of events.
 *
 * Each locker takes the lock ROUNDS times, shared or exclusive as it likes, waits for it as long as
 * it takes or gives up, and gives it back. Each STEP is one access to shared memory or one call of
 * the kernel, and carries the name of its arrow in rwlock.h (X1 to X4, S1 to S4, N1, N2, R) or
 * event.h (W2, W4, P2 to P4). Between any two steps others may go on, and at each step the locker
 * may die instead. A dead place may be taken again.
 *
 * What has to hold in every state:
 *      - nobody is inside together with an exclusive locker,
 *      - every word that is seen is one that the arrows lead to,
 *      - a death with the exclusive lock is told to the next exclusive locker, or to a shared one
 *        that lives to unlock; until then the word remembers it.
 * and when everybody is done, dead or asleep for good:
 *      - nobody sleeps (no lost wake-up, and nobody is locked out by what a death left).
 *
 * A slice of waiting (event.h) ends by itself only for a locker that has a dead one in its way, and
 * once more after each death, since the dead one may have owed a wake-up. In all other cases no
 * wake-up may be needed that did not come, however long the slices are.
 *
 * Parameters, for spin -D: LOCKERS (2 to 4), ROUNDS, GIVES_UP, DEATHS, REBIRTHS, and BROKEN, which
 * is what is left out; the run must fail then. BROKEN and DEATHS may also come from the environment
 * of the verifier.
 */

#ifndef LOCKERS
#define LOCKERS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef GIVES_UP
#define GIVES_UP 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef REBIRTHS
#define REBIRTHS 0
#endif

/* One ingredient each. */
#define NOTHING 0
#define S2_SKIPPED 1
#define READERS_NOT_LOOKED_AT 2
#define NO_WAKE_AFTER_STEP_BACK 3
#define NO_WAKE_AFTER_UNLOCK 4
#define NO_WAKE_AFTER_GIVING_UP 5
#define NO_LOOK_AFTER_ANNOUNCING 6
#define NO_SLICES 7
#define BIT_BEFORE_NEWS 8
#define RECOVERY_FORGETS_NEWS 9
#define PROBE_WITHOUT_LOCK 10
#define DEAD_TOLD_IGNORED 11

#ifndef BROKEN
#define BROKEN NOTHING
#endif

byte broken = BROKEN;
byte deaths_left = DEATHS;
#define WITHOUT(ingredient) (broken == ingredient)
#define NEVER 255 /* for what is in every model */
#define bit_of(locker) (1 << (locker))

/* ---- Shared memory --------------------------------------------------------------------------- */

/* writer = state | news << 2 | owner << 4 | told << 6 */
#define FREE 0
#define CLAIMED 1
#define HELD 2
#define NONE 0
#define PENDING 1
#define TOLD 2

#define state_of(word) ((word) & 3)
#define news_of(word) ((word) >> 2 & 3)
#define owner_of(word) ((word) >> 4 & 3)
#define told_of(word) ((word) >> 6 & 3)
#define NEWS_BITS (3 << 2 | 3 << 6)
#define owned(state, owner) (state | (owner) << 4)
#define told(reader) (TOLD << 2 | (reader) << 6)
#define is_owned(word, state, owner) (state_of(word) == state && owner_of(word) == owner)
#define is_told(word, reader) (news_of(word) == TOLD && told_of(word) == reader)

byte writer;
byte readers;
bit somebody_waits;

/* ---- The kernel ------------------------------------------------------------------------------ */

byte own_lock; /* bit p: p's lock byte is held by p's own mapping */
byte burying[LOCKERS]; /* whose lock byte a locker holds to clean up after it, + 1 */

#if LOCKERS == 4
#define is_buried(place) \
    (burying[0] == place + 1 || burying[1] == place + 1 || burying[2] == place + 1 || \
     burying[3] == place + 1)
#elif LOCKERS == 3
#define is_buried(place) \
    (burying[0] == place + 1 || burying[1] == place + 1 || burying[2] == place + 1)
#else
#define is_buried(place) (burying[0] == place + 1 || burying[1] == place + 1)
#endif
#define lock_is_free(place) ((own_lock & bit_of(place)) == 0 && !is_buried(place))

byte unchanged; /* bit p: the event word is as it was at p's W2 */
byte asleep;    /* bit p: p is in W4 */
byte slices;    /* bit p: somebody died since p's last slice ended */

/* ---- What no locker can see ------------------------------------------------------------------ */

byte alive;
byte dead_places;
byte rebirths;
bit is_over;
byte exclusive; /* who is inside exclusively, + 1 */
byte shared;    /* bit p: p is inside shared */
bit is_suspect; /* somebody died inside exclusively, and nobody who lived knows yet */

/* Whom p waits for: the owner, or the readers once the owner is p. */
#define dead_in_the_way(p) \
    (state_of(writer) != FREE && \
     (owner_of(writer) == p -> (readers & dead_places & ~bit_of(p)) != 0 \
                             : (dead_places & bit_of(owner_of(writer))) != 0))
#define a_slice_ends(p) \
    ((asleep & bit_of(p)) != 0 && !WITHOUT(NO_SLICES) && \
     (dead_in_the_way(p) || (slices & bit_of(p)) != 0))

inline assert_sense(word)
{
    assert(state_of(word) != 3 && news_of(word) != 3);
    assert(news_of(word) == TOLD || told_of(word) == 0);
    assert(state_of(word) == FREE && owner_of(word) == 0 ||
           state_of(word) != FREE && owner_of(word) != me)
}

inline die()
{
    deaths_left--;
    alive = alive & ~bit_of(me);
    slices = alive;
    dead_places = dead_places | bit_of(me);
    own_lock = own_lock & ~bit_of(me);
    burying[me] = 0;
    unchanged = unchanged & ~bit_of(me);
    asleep = asleep & ~bit_of(me);
    shared = shared & ~bit_of(me);
    is_suspect = is_suspect || exclusive == me + 1;
    exclusive = (exclusive == me + 1 -> 0 : exclusive)
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/*
 * The skip keeps a step that begins with an `if` apart from the choice to die: spin would merge the
 * two, and take the `else` of the step only when nobody can die any more.
 */
#define OR_DIE :: d_step { deaths_left > 0 && !is_over -> die() }; goto dead
#define STEP if OR_DIE :: atomic { skip;
#define END } fi

/* P2 to P4, then on at `then`. P3 succeeds only on what P2 saw: one step. */
#define WAKE(ingredient, then) \
        STEP \
            if \
            :: somebody_waits && !WITHOUT(ingredient) -> somebody_waits = 0; unchanged = 0 \
            :: else -> goto then \
            fi \
        END; \
        STEP asleep = 0; goto then END

/* R for a place whose lock byte we hold, then on at `then`. */
#define RECOVER(place, step, then) \
step##_look: \
        STEP \
            seen = writer; \
            if \
            :: is_owned(seen, CLAIMED, place) || is_owned(seen, HELD, place) || \
               is_told(seen, place) \
            :: else -> seen = 0; goto step##_bit \
            fi \
        END; \
        STEP \
            if \
            :: writer != seen \
            :: writer == seen && is_owned(seen, CLAIMED, place) -> writer = seen & NEWS_BITS \
            :: writer == seen && is_owned(seen, HELD, place) -> \
                writer = (WITHOUT(RECOVERY_FORGETS_NEWS) -> FREE : PENDING << 2) \
            :: writer == seen && is_told(seen, place) -> \
                writer = (seen & ~NEWS_BITS) | PENDING << 2 \
            fi; \
            seen = 0; \
            goto step##_look \
        END; \
step##_bit: \
        STEP readers = readers & ~bit_of(place) END; \
        WAKE(NEVER, then)

/* ---- A locker: rwlock.c ---------------------------------------------------------------------- */

inline not_now()
{
    seen = 0;
    if
    :: sliced -> goto clear_the_dead
    :: !sliced && !is_announced -> goto W2
    :: !sliced && is_announced -> goto W4
    fi
}

inline stop_waiting()
{
    sliced = 0;
    is_announced = 0;
    unchanged = unchanged & ~bit_of(me)
}

proctype Locker(byte me)
{
    byte seen;
    byte rounds;
    bit wants_exclusive;
    bit is_claimed;
    bit knows;        /* N2 is due */
    bit is_announced; /* W2 is done */
    bit sliced;       /* the last sleep ended by itself: time to ask who lives */
    byte other;       /* whom we clean up after */
    byte rest;
    bit for_news;     /* because it was told, not because it is in the way */

    goto start;

#if REBIRTHS
attach: RECOVER(me, attached, start);
#endif

start:  if
        :: wants_exclusive = 1
        :: wants_exclusive = 0
        fi;

look:   if
        :: wants_exclusive && is_claimed -> goto X2_readers
        :: wants_exclusive && !is_claimed -> goto X1_look
        :: else -> goto S1_look
        fi;

/* look_exclusive */
X1_look:
        STEP
            seen = writer;
            assert_sense(seen);
            if
            :: state_of(seen) != FREE -> not_now()
            :: else
            fi
        END;
        STEP
            if
            :: writer == seen -> writer = seen | owned(CLAIMED, me); is_claimed = 1; seen = 0
            :: else -> seen = 0; goto X1_look
            fi;
            if
            :: WITHOUT(READERS_NOT_LOOKED_AT) -> goto X2_look
            :: else
            fi
        END;
X2_readers:
        STEP
            if
            :: (readers & ~bit_of(me)) != 0 -> not_now()
            :: else
            fi
        END;
X2_look:
        STEP seen = writer; assert(is_owned(seen, CLAIMED, me)) END;
        STEP
            if
            :: writer == seen -> writer = owned(HELD, me)
            :: else -> not_now()
            fi;
            is_claimed = 0;
            stop_waiting();
            assert(exclusive == 0 && shared == 0);
            assert(is_suspect == (news_of(seen) != NONE));
            exclusive = me + 1;
            is_suspect = 0;
            seen = 0
        END;
X4:     STEP
            assert(writer == owned(HELD, me));
            writer = FREE;
            exclusive = 0;
            rounds++;
            goto unlocked
        END;

/* look_shared */
S1_look:
        STEP
            seen = writer;
            if
            :: state_of(seen) != FREE -> not_now()
            :: else -> seen = 0
            fi
        END;
S1:     STEP readers = readers | bit_of(me) END;
S2:     STEP
            seen = writer;
            assert_sense(seen);
            if
            :: state_of(seen) != FREE && !WITHOUT(S2_SKIPPED) -> seen = 0; goto S3
            :: else
            fi;
            if
            :: news_of(seen) == TOLD && lock_is_free(told_of(seen)) &&
               !WITHOUT(DEAD_TOLD_IGNORED) ->
                other = told_of(seen);
                for_news = 1;
                seen = 0;
                goto R_lock
            :: news_of(seen) == PENDING -> goto N1
            :: else
            fi;
            assert(exclusive == 0);
            assert(!is_suspect || news_of(seen) == TOLD && !lock_is_free(told_of(seen)));
            shared = shared | bit_of(me);
            stop_waiting();
            seen = 0;
            goto inside
        END;
N1:     STEP
            if
            :: writer == seen -> writer = (seen & ~NEWS_BITS) | told(me)
            :: else -> seen = 0; goto S2
            fi;
            assert(exclusive == 0 && is_suspect);
            shared = shared | bit_of(me);
            knows = 1;
            stop_waiting();
            seen = 0;
            goto inside
        END;
S3:     STEP readers = readers & ~bit_of(me) END;
        WAKE(NO_WAKE_AFTER_STEP_BACK, stepped_back);
stepped_back:
        not_now();

inside: if
        :: knows && WITHOUT(BIT_BEFORE_NEWS) -> goto early_bit
        :: knows && !WITHOUT(BIT_BEFORE_NEWS) -> goto N2
        :: !knows -> goto S4
        fi;
early_bit:
        STEP readers = readers & ~bit_of(me); shared = shared & ~bit_of(me) END;
N2:     STEP
            assert(is_told(writer, me));
            writer = writer & ~NEWS_BITS;
            is_suspect = 0;
            knows = 0
        END;
S4:     STEP
            readers = readers & ~bit_of(me);
            shared = shared & ~bit_of(me);
            rounds++;
            goto unlocked
        END;

unlocked:
        WAKE(NO_WAKE_AFTER_UNLOCK, again);
again:  if
        :: rounds < ROUNDS -> goto start
        :: else
        fi;
        d_step {
            alive = alive & ~bit_of(me);
            slices = slices & alive;
            rounds = 0;
            wants_exclusive = 0
        };
        false;

/* ---- Waiting ---- */
W2:     STEP
            somebody_waits = 1;
            unchanged = unchanged | bit_of(me);
            is_announced = 1;
            if
            :: WITHOUT(NO_LOOK_AFTER_ANNOUNCING) -> goto W4
            :: else -> goto look
            fi
        END;
W4:
#if GIVES_UP
        if
        :: goto X3
        :: skip
        fi;
#endif
        STEP
            is_announced = 0;
            if
            :: unchanged & bit_of(me) ->
                unchanged = unchanged & ~bit_of(me);
                asleep = asleep | bit_of(me)
            :: else -> goto look
            fi
        END;
        if
        OR_DIE
        :: atomic { (asleep & bit_of(me)) == 0 -> goto look }
        :: atomic {
            a_slice_ends(me) && !is_over ->
            asleep = asleep & ~bit_of(me);
            slices = slices & ~bit_of(me);
            sliced = 1;
            goto look
        }
        fi;

#if GIVES_UP
X3:     STEP
            stop_waiting();
            rounds++;
            if
            :: !is_claimed -> goto again
            :: else -> writer = writer & NEWS_BITS; is_claimed = 0
            fi
        END;
        WAKE(NO_WAKE_AFTER_GIVING_UP, again);
#endif

/* ---- Recovery ---- */
clear_the_dead:
        STEP
            sliced = 0;
            if
            :: is_claimed -> rest = readers & ~bit_of(me)
            :: !is_claimed && state_of(writer) != FREE -> rest = bit_of(owner_of(writer))
            :: else
            fi;
            if
            :: rest == 0 -> goto look
            :: else
            fi
        END;
R_next: STEP
            other = 0;
            do
            :: (rest & bit_of(other)) == 0 -> other++
            :: else -> break
            od;
            rest = rest & ~bit_of(other);
            if
            :: lock_is_free(other)
            :: !lock_is_free(other) && rest != 0 -> other = 0; goto R_next
            :: !lock_is_free(other) && rest == 0 -> other = 0; goto look
            fi
        END;
R_lock: STEP
            if
            :: WITHOUT(PROBE_WITHOUT_LOCK)
            :: lock_is_free(other) && !WITHOUT(PROBE_WITHOUT_LOCK) -> burying[me] = other + 1
            :: else -> goto R_end
            fi
        END;
        RECOVER(other, R, R_end);
R_end:  STEP
            burying[me] = 0;
            other = 0;
            if
            :: for_news -> for_news = 0; goto S2
            :: !for_news && rest != 0 -> goto R_next
            :: !for_news && rest == 0 -> goto look
            fi
        END;

dead:   atomic {
            seen = 0;
            rounds = 0;
            wants_exclusive = 0;
            is_claimed = 0;
            knows = 0;
            is_announced = 0;
            sliced = 0;
            other = 0;
            rest = 0;
            for_news = 0
        };
#if REBIRTHS
        atomic {
            rebirths < REBIRTHS && lock_is_free(me) && !is_over ->
            rebirths++;
            own_lock = own_lock | bit_of(me);
            alive = alive | bit_of(me);
            dead_places = dead_places & ~bit_of(me);
            goto attach
        }
#else
        false
#endif
}

/* ---- At rest --------------------------------------------------------------------------------- */

#if LOCKERS == 4
#define any_slice_ends (a_slice_ends(0) || a_slice_ends(1) || a_slice_ends(2) || a_slice_ends(3))
#elif LOCKERS == 3
#define any_slice_ends (a_slice_ends(0) || a_slice_ends(1) || a_slice_ends(2))
#else
#define any_slice_ends (a_slice_ends(0) || a_slice_ends(1))
#endif

proctype Rest()
{
    byte p;

    d_step {
        (alive & ~asleep) == 0 && !any_slice_ends ->
        is_over = 1;
        assert(alive == 0);
        for (p : 0 .. LOCKERS - 1) {
            assert((dead_places & bit_of(p)) == 0 || lock_is_free(p));
            /* What is left in the words is a dead one's. */
            assert((readers & bit_of(p)) == 0 || (dead_places & bit_of(p)) != 0);
            assert(state_of(writer) == FREE || owner_of(writer) != p ||
                   (dead_places & bit_of(p)) != 0);
            assert(!is_told(writer, p) || (dead_places & bit_of(p)) != 0)
        }
        assert(!is_suspect || state_of(writer) == HELD || news_of(writer) != NONE)
    }
}

c_code {
    static int from_environment(const char *name, int otherwise)
    {
        const char *value = getenv(name);

        return value ? atoi(value) : otherwise;
    }
}

init {
    byte p;

    d_step {
        c_code {
            now.broken = from_environment("BROKEN", now.broken);
            now.deaths_left = from_environment("DEATHS", now.deaths_left);
        };
        alive = (1 << LOCKERS) - 1;
        own_lock = alive
    };
    atomic {
        do
        :: p < LOCKERS -> run Locker(p); p++
        :: else -> break
        od;
        run Rest()
    }
}
