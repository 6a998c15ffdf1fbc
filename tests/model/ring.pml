/* SPDX-License-Identifier: MIT */
/*
 * The protocol of a ring as lib/src has it, for spin to try in every order of events.
 *
 * Writers and readers are processes here. Each STEP is one access to shared memory or one call of
 * the kernel, and carries the name that the step has in slot.h, order.h, seat.h, recover.c or
 * event.h; what follows it inside the same STEP is private work. Between any two steps another
 * member may go on, and at each step the member may die instead: then the kernel lets go of its
 * lock bytes, its private variables are gone, and what it wrote stays. A dead place may be taken
 * again. Sequential consistency is what the code has too: all its control words are seq_cst.
 *
 * A slot's control word, an entry of the order, the two event words and the members' lock bytes are
 * those of the code; numbers are narrower. "Hands" and "payload" stand for the bytes of the slot:
 * whose hands are in it, and the number of the frame that it shows (0: half made).
 *
 * What has to hold in every state:
 *      - a writer's hands are never in a slot together with anybody else's (no torn read),
 *      - a reader sees the frame that it asked for, from the first look until it gives it back,
 *      - queue: each item leaves the queue once, in order,
 *      - blocking broadcast: a reader that gates gets every number from the first it wanted,
 *      - broadcast: the newest frame is never reclaimed, and nobody who wants it passes it over,
 *      - a loop goes round again only because somebody else got on.
 * and when everybody is done, dead or asleep for good (process Rest):
 *      - no writer sleeps that could go on, no reader has missed what is there (no lost wake-up),
 *      - after what a newcomer's recovery does, every slot is FREE or PUBLISHED and without pins,
 *        and no publication is half done (nothing leaks).
 *
 * Observers (slot.h, O1 and O2) are no members. They change no word, so they neither help nor wake
 * anybody, and what they hold is known to the kernel alone. They also may freeze: never go on, and
 * never die. A frozen one may keep the one slot that it holds, and hold up nothing else.
 *
 * A slice of waiting (event.h) ends by itself only after a death, once for each member. If nobody
 * died then no wake-up may be needed that did not come, however long the slices are. Writers also
 * get one when an observer lets go of a slot, since it has no way to tell.
 *
 * Not here: the end of a ring, the counts of losses, timeouts.
 *
 * Parameters, for spin -D; BROKEN, DEATHS, FRAMES, FREEZES, FULL and JOINED may also come from the
 * environment of the verifier:
 *      MODE         BLOCK, OLDEST (broadcasts), QUEUE, QUEUE_OLDEST
 *      WRITERS, READERS, SLOTS, ORDER (>= SLOTS; the code has >= 2 * SLOTS), FRAMES by each writer
 *      OBSERVERS    so many read-only readers of a broadcast
 *      FULL         the ring starts with SLOTS frames in it       else empty
 *      JOINED       the readers start attached, wanting number 1  else they join, J4 to J7
 *      LOSSY        so many of the readers, the last ones, do not gate
 *      LATEST       readers and observers may ask for FR_LATEST
 *      ABORTS       writers may abort
 *      LEAVES       readers may close
 *      KEEPS        readers of a broadcast may keep a frame for ever
 *      DEATHS, REBIRTHS    how many at the most
 *      FREEZES      so many observers may stop for ever, wherever they are
 *      BROKEN       what is left out, see below; the run must fail then
 */

#define BLOCK 1
#define OLDEST 2
#define QUEUE 3
#define QUEUE_OLDEST 4

#ifndef MODE
#define MODE BLOCK
#endif
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef READERS
#define READERS 2
#endif
#ifndef OBSERVERS
#define OBSERVERS 0
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef ORDER
#define ORDER SLOTS
#endif
#ifndef FRAMES
#define FRAMES 1
#endif
#ifndef FULL
#define FULL 0
#endif
#ifndef JOINED
#define JOINED 0
#endif
#ifndef LOSSY
#define LOSSY 0
#endif
#ifndef LATEST
#define LATEST 0
#endif
#ifndef ABORTS
#define ABORTS 0
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef KEEPS
#define KEEPS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef REBIRTHS
#define REBIRTHS 0
#endif
#ifndef FREEZES
#define FREEZES 0
#endif

/* One ingredient each; README.md tells which trap of the design it is. */
#define NOTHING 0
#define C2_SKIPPED_IF_FREE 1
#define C2_SKIPPED 2
#define B2_SKIPPED 3
#define CURSOR_BEFORE_PIN 4
#define JOIN_WITHOUT_BOUND 5
#define LOWEST_INFINITE 6
#define NEWEST_RECLAIMED 7
#define TAIL_BEFORE_COMPLETE 8
#define READER_DOES_NOT_HELP 9
#define RECOVERY_DOES_NOT_HELP 10
#define RECOVERY_KEEPS_PINS 11
#define PROBE_WITHOUT_LOCK 12
#define NO_LOOK_AFTER_ANNOUNCING 13
#define NO_SLICES 14
#define NO_WAKE_AFTER_FAILED_PIN 15
#define NO_WAKE_AFTER_JOIN 16
#define NO_WAKE_AFTER_PUBLISH 17
#define NO_WAKE_AFTER_RELEASE 18
#define NO_WAKE_AFTER_SKIP 19
#define NO_WAKE_AFTER_LEAVE 20
#define NO_WAKE_AFTER_ABORT 21
#define HEAD_STAYS_AT_RECLAIMED 22
#define TAIL_AFTER_READERS 23
#define NO_SPACE_AFTER_PUBLISH 24
#define OBSERVERS_NOT_ASKED 25
#define ASKED_BEFORE_CLAIM 26
#define O2_BEFORE_O1 27
#define O2_SKIPPED 28
#define CLAIMED_TAKEN_FOR_ANNOUNCED 29
#define OBSERVER_WANTS_COMPLETE 30
#define WAKE_ONLY_IF_ASKED 31
#define WAKE_WITHOUT_CHANGE 32
#define LOCK_OUTLIVES_OBSERVER 33
#define NO_POLLING 34

#ifndef BROKEN
#define BROKEN NOTHING
#endif

/* From the environment, so that one build does for many runs. */
byte broken = BROKEN;
byte deaths_left = DEATHS;
byte frames = FRAMES;
bit starts_full = FULL;
bit starts_joined = JOINED;
#if OBSERVERS
byte freezes_left = FREEZES;
#endif

#define WITHOUT(ingredient) (broken == ingredient)
#define NEVER 255 /* for what is in every model */

#define MEMBERS (WRITERS + READERS)
#define PARTIES (WRITERS + READERS + OBSERVERS)
#define BROADCAST (MODE == BLOCK || MODE == OLDEST)
#define gates(reader) (MODE == BLOCK && reader < MEMBERS - LOSSY)
#define bit_of(member) (1 << (member))
#define WRITER_BITS (bit_of(WRITERS) - 1)
#define READER_BITS ((bit_of(READERS + OBSERVERS) - 1) << WRITERS)
#define MEMBER_BITS (bit_of(MEMBERS) - 1)

/* ---- Words of shared memory: slot.h, order.h ------------------------------------------------ */

#define FREE 0
#define WRITING 1
#define PUBLISHED 2
#define TAKEN 3

#define control_make(number, state, owner) ((number) << 4 | (state) << 2 | (owner))
#define control_sequence(word) ((word) >> 4)
#define control_state(word) ((word) >> 2 & 3)
#define control_owner(word) ((word) & 3)
#define is_owned(word, member) \
    ((control_state(word) == WRITING || control_state(word) == TAKEN) && \
     control_owner(word) == (member))

#define entry_make(number, slot) ((number) << 2 | (slot))
#define entry_sequence(word) ((word) >> 2)
#define entry_slot(word) ((word) & 3)
#define order(number) entry[(number) % ORDER]

byte control[SLOTS];
byte pins[SLOTS];
byte entry[ORDER];
byte tail;
byte head = 1;
byte attached;
byte gating;
byte cursor[MEMBERS];
bit somebody_waits[2]; /* of the two event words */
#define DATA 0
#define SPACE 1

/* ---- The kernel ------------------------------------------------------------------------------ */

byte own_lock; /* bit p: p's lock byte is held by p's own mapping */
byte burying[PARTIES]; /* whose lock byte a writer holds to clean up after it, + 1 */

#if WRITERS == 2
#define is_buried(place) (burying[0] == place + 1 || burying[1] == place + 1)
#else
#define is_buried(place) (burying[0] == place + 1)
#endif
#define lock_is_free(place) ((own_lock & bit_of(place)) == 0 && !is_buried(place))

#if OBSERVERS
byte holds[PARTIES]; /* the slot whose byte an observer has locked, + 1 */
byte frozen;         /* bit p: observer p will never go on */
#define has_locked(observer, slot) (holds[observer] == slot + 1)
#if OBSERVERS == 2
#define is_observed(slot) (has_locked(MEMBERS, slot) || has_locked(MEMBERS + 1, slot))
#define by_frozen(slot) \
    (has_locked(MEMBERS, slot) && (frozen & bit_of(MEMBERS)) || \
     has_locked(MEMBERS + 1, slot) && (frozen & bit_of(MEMBERS + 1)))
#else
#define is_observed(slot) has_locked(MEMBERS, slot)
#define by_frozen(slot) (has_locked(MEMBERS, slot) && (frozen & bit_of(MEMBERS)))
#endif
#else
#define is_observed(slot) false
#define by_frozen(slot) false
#endif

/* Writers wait for space and readers for data. The counts of the event words are as good as a bit
 * for each member that tells whether the word is still as it remembers it. */
byte unchanged; /* bit p: p's word is as it was at its W2 */
byte asleep;    /* bit p: p is in W4 */
byte slices;    /* bit p: p's sleep ends by itself */
#define waiters_for(event) (event == SPACE -> WRITER_BITS : READER_BITS)

/* ---- What nobody in the ring can see --------------------------------------------------------- */

byte alive;
byte dead_places;
byte rebirths;
bit is_over;
byte hand[PARTIES]; /* the slot whose bytes a member reads or writes, + 1 */
byte payload[SLOTS];
byte announced;     /* the last number that passed P1 */
byte gone;          /* queue: the last number that was taken or reclaimed */
byte next[PARTIES]; /* reader of a broadcast: the number wanted next; its own in the code */

#define hand_in(party, slot) (hand[party] == slot + 1)
#if WRITERS == 2
#define writer_in(slot) (hand_in(0, slot) || hand_in(1, slot))
#else
#define writer_in(slot) hand_in(0, slot)
#endif
#if PARTIES == 4
#define anybody_in(slot) \
    (hand_in(0, slot) || hand_in(1, slot) || hand_in(2, slot) || hand_in(3, slot))
#elif PARTIES == 2
#define anybody_in(slot) (hand_in(0, slot) || hand_in(1, slot))
#else
#define anybody_in(slot) (hand_in(0, slot) || hand_in(1, slot) || hand_in(2, slot))
#endif

inline writer_begins(slot)
{
    assert(!anybody_in(slot));
    hand[me] = slot + 1;
    payload[slot] = 0
}

inline reader_begins(slot, number)
{
    assert(!writer_in(slot) && payload[slot] == number);
    hand[me] = slot + 1
}

inline reader_ends(slot, number)
{
    assert(!writer_in(slot) && payload[slot] == number);
    hand[me] = 0
}

inline item_leaves(number)
{
    assert(number == gone + 1);
    gone = number
}

inline die()
{
    deaths_left--;
    alive = alive & ~bit_of(me);
    dead_places = dead_places | (bit_of(me) & MEMBER_BITS);
    own_lock = own_lock & ~bit_of(me);
    burying[me] = 0;
#if OBSERVERS
    holds[me] = (WITHOUT(LOCK_OUTLIVES_OBSERVER) -> holds[me] : 0);
#endif
    unchanged = unchanged & ~bit_of(me);
    asleep = asleep & ~bit_of(me);
    slices = (WITHOUT(NO_SLICES) -> 0 : alive);
    hand[me] = 0;
    next[me] = 0
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/*
 * The skip keeps a step that begins with an `if` apart from the choice to die: spin would merge the
 * two, and take the `else` of the step only when nobody can die any more.
 */
#define OR_DIE :: d_step { deaths_left > 0 && !is_over -> die() }; goto dead
#define STEP if OR_DIE :: atomic { skip;
#define END } fi

/* fri_event_wake_unasked, where observers may wait. */
#if OBSERVERS
#define is_unasked(event) (event == DATA && !WITHOUT(WAKE_ONLY_IF_ASKED))
#define is_changed(event) (event == SPACE || !WITHOUT(WAKE_WITHOUT_CHANGE))
#else
#define is_unasked(event) false
#define is_changed(event) true
#endif

/* event.h P2 to P4, then on at `then`. P3 succeeds only on what P2 saw: one step. */
#define WAKE(event, ingredient, then) \
        STEP \
            if \
            :: (somebody_waits[event] || is_unasked(event)) && !WITHOUT(ingredient) -> \
                somebody_waits[event] = 0; \
                unchanged = (is_changed(event) -> unchanged & ~waiters_for(event) : unchanged) \
            :: else -> goto then \
            fi \
        END; \
        STEP asleep = asleep & ~waiters_for(event); goto then END

/* W2, then the look of W3. */
#define ANNOUNCE_WAIT(event, then) \
        STEP \
            somebody_waits[event] = 1; \
            unchanged = unchanged | bit_of(me); \
            is_announced = 1; \
            if \
            :: WITHOUT(NO_LOOK_AFTER_ANNOUNCING) -> goto W4 \
            :: else -> goto then \
            fi \
        END

/* W4; if_sliced is done if no one woke us. */
#define SLEEP_SLICE(then, if_sliced) \
        STEP \
            is_announced = 0; \
            if \
            :: unchanged & bit_of(me) -> \
                unchanged = unchanged & ~bit_of(me); \
                asleep = asleep | bit_of(me) \
            :: else -> goto then \
            fi \
        END; \
        if \
        OR_DIE \
        :: atomic { (asleep & bit_of(me)) == 0 -> goto then } \
        :: atomic { \
            asleep & slices & bit_of(me) -> \
            asleep = asleep & ~bit_of(me); \
            if_sliced; \
            goto then \
        } \
        fi

/* The look that found something. */
inline stop_waiting()
{
    is_announced = 0;
    unchanged = unchanged & ~bit_of(me)
}

/* P2, slot_complete: the look and the change. */
#define COMPLETE(slot, number, then) \
        STEP \
            seen = control[slot]; \
            if \
            :: control_sequence(seen) < number && control_state(seen) == WRITING \
            :: else -> seen = 0; goto then \
            fi \
        END; \
        STEP \
            if \
            :: control[slot] == seen -> control[slot] = control_make(number, PUBLISHED, 0) \
            :: else \
            fi; \
            seen = 0; \
            goto then \
        END

/* P3, tail_advance */
#define ADVANCE(number) \
            if \
            :: tail == number - 1 -> tail = number \
            :: else \
            fi

/* fri_order_newest: the newest number into n, helping what is half done; labels begin with step. */
#define NEWEST(step, for_burial, then) \
step##_tail: \
        STEP n = tail + 1 END; \
        STEP \
            e = order(n); \
            if \
            :: entry_sequence(e) < n || for_burial && WITHOUT(RECOVERY_DOES_NOT_HELP) -> \
                e = 0; \
                n--; \
                goto then \
            :: else \
            fi; \
            if \
            :: entry_sequence(e) > n -> e = 0; assert(tail >= n); goto step##_tail \
            :: entry_sequence(e) == n && WITHOUT(TAIL_BEFORE_COMPLETE) -> goto step##_advance \
            :: entry_sequence(e) == n && !WITHOUT(TAIL_BEFORE_COMPLETE) \
            fi \
        END; \
        COMPLETE(entry_slot(e), n, step##_advance); \
step##_advance: \
        STEP ADVANCE(n); e = 0; assert(tail >= n); goto step##_tail END

/* R3 to R5, fri_seat_clear_place; then on at `then`. */
#define CLEAR_PLACE(place, step, then) \
        NEWEST(step, true, step##_look); \
step##_look: \
        STEP \
            n = 0; \
            seen = control[i]; \
            if \
            :: is_owned(seen, place) \
            :: else -> seen = 0; goto step##_pins \
            fi \
        END; \
        STEP \
            if \
            :: control[i] == seen -> control[i] = control_make(control_sequence(seen), FREE, 0) \
            :: else \
            fi; \
            seen = 0 \
        END; \
step##_pins: \
        STEP \
            if \
            :: (pins[i] & bit_of(place)) && !WITHOUT(RECOVERY_KEEPS_PINS) -> goto step##_unpin \
            :: else -> i++ \
            fi; \
            if \
            :: i < SLOTS -> goto step##_look \
            :: else -> i = 0; goto step##_bits \
            fi \
        END; \
step##_unpin: \
        STEP \
            pins[i] = pins[i] & ~bit_of(place); \
            i++; \
            if \
            :: i < SLOTS -> goto step##_look \
            :: else -> i = 0 \
            fi \
        END; \
step##_bits: \
        STEP gating = gating & ~bit_of(place) END; \
        STEP attached = attached & ~bit_of(place); goto then END

/* J1: somebody takes the dead place again. */
#if REBIRTHS
#define DEAD_PLACE \
        atomic { \
            rebirths < REBIRTHS && lock_is_free(me) && !is_over -> \
            rebirths++; \
            own_lock = own_lock | bit_of(me); \
            alive = alive | bit_of(me); \
            dead_places = dead_places & ~bit_of(me); \
            slices = (WITHOUT(NO_SLICES) -> 0 : slices | bit_of(me)); \
            goto attach \
        }
#else
#define DEAD_PLACE false
#endif

/* ---- Writers: claim.c, ring_write.c ---------------------------------------------------------- */

/* What becomes of a look, when one slot will not do, and when none will. */
inline forget_look()
{
    n = 0;
    e = 0;
    seen = 0;
    looked = 0;
    oldest = 0;
    oldest_slot = 0;
    surveyed = 0
}

inline nothing_found()
{
    forget_look();
    i = 0;
    if
    :: raced -> raced = 0; goto look
    :: sliced -> raced = 0; sliced = 0; goto R1
    :: !sliced && !is_announced -> raced = 0; goto W2
    :: !sliced && is_announced -> raced = 0; goto W4
    fi
}

inline next_slot()
{
    seen = 0;
    i++;
    if
    :: i < SLOTS -> goto slot
    :: i == SLOTS && oldest != 0 && !surveyed ->
        surveyed = 1;
        seen = oldest;
        i = oldest_slot;
        goto C1
#if MODE == QUEUE_OLDEST
    :: else -> goto head_look
#else
    :: else -> nothing_found()
#endif
    fi
}

/* Everybody is woken once all the dead are cleaned up after. */
inline next_to_bury()
{
    other = 0;
    if
    :: rest != 0 -> goto R2
    :: rest == 0 && found -> found = 0; goto R6_data
    :: rest == 0 && !found -> goto look
    fi
}

/* A slot was claimed that had the word seen. */
inline claimed(had)
{
    assert(!BROADCAST || control_state(had) == FREE || control_sequence(had) < announced);
    writer_begins(i);
    stop_waiting();
    sliced = 0;
    raced = 0;
    forget_look()
}

proctype Writer(byte me)
{
    byte seen;  /* a control word */
    byte i;     /* a slot: the one looked at, then ours */
    byte n;     /* a number */
    byte e;     /* an entry of the order */
    byte made;  /* frames so far */
    bit raced;  /* this look failed because somebody else was quicker */
    bit sliced; /* the last sleep ended by itself: time to ask who lives */
    byte rest;  /* a set of members */
    byte other; /* the one that is asked */
    bit found;  /* one of them was dead */
    byte reclaimable; /* blocking: numbers below were read by everybody */
    bit looked;       /* blocking: and that is fresh */
    byte oldest;      /* drop-oldest: the control word of the oldest candidate, */
    byte oldest_slot;
    bit surveyed;     /* and that is the one that is being claimed */
    bit is_announced; /* W2 is done, W3 was due */

    goto look;

#if REBIRTHS
/* J2 to J5 */
attach: CLEAR_PLACE(me, J2, J5);
J5:     STEP attached = attached | bit_of(me); goto look END;
#endif

look:
#if MODE == OLDEST
        STEP n = tail END;
#endif
slot:   STEP
            seen = control[i];
            if
            :: control_state(seen) == FREE -> goto C1
#if MODE == BLOCK
            :: control_state(seen) == PUBLISHED && control_sequence(seen) < reclaimable ->
                goto unpinned
            :: control_state(seen) == PUBLISHED && control_sequence(seen) >= reclaimable &&
               !looked && !WITHOUT(TAIL_AFTER_READERS) -> goto lowest
            :: control_state(seen) == PUBLISHED && control_sequence(seen) >= reclaimable &&
               !looked && WITHOUT(TAIL_AFTER_READERS) -> n = 15; goto readers
#endif
#if MODE == OLDEST
            :: control_state(seen) == PUBLISHED &&
               (control_sequence(seen) < n || WITHOUT(NEWEST_RECLAIMED)) -> goto unpinned
#endif
            :: else -> next_slot()
            fi
        END;

#if MODE == BLOCK
/* lowest_cursor: the tail first, then who gates, then each one's cursor. */
lowest: STEP
            n = tail;
            if
            :: WITHOUT(NEWEST_RECLAIMED) -> n++
            :: WITHOUT(LOWEST_INFINITE) -> n = 15
            :: else
            fi
        END;
readers:
        STEP
            rest = gating;
            looked = 1;
            if
            :: rest != 0 -> goto cursors
            :: rest == 0 && WITHOUT(TAIL_AFTER_READERS) -> goto late_tail
            :: else -> goto bound
            fi
        END;
cursors:
        STEP
            other = WRITERS;
            do
            :: (rest & bit_of(other)) == 0 -> other++
            :: else -> break
            od;
            rest = rest & ~bit_of(other);
            n = (cursor[other] < n -> cursor[other] : n);
            other = 0;
            if
            :: rest != 0 -> goto cursors
            :: rest == 0 && WITHOUT(TAIL_AFTER_READERS) -> goto late_tail
            :: else -> goto bound
            fi
        END;
late_tail:
        STEP n = (tail < n -> tail : n); goto bound END;
bound:  atomic {
            reclaimable = n;
            n = 0;
            if
            :: control_sequence(seen) < reclaimable -> goto unpinned
            :: else -> next_slot()
            fi
        };
#endif

#if MODE == BLOCK || MODE == OLDEST
/* The cheap look before C1. Drop-oldest only notes the oldest until it has seen all slots. */
unpinned:
        STEP
            if
            :: pins[i] != 0 && !WITHOUT(C2_SKIPPED) -> next_slot()
            :: else ->
#if OBSERVERS
                goto unobserved
            fi
        END;
/* The second half of fri_seat_is_pinned. */
unobserved:
        STEP
            if
            :: is_observed(i) && !WITHOUT(OBSERVERS_NOT_ASKED) -> next_slot()
            :: else ->
#endif
#if MODE == OLDEST
                if
                :: oldest == 0 || control_sequence(seen) < control_sequence(oldest) ->
                    oldest = seen;
                    oldest_slot = i
                :: else
                fi;
                next_slot()
#endif
            fi
        END;
#endif

C1:     STEP
            if
            :: control[i] == seen ->
                control[i] = control_make(control_sequence(seen), WRITING, me);
                if
                :: !BROADCAST || WITHOUT(C2_SKIPPED) ||
                   (WITHOUT(C2_SKIPPED_IF_FREE) && control_state(seen) == FREE) ->
                    claimed(seen);
                    goto filling
                :: else
                fi
            :: else ->
                raced = 1;
                if
                :: surveyed -> nothing_found()
                :: else -> next_slot()
                fi
            fi
        END;
C2:     STEP
            if
#if OBSERVERS
            :: pins[i] == 0 -> goto C2_kernel
            :: else -> goto unclaim
            fi
        END;
C2_kernel:
        STEP
            if
            :: !is_observed(i) || WITHOUT(OBSERVERS_NOT_ASKED) || WITHOUT(ASKED_BEFORE_CLAIM) ->
                claimed(seen);
                goto filling
#else
            :: pins[i] == 0 -> claimed(seen); goto filling
#endif
            :: else
            fi
        END;
unclaim:
        STEP
            assert(control[i] == control_make(control_sequence(seen), WRITING, me));
            control[i] = seen;
            raced = 1;
            if
            :: surveyed -> nothing_found()
            :: else -> next_slot()
            fi
        END;

#if MODE == QUEUE_OLDEST
/* claim_head */
head_look:
        STEP n = head END;
        STEP
            e = order(n);
            if
            :: entry_sequence(e) < n -> nothing_found()
            :: entry_sequence(e) > n -> assert(head > n); raced = 1; nothing_found()
            :: else -> i = entry_slot(e)
            fi
        END;
        COMPLETE(i, n, head_claim);
head_claim:
        STEP
            if
            :: control[i] == control_make(n, PUBLISHED, 0) ->
                control[i] = control_make(n, WRITING, me);
                item_leaves(n);
                writer_begins(i)
            :: else -> goto head_gone
            fi
        END;
        STEP
            if
            :: head == n && !WITHOUT(HEAD_STAYS_AT_RECLAIMED) -> head = n + 1
            :: else
            fi;
            hand[me] = 0;
            claimed(0);
            goto filling
        END;
head_gone:
        STEP
            if
            :: head == n && !WITHOUT(HEAD_STAYS_AT_RECLAIMED) -> head = n + 1
            :: else
            fi;
            assert(head > n);
            raced = 1;
            nothing_found()
        END;
#endif

/* The slot is ours: fri_order_publish, or an abort. */
filling:
#if ABORTS
        if
        :: goto abort
        :: goto P0
        fi;
abort:  STEP
            assert(control_state(control[i]) == WRITING && control_owner(control[i]) == me);
            control[i] = control_make(control_sequence(control[i]), FREE, 0);
            hand[me] = 0;
            i = 0;
            made++
        END;
        WAKE(SPACE, NO_WAKE_AFTER_ABORT, published);
#endif
P0:     STEP n = tail + 1 END;
        STEP
            e = order(n);
            if
            :: entry_sequence(e) < n -> goto P1
            :: entry_sequence(e) > n -> e = 0; assert(tail >= n); goto P0
            :: entry_sequence(e) == n && WITHOUT(TAIL_BEFORE_COMPLETE) -> goto helped
            :: entry_sequence(e) == n && !WITHOUT(TAIL_BEFORE_COMPLETE)
            fi
        END;
        COMPLETE(entry_slot(e), n, helped);
helped: STEP ADVANCE(n); e = 0; assert(tail >= n); goto P0 END;

P1:     STEP
            if
            :: order(n) == e ->
                d_step {
                    order(n) = entry_make(n, i);
                    announced++;
                    assert(n == announced);
                    hand[me] = 0;
                    payload[i] = n
                };
                e = 0;
                if
                :: WITHOUT(TAIL_BEFORE_COMPLETE) -> goto early_tail
                :: else -> goto P2_look
                fi
            :: else -> e = 0; goto P0
            fi
        END;
early_tail:
        STEP ADVANCE(n) END;
P2_look:
        COMPLETE(i, n, P3);
P3:     STEP
            ADVANCE(n);
            made++;
            i = 0;
            n = 0
        END;
/* Broadcast: the frame before ours is not the newest any more, and may be reclaimed. */
#if BROADCAST
P4:     WAKE(DATA, NO_WAKE_AFTER_PUBLISH, P4_space);
P4_space:
        WAKE(SPACE, NO_SPACE_AFTER_PUBLISH, published);
#else
P4:     WAKE(DATA, NO_WAKE_AFTER_PUBLISH, published);
#endif
published:
        if
        :: made < frames -> goto look
        :: else
        fi;
        d_step {
            alive = alive & ~bit_of(me);
            slices = slices & ~bit_of(me);
            made = 0;
            reclaimable = 0
        };
        false;

W2:     ANNOUNCE_WAIT(SPACE, look);
W4:     SLEEP_SLICE(look, sliced = 1);

/* recover.c. R1 is only a hint: R2 says no to the same members. */
R1:     STEP
            rest = attached & ~bit_of(me);
            slices = slices & ~bit_of(me);
            if
            :: rest == 0 -> goto look
            :: else
            fi
        END;
R2:     STEP
            other = 0;
            do
            :: (rest & bit_of(other)) == 0 -> other++
            :: else -> break
            od;
            rest = rest & ~bit_of(other);
            if
            :: lock_is_free(other) && WITHOUT(PROBE_WITHOUT_LOCK)
            :: lock_is_free(other) && !WITHOUT(PROBE_WITHOUT_LOCK) -> burying[me] = other + 1
            :: !lock_is_free(other) -> next_to_bury()
            fi
        END;
/* Without its bit it has left in order, or others have cleaned up after it. */
        STEP
            if
            :: (attached & bit_of(other)) != 0
            :: else -> burying[me] = 0; next_to_bury()
            fi
        END;
        CLEAR_PLACE(other, R3, R6);
R6:     STEP burying[me] = 0; found = 1; next_to_bury() END;
R6_data:
        WAKE(DATA, NEVER, R6_space);
R6_space:
        WAKE(SPACE, NEVER, look);

dead:   atomic {
            forget_look();
            i = 0;
            is_announced = 0;
            made = 0;
            raced = 0;
            sliced = 0;
            rest = 0;
            other = 0;
            found = 0;
            reclaimable = 0
        };
        DEAD_PLACE
}

/* ---- Readers: take.c, ring_read.c ------------------------------------------------------------ */

inline nothing_there()
{
    n = 0;
    if
    :: !is_announced -> goto W2
    :: else -> goto W4
    fi
}

/* The number next[me] was not to be had. */
inline lose_until(first)
{
    assert(!gates(me));
    assert(first <= announced);
    next[me] = first
}

proctype Reader(byte me; bit is_in)
{
    byte seen;
    byte i;
    byte n;
    byte e;
    byte guaranteed; /* numbers below were published before we came */
    bit latest;      /* what is asked for: FR_LATEST, or FR_NEXT */
    bit is_announced; /* W2 is done, W3 was due */

    if
    :: is_in -> is_in = 0; goto acquire
    :: else -> goto J4
    fi;

/* J2 to J7 */
#if REBIRTHS
attach: CLEAR_PLACE(me, J2, J4);
#endif
J4:     STEP cursor[me] = 1 END;
        STEP
            attached = attached | bit_of(me);
            if
            :: !BROADCAST -> goto acquire
            :: WITHOUT(JOIN_WITHOUT_BOUND) || !gates(me) -> goto J7_tail
            :: else
            fi
        END;
J6:     STEP gating = gating | bit_of(me) END;
        NEWEST(J7, false, J7_cursor);
J7_cursor:
        STEP
            guaranteed = n + 1;
            next[me] = (n == 0 -> 1 : n);
            n = 0;
            if
            :: gates(me) -> cursor[me] = next[me]
            :: else
            fi;
            if
            :: WITHOUT(JOIN_WITHOUT_BOUND) && gates(me) -> gating = gating | bit_of(me)
            :: else
            fi
        END;
        WAKE(SPACE, NO_WAKE_AFTER_JOIN, acquire);

acquire:
#if LATEST
        if
        :: latest = 0
        :: latest = 1
        fi;
#endif
#if LEAVES
        if
        :: goto leave
        :: skip
        fi;
#endif
look:

#if MODE == QUEUE || MODE == QUEUE_OLDEST
/* try_take */
        STEP n = head END;
        STEP
            e = order(n);
            if
            :: entry_sequence(e) < n -> e = 0; nothing_there()
            :: entry_sequence(e) > n -> e = 0; assert(head > n); goto look
            :: else -> i = entry_slot(e); e = 0
            fi;
            if
            :: WITHOUT(READER_DOES_NOT_HELP) -> goto take
            :: else
            fi
        END;
        COMPLETE(i, n, take);
take:   STEP
            if
            :: control[i] == control_make(n, PUBLISHED, 0) ->
                control[i] = control_make(n, TAKEN, me);
                item_leaves(n);
                reader_begins(i, n);
                stop_waiting()
            :: else -> i = 0; goto item_gone
            fi
        END;
        STEP
            if
            :: head == n -> head = n + 1
            :: else
            fi
        END;
give_back:
        STEP
            reader_ends(i, n);
            assert(control[i] == control_make(n, TAKEN, me));
            control[i] = control_make(n, FREE, 0);
            i = 0;
            n = 0
        END;
        WAKE(SPACE, NO_WAKE_AFTER_RELEASE, acquire);
item_gone:
        STEP
            if
            :: head == n && !WITHOUT(HEAD_STAYS_AT_RECLAIMED) -> head = n + 1
            :: else
            fi;
            assert(head > n);
            n = 0;
            goto look
        END;

#else
#if LATEST
        if
        :: latest -> goto skip_tail
        :: else -> goto B0
        fi;
/* skip_to_newest */
        NEWEST(skip, false, skipping);
skipping:
        STEP
            if
            :: n <= next[me] -> n = 0; goto B0
            :: else -> next[me] = n; n = 0
            fi;
            if
            :: gates(me) -> cursor[me] = next[me]
            :: else
            fi
        END;
        WAKE(SPACE, NO_WAKE_AFTER_SKIP, B0);
#endif

/* try_next */
B0:     STEP
            e = order(next[me]);
            if
            :: entry_sequence(e) < next[me] -> e = 0; nothing_there()
            :: entry_sequence(e) > next[me] -> e = 0; goto catch_up
            :: else -> i = entry_slot(e); e = 0
            fi;
            if
            :: WITHOUT(READER_DOES_NOT_HELP) -> goto carries
            :: else
            fi
        END;
        COMPLETE(i, next[me], carries);
carries:
        STEP
            if
            :: control[i] == control_make(next[me], PUBLISHED, 0)
            :: else -> i = 0; lose_until(next[me] + 1); goto B0
            fi;
            if
            :: WITHOUT(CURSOR_BEFORE_PIN) -> goto early_cursor
            :: else -> goto B1
            fi
        END;
early_cursor:
        STEP cursor[me] = next[me] + 1 END;
B1:     STEP pins[i] = pins[i] | bit_of(me) END;
B2:     STEP
            if
            :: control[i] == control_make(next[me], PUBLISHED, 0) || WITHOUT(B2_SKIPPED) ->
                reader_begins(i, next[me]);
                stop_waiting();
                next[me]++;
                if
                :: !gates(me) -> goto release
                :: else -> goto B3
                fi
            :: else
            fi
        END;
        STEP
            pins[i] = pins[i] & ~bit_of(me);
            i = 0;
            lose_until(next[me] + 1)
        END;
        WAKE(SPACE, NO_WAKE_AFTER_FAILED_PIN, B0);
B3:     STEP cursor[me] = next[me] END;
release:
#if KEEPS
        if
        :: goto keep
        :: skip
        fi;
#endif
        STEP
            reader_ends(i, next[me] - 1);
            pins[i] = pins[i] & ~bit_of(me);
            i = 0
        END;
        WAKE(SPACE, NO_WAKE_AFTER_RELEASE, acquire);
catch_up:
        STEP
            n = (tail > ORDER - 1 -> tail - (ORDER - 1) : 0);
            n = (n > next[me] + 1 -> n : next[me] + 1);
            lose_until(n);
            n = 0;
            goto B0
        END;
#endif

W2:     ANNOUNCE_WAIT(DATA, look);
W4:     SLEEP_SLICE(look, slices = slices & ~bit_of(me));

#if KEEPS
keep:   STEP alive = alive & ~bit_of(me); slices = slices & ~bit_of(me) END;
        false;
#endif

#if LEAVES
/* leave of ring_read.c, then D1, D3 */
leave:  STEP gating = gating & ~bit_of(me) END;
        WAKE(SPACE, NO_WAKE_AFTER_LEAVE, D1_tail);
        CLEAR_PLACE(me, D1, D1_data);
D1_data:
        WAKE(DATA, NEVER, D1_space);
D1_space:
        WAKE(SPACE, NO_WAKE_AFTER_LEAVE, D3);
D3:     STEP
            d_step {
                own_lock = own_lock & ~bit_of(me);
                alive = alive & ~bit_of(me);
                slices = slices & ~bit_of(me);
                next[me] = 0;
                guaranteed = 0;
                latest = 0
            }
        END;
        false;
#endif

dead:   atomic {
            seen = 0;
            i = 0;
            n = 0;
            e = 0;
            is_announced = 0;
            guaranteed = 0;
            latest = 0
        };
        DEAD_PLACE
}

/* ---- Observers: take.c, try_observe ---------------------------------------------------------- */

#if OBSERVERS
inline freeze()
{
    freezes_left--;
    alive = alive & ~bit_of(me);
    frozen = frozen | bit_of(me);
    unchanged = unchanged & ~bit_of(me);
    slices = slices & ~bit_of(me)
}

#define LIVE_STEP if OR_DIE \
        :: d_step { freezes_left > 0 && !is_over -> freeze() }; goto stopped \
        :: atomic { skip;

/* slot_will_carry */
#define will_carry(word, number) \
    (word == control_make(number, PUBLISHED, 0) || \
     control_state(word) == WRITING && !WITHOUT(OBSERVER_WANTS_COMPLETE) && \
     (control_sequence(word) < number || WITHOUT(CLAIMED_TAKEN_FOR_ANNOUNCED)))

/* A number is passed over only if a writer has laid hands on its slot since. */
inline lose_next()
{
    assert(control_sequence(control[i]) > next[me] ||
           control_sequence(control[i]) == next[me] && control_state(control[i]) != PUBLISHED);
    i = 0;
    lose_until(next[me] + 1)
}

/* No writer is woken: they look again when their slice is over. */
inline let_go()
{
    holds[me] = 0;
    slices = (WITHOUT(NO_SLICES) || WITHOUT(NO_POLLING) -> slices
                                                        : slices | alive & WRITER_BITS);
    i = 0
}

/* fri_order_newest for one who cannot help: the newest number into n, then on at `then`. */
#define SEE_NEWEST(step, then) \
step##_tail: \
        LIVE_STEP n = tail + 1 END; \
        LIVE_STEP \
            if \
            :: entry_sequence(order(n)) < n -> n--; goto then \
            :: entry_sequence(order(n)) == n -> goto then \
            :: else -> assert(tail >= n); goto step##_tail \
            fi \
        END

proctype Observer(byte me; bit is_in)
{
    byte i;
    byte n;
    bit latest;
    bit is_announced;

    if
    :: is_in -> is_in = 0; goto acquire
    :: else -> goto join_tail
    fi;

        SEE_NEWEST(join, joined);
joined: atomic { next[me] = (n == 0 -> 1 : n); n = 0 };

acquire:
#if LATEST
        if
        :: latest = 0
        :: latest = 1
        fi;
#endif
look:
#if LATEST
        if
        :: latest -> goto skip_tail
        :: else -> goto entry_look
        fi;
        SEE_NEWEST(skip, skipping);
skipping:
        atomic { next[me] = (n > next[me] -> n : next[me]); n = 0 };
#endif

/* try_next */
entry_look:
        LIVE_STEP
            if
            :: entry_sequence(order(next[me])) < next[me] -> nothing_there()
            :: entry_sequence(order(next[me])) > next[me] -> goto catch_up
            :: else -> i = entry_slot(order(next[me]))
            fi;
            if
            :: WITHOUT(O2_SKIPPED) -> goto O1
            :: else
            fi
        END;
        LIVE_STEP
            if
            :: will_carry(control[i], next[me])
            :: else -> lose_next(); goto entry_look
            fi
        END;
O1:     LIVE_STEP holds[me] = i + 1 END;
O2:     LIVE_STEP
            if
            :: will_carry(control[i], next[me]) || WITHOUT(O2_SKIPPED) || WITHOUT(O2_BEFORE_O1) ->
                reader_begins(i, next[me]);
                stop_waiting();
                next[me]++;
                goto release
            :: else
            fi
        END;
        LIVE_STEP let_go(); lose_until(next[me] + 1); goto entry_look END;
release:
        LIVE_STEP reader_ends(i, next[me] - 1); let_go(); goto acquire END;

catch_up:
        LIVE_STEP
            n = (tail > ORDER - 1 -> tail - (ORDER - 1) : 0);
            n = (n > next[me] + 1 -> n : next[me] + 1);
            lose_until(n);
            n = 0;
            goto entry_look
        END;

/* The word is only remembered. */
W2:     LIVE_STEP
            unchanged = unchanged | bit_of(me);
            is_announced = 1;
            if
            :: WITHOUT(NO_LOOK_AFTER_ANNOUNCING) -> goto W4
            :: else -> goto look
            fi
        END;
W4:     SLEEP_SLICE(look, slices = slices & ~bit_of(me));

dead:
stopped:
        atomic { i = 0; n = 0; latest = 0; is_announced = 0 };
        false
}
#endif

/* ---- At rest --------------------------------------------------------------------------------- */

/* Dead, done, or asleep for good. */
#define ALL_QUIET ((alive & ~asleep) == 0 && (slices & asleep) == 0)

proctype Rest()
{
    byte m;
    byte i;
    bit reader_lives;
    bit newest_is_there;
    bit writer_sleeps;
    bit a_slot_is_kept; /* by a frozen observer */
    byte lowest;

    d_step {
        ALL_QUIET ->
        is_over = 1;
        for (m : WRITERS .. MEMBERS - 1) {
            reader_lives = reader_lives || (alive & bit_of(m)) != 0;
            /* No reader sleeps on what it could have. */
            assert(!BROADCAST || (alive & bit_of(m)) == 0 || next[m] == announced + 1)
        }
#if OBSERVERS
        for (m : MEMBERS .. PARTIES - 1) {
            assert((alive & bit_of(m)) == 0 || next[m] == announced + 1);
            /* What it comes to for the writer is asked below. */
            assert(holds[m] == 0 || (frozen & bit_of(m)) != 0 || WITHOUT(LOCK_OUTLIVES_OBSERVER));
            a_slot_is_kept = a_slot_is_kept || (holds[m] != 0 && (frozen & bit_of(m)) != 0)
        }
#endif
        assert(BROADCAST || !reader_lives || gone == announced);
        for (m : 0 .. WRITERS - 1) {
            writer_sleeps = writer_sleeps || (alive & bit_of(m)) != 0
        }
        /*
         * A writer may wait for ever only for a reader of a queue that has none, and for one that
         * keeps its frame. Before that it has looked who is dead.
         */
        assert(!writer_sleeps || KEEPS || a_slot_is_kept || (MODE == QUEUE && !reader_lives));
        assert(!writer_sleeps || (attached & dead_places) == 0);
        lowest = tail;
        for (m : WRITERS .. MEMBERS - 1) {
            lowest = ((gating & bit_of(m)) != 0 && cursor[m] < lowest -> cursor[m] : lowest)
        }
        for (i : 0 .. SLOTS - 1) {
            assert(!writer_sleeps || pins[i] != 0 || by_frozen(i) ||
                   !(control_state(control[i]) == FREE ||
                     (BROADCAST && control_state(control[i]) == PUBLISHED &&
                      control_sequence(control[i]) < lowest)))
        }
        /* What a newcomer's R3 to R5 do to the places of the dead. */
        if
        :: entry_sequence(order(tail + 1)) == tail + 1 ->
            i = entry_slot(order(tail + 1));
            if
            :: control_state(control[i]) == WRITING && control_sequence(control[i]) <= tail ->
                control[i] = control_make(tail + 1, PUBLISHED, 0)
            :: else
            fi;
            tail++
        :: else
        fi;
        for (m : 0 .. MEMBERS - 1) {
            assert(!(dead_places & bit_of(m)) || lock_is_free(m));
            for (i : 0 .. SLOTS - 1) {
                if
                :: (dead_places & bit_of(m)) && is_owned(control[i], m) ->
                    control[i] = control_make(control_sequence(control[i]), FREE, 0)
                :: else
                fi;
                if
                :: (dead_places & bit_of(m)) && !WITHOUT(RECOVERY_KEEPS_PINS) ->
                    pins[i] = pins[i] & ~bit_of(m)
                :: else
                fi
            }
        }
        assert(tail == announced);
        for (i : 0 .. SLOTS - 1) {
            assert(pins[i] == 0 || KEEPS);
            assert(control_state(control[i]) == FREE || control_state(control[i]) == PUBLISHED);
            newest_is_there = newest_is_there ||
                              control[i] == control_make(announced, PUBLISHED, 0)
        }
        assert(!BROADCAST || announced == 0 || newest_is_there)
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
    byte m;

    d_step {
        c_code {
            now.broken = from_environment("BROKEN", now.broken);
            now.deaths_left = from_environment("DEATHS", now.deaths_left);
            now.frames = from_environment("FRAMES", now.frames);
            now.starts_full = from_environment("FULL", now.starts_full);
            now.starts_joined = from_environment("JOINED", now.starts_joined);
        };
#if OBSERVERS
        c_code { now.freezes_left = from_environment("FREEZES", now.freezes_left); };
#endif
        for (m : 0 .. MEMBERS - 1) {
            alive = alive | bit_of(m);
            own_lock = own_lock | bit_of(m);
            if
            :: m < WRITERS || starts_joined -> attached = attached | bit_of(m)
            :: else
            fi;
            if
            :: m >= WRITERS && starts_joined ->
                next[m] = 1;
                if
                :: gates(m) -> cursor[m] = 1; gating = gating | bit_of(m)
                :: else
                fi
            :: else
            fi
        }
#if OBSERVERS
        for (m : MEMBERS .. PARTIES - 1) {
            alive = alive | bit_of(m);
            next[m] = starts_joined
        }
#endif
        m = 0;
        do
        :: starts_full && m < SLOTS ->
            control[m] = control_make(m + 1, PUBLISHED, 0);
            payload[m] = m + 1;
            order(m + 1) = entry_make(m + 1, m);
            m++
        :: else -> break
        od;
        tail = m;
        announced = m;
        m = 0
    };
    atomic {
        do
        :: m < MEMBERS ->
            if
            :: m < WRITERS -> run Writer(m)
            :: m >= WRITERS && starts_joined -> run Reader(m, 1)
            :: m >= WRITERS && !starts_joined -> run Reader(m, 0)
            fi;
            m++
        :: else -> break
        od;
#if OBSERVERS
        do
        :: m < PARTIES -> run Observer(m, starts_joined); m++
        :: else -> break
        od;
#endif
        run Rest()
    }
}
