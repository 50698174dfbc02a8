/* explain.c: what each code means: why it is an error, a program that has it, the same program without, and the idiom.
 *
 * The programs compile with the declarations of tests/ui/ui.h, and a test checks that each gives its code and that its
 * corrected form gives nothing. Threading: constants. */
#include "check/finding.h"

#define BAD "\nRefused:\n\n"
#define GOOD "\nAccepted:\n\n"
#define IDIOM "\nIdiom: "

static const char *const texts[DEED_CODE_COUNT] = {
    [FH0101] =
        "A function that takes an argument by fh_move, or ends it by fh_drop, leaves nothing\n"
        "behind for the caller: what the name referred to belongs to somebody else, or is gone.\n"
        "Another variable that it was assigned to owns it now.\n"
        BAD
        "    int f(queue *q) {\n"
        "        tensor *t = tensor_new(3);\n"
        "        queue_push(q, t);         /* void queue_push(fh_mut queue *q, fh_move tensor *t) */\n"
        "        return tensor_sum(t);\n"
        "    }\n"
        GOOD
        "    int f(queue *q) {\n"
        "        tensor *t = tensor_new(3);\n"
        "        int sum = tensor_sum(t);\n"
        "        queue_push(q, t);\n"
        "        return sum;\n"
        "    }\n"
        IDIOM
        "Use it first and give it away last; or let the function borrow it: fh_ref, fh_mut.\n",
    [FH0102] =
        "What is only borrowed belongs to the caller, who goes on using it. It cannot be given\n"
        "away or ended here. A pointer parameter without a word is a borrow.\n"
        BAD
        "    void keep(fh_mut queue *q, fh_mut tensor *t) {\n"
        "        queue_push(q, t);\n"
        "    }\n"
        GOOD
        "    void keep(fh_mut queue *q, fh_move tensor *t) {\n"
        "        queue_push(q, t);\n"
        "    }\n"
        IDIOM
        "Say in the declaration that the function takes over: fh_move, or fh_drop if it ends\n"
        "the value. Callers then see it, and are checked for it.\n",
    [FH0103] =
        "A part of a borrowed object may be taken out only if something is put in its place\n"
        "before the function ends: the owner believes that the part is still there.\n"
        BAD
        "    void flush(fh_mut box *b) {\n"
        "        tensor_free(b->inner);\n"
        "    }\n"
        GOOD
        "    void flush(fh_mut box *b) {\n"
        "        tensor_free(b->inner);\n"
        "        b->inner = NULL;\n"
        "    }\n"
        IDIOM
        "Take, then put: `tensor *t = b->inner; b->inner = NULL;`. It is std::mem::take of Rust.\n",
    [FH0104] =
        "The body of a loop runs again, and in its next round the value is gone already.\n"
        BAD
        "    void f(queue *q, int n) {\n"
        "        tensor *t = tensor_new(n);\n"
        "        do {\n"
        "            queue_push(q, t);\n"
        "        } while (n-- > 0);\n"
        "    }\n"
        GOOD
        "    void f(queue *q, int n) {\n"
        "        do {\n"
        "            queue_push(q, tensor_new(n));\n"
        "        } while (n-- > 0);\n"
        "    }\n"
        IDIOM
        "Make the value in the round that gives it away, or leave the loop with break.\n",
    [FH0201] =
        "A view looks into memory of another value. When that value ends with its block, the\n"
        "view looks at nothing.\n"
        BAD
        "    void f(int n) {\n"
        "        const char *name = \"none\";\n"
        "        if (n > 0) {\n"
        "            tensor *t = tensor_new(n);\n"
        "            name = tensor_name(t);    /* const char *tensor_name(const tensor *t) fh_view(1) */\n"
        "            tensor_free(t);\n"
        "        }\n"
        "        look(name);\n"
        "    }\n"
        GOOD
        "    void f(int n) {\n"
        "        tensor *t = tensor_new(n);\n"
        "        const char *name = n > 0 ? tensor_name(t) : \"none\";\n"
        "        look(name);\n"
        "        tensor_free(t);\n"
        "    }\n"
        IDIOM
        "Declare the owner before its views, in the same block or in one around it.\n",
    [FH0202] =
        "A function with an fh_mut argument relies on nobody else reaching that value during the\n"
        "call: it may move its memory. A second argument that leads to the same value breaks this.\n"
        BAD
        "    void twice(fh_mut tensor *t) {\n"
        "        tensor_add(t, t);         /* void tensor_add(fh_mut tensor *to, fh_ref const tensor *from) */\n"
        "    }\n"
        GOOD
        "    void twice(fh_mut tensor *t, fh_ref const tensor *copy) {\n"
        "        tensor_add(t, copy);\n"
        "    }\n"
        IDIOM
        "Read what the call needs into a local before it, or pass a copy.\n",
    [FH0203] =
        "A local variable ends with its function. An address of it, or a view into it, would be\n"
        "of no use to anybody outside.\n"
        BAD
        "    const int *largest(int a, int b) {\n"
        "        int c = a > b ? a : b;\n"
        "        return &c;\n"
        "    }\n"
        GOOD
        "    int largest(int a, int b) {\n"
        "        int c = a > b ? a : b;\n"
        "        return c;\n"
        "    }\n"
        IDIOM
        "Return the value itself, or write it to an fh_out parameter that the caller lends.\n",
    [FH0204] =
        "A borrow lasts for the call. Stored in a place that lives longer, it would be used when\n"
        "the lender has gone on.\n"
        BAD
        "    void set(fh_mut box *b, fh_mut tensor *t) {\n"
        "        b->plain = t;\n"
        "    }\n"
        GOOD
        "    void set(fh_mut box *b, fh_move tensor *t) {\n"
        "        tensor_free(b->inner);    /* fh_owned_or_null tensor *inner; */\n"
        "        b->inner = t;\n"
        "    }\n"
        IDIOM
        "Take the value over, or declare the parameter that keeps it `fh_mut fh_view(2)`: then it\n"
        "looks into argument 2 from now on, and the caller keeps that alive.\n",
    [FH0205] =
        "A function that returns a part of its argument has to say so: the caller must know what\n"
        "to keep alive for as long as the result is used.\n"
        BAD
        "    const int *count(fh_ref const box *b) {\n"
        "        return &b->n;\n"
        "    }\n"
        GOOD
        "    const int *count(fh_ref const box *b) fh_view(1);\n"
        "    const int *count(fh_ref const box *b) {\n"
        "        return &b->n;\n"
        "    }\n"
        IDIOM
        "fh_view(k) behind the parameters, with the numbers of all that the result may look into.\n",
    [FH0206] =
        "A change may move the memory that a view looks into, and a drop or a move ends it, while\n"
        "the view is used again later.\n"
        BAD
        "    void f(fh_mut tensor *t) {\n"
        "        const char *name = tensor_name(t);\n"
        "        tensor_grow(t, 9);        /* void tensor_grow(fh_mut tensor *t, int n) */\n"
        "        look(name);\n"
        "    }\n"
        GOOD
        "    void f(fh_mut tensor *t) {\n"
        "        tensor_grow(t, 9);\n"
        "        const char *name = tensor_name(t);\n"
        "        look(name);\n"
        "    }\n"
        IDIOM
        "Change first, look afterwards; make the view again after each change.\n",
    [FH0207] =
        "Through fh_ref, or a pointer to const, a value is read, and others may read it at the\n"
        "same time. Whoever changes it, or something that it owns, borrows it exclusively.\n"
        BAD
        "    void add(fh_ref box *b) {\n"
        "        b->n = b->n + 1;\n"
        "    }\n"
        GOOD
        "    void add(fh_mut box *b) {\n"
        "        b->n = b->n + 1;\n"
        "    }\n"
        IDIOM
        "fh_mut for what a function changes. For a cache or a counter behind a shared borrow: an\n"
        "atomic, or a field with fh_guarded and its lock.\n",
    [FH0301] =
        "Whoever owns a value ends its life or gives it away: on every way out of the function,\n"
        "the early ones too.\n"
        BAD
        "    fh_status f(int n) {\n"
        "        tensor *t = tensor_new(n);\n"
        "        if (n > 9)\n"
        "            return FH_STATUS(FH_INVALID);\n"
        "        tensor_free(t);\n"
        "        return FH_DONE;\n"
        "    }\n"
        GOOD
        "    fh_status f(int n) {\n"
        "        if (n > 9)\n"
        "            return FH_STATUS(FH_INVALID);\n"
        "        tensor *t = tensor_new(n);\n"
        "        tensor_free(t);\n"
        "        return FH_DONE;\n"
        "    }\n"
        IDIOM
        "Refuse before you allocate; one `goto out` to a cleanup at the end; or fh_auto(fn) in\n"
        "front of the variable, which drops it at the end of its scope.\n",
    [FH0302] =
        "The value that the place owned is lost: nothing refers to it any more, so nobody can\n"
        "end it.\n"
        BAD
        "    void f(void) {\n"
        "        tensor *t = tensor_new(3);\n"
        "        t = tensor_new(4);\n"
        "        tensor_free(t);\n"
        "    }\n"
        GOOD
        "    void f(void) {\n"
        "        tensor *t = tensor_new(3);\n"
        "        tensor_free(t);\n"
        "        t = tensor_new(4);\n"
        "        tensor_free(t);\n"
        "    }\n"
        IDIOM
        "Drop the old value before the assignment; free functions take NULL.\n",
    [FH0303] =
        "The function hands over a new value, and nobody takes it: not the caller who ignores the\n"
        "result, not a call that only borrows it.\n"
        BAD
        "    int f(void) {\n"
        "        return tensor_sum(tensor_new(3));\n"
        "    }\n"
        GOOD
        "    int f(void) {\n"
        "        tensor *t = tensor_new(3);\n"
        "        int sum = tensor_sum(t);\n"
        "        tensor_free(t);\n"
        "        return sum;\n"
        "    }\n"
        IDIOM
        "Give the result a name, and drop it; or pass it straight to an fh_move parameter.\n",
    [FH0304] =
        "Owned values live in variables, and in fields and results that are declared to own them.\n"
        "In an element of an array, or in a field without a word, nobody would know who drops it.\n"
        BAD
        "    struct shelf {\n"
        "        tensor *top;\n"
        "    };\n"
        "    void put(fh_mut struct shelf *s) {\n"
        "        s->top = tensor_new(3);\n"
        "    }\n"
        GOOD
        "    struct shelf {\n"
        "        fh_owned tensor *top;\n"
        "    };\n"
        "    void put(fh_mut struct shelf *s) {\n"
        "        s->top = tensor_new(3);\n"
        "    }\n"
        IDIOM
        "Declare the field, the result or the parameter fh_owned (fh_owned_or_null if it may be\n"
        "NULL). Keep many objects in a pool, and their handles in the array.\n",
    [FH0305] =
        "The value has ended before. To end it twice would release what belongs to somebody else\n"
        "by now.\n"
        BAD
        "    void f(int n) {\n"
        "        tensor *t = tensor_new(n);\n"
        "        if (n > 3)\n"
        "            tensor_free(t);\n"
        "        tensor_free(t);\n"
        "    }\n"
        GOOD
        "    void f(int n) {\n"
        "        tensor *t = tensor_new(n);\n"
        "        if (n > 3) {\n"
        "            tensor_free(t);\n"
        "            t = NULL;\n"
        "        }\n"
        "        tensor_free(t);\n"
        "    }\n"
        IDIOM
        "One drop, at the end; where an earlier one is needed, NULL behind it.\n",
    [FH0306] =
        "The caller reads an fh_out argument after success, so every successful way out writes it\n"
        "first. A status other than FH_OK may leave it alone.\n"
        BAD
        "    fh_status size(fh_ref const box *b, fh_out int *out) {\n"
        "        if (b->n > 0)\n"
        "            *out = b->n;\n"
        "        return FH_DONE;\n"
        "    }\n"
        GOOD
        "    fh_status size(fh_ref const box *b, fh_out int *out) {\n"
        "        if (b->n <= 0)\n"
        "            return FH_STATUS(FH_INVALID);\n"
        "        *out = b->n;\n"
        "        return FH_DONE;\n"
        "    }\n"
        IDIOM
        "Return a failure from the ways out that have nothing to give.\n",
    [FH0307] =
        "What a contract calls fh_owned_or_null or fh_or_null may be NULL: a result, an output, a\n"
        "parameter, a field. So may an output when the status says failure, and what a fh_drop\n"
        "parameter leads to. Compare it with NULL before you use it; of a field that holds until\n"
        "something may have changed it. Who returns NULL says so in the contract.\n"
        BAD
        "    int f(queue *q) {\n"
        "        tensor *t = queue_pop(q); /* fh_owned_or_null tensor *queue_pop(fh_mut queue *q) */\n"
        "        int sum = tensor_sum(t);\n"
        "        tensor_free(t);\n"
        "        return sum;\n"
        "    }\n"
        GOOD
        "    int f(queue *q) {\n"
        "        tensor *t = queue_pop(q);\n"
        "        if (t == NULL)\n"
        "            return 0;\n"
        "        int sum = tensor_sum(t);\n"
        "        tensor_free(t);\n"
        "        return sum;\n"
        "    }\n"
        IDIOM
        "`if (t == NULL) return …;`, or FH_TRY around the call that gives a status. A drop needs\n"
        "no check: free functions take NULL, and begin with `if (t == NULL) return;`.\n",
    [FH0401] =
        "Another thread may use what it is sent for as long as it likes, while a borrow ends with\n"
        "this function. Send what you own, or a value of a type that is fh_sync.\n"
        BAD
        "    void f(fh_mut tensor *t) {\n"
        "        thread_start(NULL, t);    /* void thread_start(void (*run)(void *), fh_send void *ctx) */\n"
        "    }\n"
        GOOD
        "    void f(fh_move tensor *t) {\n"
        "        thread_give(t);           /* void thread_give(fh_send fh_move tensor *t) */\n"
        "    }\n"
        IDIOM
        "Move the value into the thread, and let the thread drop it or give it back.\n",
    [FH0402] =
        "A lock that stays locked stops every other thread for good. Each way out of the function\n"
        "unlocks it.\n"
        BAD
        "    fh_status f(fh_mut mutex *m, fh_ref const tensor *t) {\n"
        "        mutex_lock(m);\n"
        "        FH_TRY(tensor_check(t));\n"
        "        mutex_unlock(m);\n"
        "        return FH_DONE;\n"
        "    }\n"
        GOOD
        "    fh_status f(fh_mut mutex *m, fh_ref const tensor *t) {\n"
        "        mutex_lock(m);\n"
        "        fh_status s = tensor_check(t);\n"
        "        mutex_unlock(m);\n"
        "        return s;\n"
        "    }\n"
        IDIOM
        "Keep what happens under a lock short, without return and FH_TRY. A function whose name\n"
        "says that it locks is declared fh_locks(k).\n",
    [FH0403] =
        "The thread holds this lock already, at least on some path, and would wait for itself.\n"
        BAD
        "    void f(fh_mut mutex *m) {\n"
        "        mutex_lock(m);\n"
        "        mutex_lock(m);\n"
        "        mutex_unlock(m);\n"
        "    }\n"
        GOOD
        "    void f(fh_mut mutex *m) {\n"
        "        mutex_lock(m);\n"
        "        mutex_unlock(m);\n"
        "    }\n"
        IDIOM
        "The outer function locks; the inner ones are declared fh_requires(p->lock), and are\n"
        "called with the lock held.\n",
    [FH0404] =
        "The field is declared fh_guarded: another thread may change it at any moment, unless its\n"
        "lock is held.\n"
        BAD
        "    struct room {\n"
        "        mutex m;\n"
        "        fh_guarded(m) int guests;\n"
        "    };\n"
        "    void enter(fh_mut struct room *r) {\n"
        "        r->guests++;\n"
        "    }\n"
        GOOD
        "    struct room {\n"
        "        mutex m;\n"
        "        fh_guarded(m) int guests;\n"
        "    };\n"
        "    void enter(fh_mut struct room *r) {\n"
        "        mutex_lock(&r->m);\n"
        "        r->guests++;\n"
        "        mutex_unlock(&r->m);\n"
        "    }\n"
        IDIOM
        "Lock around the use, or declare the function fh_requires(r->m).\n",
    [FH0405] =
        "A variable that lives as long as the program can be reached by all threads. If it can\n"
        "change, two of them may change it at once. What is made for that (locks, atomics, types\n"
        "that are fh_sync) may be shared; everything else is constant, belongs to one thread, or\n"
        "is handed over as an argument.\n"
        BAD
        "    static int calls;\n"
        "    int f(void) {\n"
        "        return ++calls;\n"
        "    }\n"
        GOOD
        "    static _Thread_local int calls;\n"
        "    int f(void) {\n"
        "        return ++calls;\n"
        "    }\n"
        IDIOM
        "Keep it in the object whose number it is, and let the caller lend that: fh_mut.\n",
    [FH0406] =
        "fh_sync says that threads may use a value at the same time. That is not believed but\n"
        "computed: each field must be const, atomic, a lock, guarded by a lock of the same\n"
        "struct, or of a type that is fh_sync itself.\n"
        BAD
        "    typedef fh_sync struct tally {\n"
        "        mutex m;\n"
        "        int count;\n"
        "    } tally;\n"
        GOOD
        "    typedef fh_sync struct tally {\n"
        "        mutex m;\n"
        "        fh_guarded(m) int count;\n"
        "    } tally;\n"
        IDIOM
        "Put a lock beside what changes, and say of each field that it guards: fh_guarded(m).\n",
    [FH0407] =
        "The lock is not taken here, at least on some path: what is released belongs to another\n"
        "thread, or to nobody.\n"
        BAD
        "    void f(fh_mut mutex *m, int n) {\n"
        "        if (n > 3)\n"
        "            mutex_lock(m);\n"
        "        mutex_unlock(m);\n"
        "    }\n"
        GOOD
        "    void f(fh_mut mutex *m, int n) {\n"
        "        mutex_lock(m);\n"
        "        if (n > 3)\n"
        "            n = 3;\n"
        "        mutex_unlock(m);\n"
        "    }\n"
        IDIOM
        "Lock and unlock in the same block. A function that only unlocks is declared fh_unlocks(k).\n",
    [FH0501] =
        "malloc, free, memcpy, strlen and their kind know nothing of owners and bounds. Outside\n"
        "the audited rooms memory comes from an allocator, and bytes go through spans.\n"
        BAD
        "    void copy(fh_mut int *to, fh_ref const int *from) {\n"
        "        __builtin_memcpy(to, from, sizeof *to);\n"
        "    }\n"
        GOOD
        "    void copy(fh_mut int *to, fh_ref const int *from) {\n"
        "        *to = *from;\n"
        "    }\n"
        IDIOM
        "Assign values and structs; fh_span_copy for bytes; fh_alloc and fh_arena_alloc for memory.\n",
    [FH0502] =
        "A pointer does not know how many elements it points to, so no index into it can be\n"
        "checked. A span does, and so does an array.\n"
        BAD
        "    int third(fh_ref const int *at) {\n"
        "        return at[2];\n"
        "    }\n"
        GOOD
        "    struct three {\n"
        "        int at[3];\n"
        "    };\n"
        "    int third(fh_ref const struct three *t) {\n"
        "        return t->at[2];\n"
        "    }\n"
        IDIOM
        "Take a span (fh_i32s) instead of a pointer, and read it by its accessor: fh_i32s_get(s, 2).\n",
    [FH0503] =
        "A pointer that is moved by arithmetic may leave its object, and nothing checks that.\n"
        BAD
        "    int parse(fh_ref const char *text);\n"
        "    int f(fh_ref const char *text) {\n"
        "        return parse(text + 4);\n"
        "    }\n"
        GOOD
        "    int parse(fh_ref const char *text, int from);\n"
        "    int f(fh_ref const char *text) {\n"
        "        return parse(text, 4);\n"
        "    }\n"
        IDIOM
        "Cut a piece out of a span: fh_span_from(text, 4), fh_span_sub(text, from, count).\n",
    [FH0504] =
        "A cast between pointers, or between a pointer and a number, makes the compiler believe\n"
        "something that nobody has proved: the type, the alignment, that it may be written.\n"
        BAD
        "    int first(fh_ref const tensor *t) {\n"
        "        return *(const int *)t;\n"
        "    }\n"
        GOOD
        "    int first(fh_ref const tensor *t) {\n"
        "        return tensor_sum(t);\n"
        "    }\n"
        IDIOM
        "Keep the type; read numbers out of bytes by fh_span_u32 and its like; a void * context is\n"
        "assigned to a pointer of its type without a cast.\n",
    [FH0505] =
        "Which member of a union is the right one is known at run time only. If one of them is a\n"
        "pointer, a wrong choice makes a pointer out of anything.\n"
        BAD
        "    union value {\n"
        "        long number;\n"
        "        const char *text;\n"
        "    };\n"
        GOOD
        "    struct value {\n"
        "        long number;\n"
        "        const char *text;\n"
        "    };\n"
        IDIOM
        "A struct with a tag and a field for each; a pointer more costs less than it saves.\n",
    [FH0506] =
        "These escape every rule about scopes: memory that grows with input on the stack, jumps\n"
        "over drops, code that the checker cannot read.\n"
        BAD
        "    int f(int n) {\n"
        "        int squares[n];\n"
        "        squares[0] = n;\n"
        "        return squares[0];\n"
        "    }\n"
        GOOD
        "    int f(int n) {\n"
        "        int squares[8] = {0};\n"
        "        squares[0] = n;\n"
        "        return squares[0];\n"
        "    }\n"
        IDIOM
        "A constant size and a check against it, or fh_alloc; a status instead of a long jump;\n"
        "assembly in an audited room.\n",
    [FH0507] =
        "The array has no element of this number.\n"
        BAD
        "    int f(void) {\n"
        "        int a[3] = {1, 2, 3};\n"
        "        return a[3];\n"
        "    }\n"
        GOOD
        "    int f(void) {\n"
        "        int a[3] = {1, 2, 3};\n"
        "        return a[2];\n"
        "    }\n"
        IDIOM
        "The last index is the size less one: sizeof a / sizeof a[0] - 1.\n",
    [FH0508] =
        "Until something is written to it, a local variable holds whatever the stack held before.\n"
        "So does each field of a struct; and an array that is written element by element counts\n"
        "as written only if it was declared with a value.\n"
        BAD
        "    int f(int known) {\n"
        "        int n;\n"
        "        if (known)\n"
        "            n = 1;\n"
        "        return n;\n"
        "    }\n"
        GOOD
        "    int f(int known) {\n"
        "        int n = 0;\n"
        "        if (known)\n"
        "            n = 1;\n"
        "        return n;\n"
        "    }\n"
        IDIOM
        "Declare a variable where its value is known; otherwise with NULL, 0 or {0}.\n",
    [FH0509] =
        "In an audited room raw memory is allowed, but only where somebody has written down why it\n"
        "is right: between FH_UNSAFE(\"id\") and the end of its block.\n"
        BAD
        "    int get(fh_ref const int *at, int i) {\n"
        "        return at[i];\n"
        "    }\n"
        GOOD
        "    int get(fh_ref const int *at, int i) {\n"
        "        FH_UNSAFE(\"callers check i\");\n"
        "        return at[i];\n"
        "    }\n"
        IDIOM
        "Keep regions small. `deed audit` lists them, with what their id rests on.\n",
    [FH0510] =
        "FH_UNSAFE stands for a promise that people have checked. Only the rooms that deed.toml\n"
        "lists are read that carefully; elsewhere a region opens nothing.\n"
        BAD
        "    int get(fh_ref const int *at) {\n"
        "        FH_UNSAFE(\"believe me\");\n"
        "        return *at;\n"
        "    }\n"
        GOOD
        "    int get(fh_ref const int *at) {\n"
        "        return *at;\n"
        "    }\n"
        IDIOM
        "Write it in the dialect, or move it into a room: `[[audited]]` in deed.toml.\n",
    [FH0511] =
        "Whoever indexes a counted pointer believes its count. Outside the audited rooms the two are\n"
        "written together, and the count is measured there: the array's own size or less, both of one\n"
        "span, what an allocator was asked for, one object, or nothing.\n"
        BAD
        "    typedef struct bytes {\n"
        "        fh_counted(size) const char *at;\n"
        "        unsigned long size;\n"
        "    } bytes;\n"
        "    int sum(bytes b);\n"
        "    int f(unsigned long n) {\n"
        "        char line[16] = {0};\n"
        "        return sum((bytes){line, n});\n"
        "    }\n"
        GOOD
        "    typedef struct bytes {\n"
        "        fh_counted(size) const char *at;\n"
        "        unsigned long size;\n"
        "    } bytes;\n"
        "    int sum(bytes b);\n"
        "    int f(unsigned long n) {\n"
        "        char line[16] = {0};\n"
        "        return n > sizeof line ? 0 : sum((bytes){line, n});\n"
        "    }\n"
        IDIOM
        "Name the whole array, then take the part: fh_span_sub((fh_span){line, sizeof line}, 0, n).\n",
    [FH0512] =
        "Nothing on the way to this index says that it is inside the array: no condition around it,\n"
        "no guard before it, no remainder or mask, no type. With -fsanitize=bounds among its\n"
        "arguments, a file needs no proof: the compiler checks each index then.\n"
        BAD
        "    static const int days[12] = {31, 28, 31};\n"
        "    int length(unsigned month) {\n"
        "        return days[month];\n"
        "    }\n"
        GOOD
        "    static const int days[12] = {31, 28, 31};\n"
        "    int length(unsigned month) {\n"
        "        return month < 12 ? days[month] : 0;\n"
        "    }\n"
        IDIOM
        "Compare with the size before, or take `% size`; in a loop, `i < size` is enough.\n",
    [FH0601] =
        "Callers see the declaration and nothing else, so it has to say what happens to what a\n"
        "pointer leads to, and who owns a pointer that comes back. `const T *` is fh_ref without\n"
        "saying so; a static function may leave out fh_mut.\n"
        BAD
        "    void rename_it(tensor *t, int name);\n"
        GOOD
        "    void rename_it(fh_mut tensor *t, int name);\n"
        IDIOM
        "Words are written once, in the header; a definition without words has those.\n",
    [FH0602] =
        "Two declarations of one function promise different things: its callers and its body\n"
        "would be checked against different contracts.\n"
        BAD
        "    void rename_it(fh_mut tensor *t, int name);\n"
        "    void rename_it(fh_ref tensor *t, int name);\n"
        GOOD
        "    void rename_it(fh_mut tensor *t, int name);\n"
        "    void rename_it(tensor *t, int name);\n"
        IDIOM
        "Write the words in the header only.\n",
    [FH0603] =
        "Who calls through a pointer relies on the words of the pointer's type. A function that\n"
        "does something else with its arguments cannot stand in for it.\n"
        BAD
        "    typedef void (*tensor_done)(fh_mut tensor *t);\n"
        "    void f(void) {\n"
        "        tensor_done done = tensor_free; /* void tensor_free(fh_drop tensor *t) */\n"
        "        done(NULL);\n"
        "    }\n"
        GOOD
        "    typedef void (*tensor_done)(fh_drop tensor *t);\n"
        "    void f(void) {\n"
        "        tensor_done done = tensor_free;\n"
        "        done(NULL);\n"
        "    }\n"
        IDIOM
        "Give the type of the pointer a typedef with words, and the function the same words.\n",
    [FH0901] =
        "The checker cannot tell what this does, and it never passes over what it does not\n"
        "understand. What the compiler refuses is reported under this code too.\n"
        BAD
        "    int f(int n) {\n"
        "        return n ?: 3;\n"
        "    }\n"
        GOOD
        "    int f(int n) {\n"
        "        return n != 0 ? n : 3;\n"
        "    }\n"
        IDIOM
        "Write it in a plainer way, or move it into an audited room.\n",
    [FH0902] =
        "A jump backwards is a loop that nobody can see. Jumps forward, to the cleanup at the end\n"
        "of a function, are fine.\n"
        BAD
        "    int f(int n) {\n"
        "    again:\n"
        "        n = n / 2;\n"
        "        if (n > 9)\n"
        "            goto again;\n"
        "        return n;\n"
        "    }\n"
        GOOD
        "    int f(int n) {\n"
        "        do {\n"
        "            n = n / 2;\n"
        "        } while (n > 9);\n"
        "        return n;\n"
        "    }\n"
        IDIOM
        "A loop, with break and continue.\n",
    [FH0903] =
        "The function has more variables, arguments, labels or rounds than the checker follows. It\n"
        "would be wrong to guess, and people cannot follow it either.\n"
        BAD
        "    int many(int first, ...);\n"
        "    int f(void) {\n"
        "        return many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,\n"
        "                    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33);\n"
        "    }\n"
        GOOD
        "    struct numbers {\n"
        "        int first, last;\n"
        "    };\n"
        "    int many(struct numbers n);\n"
        "    int f(void) {\n"
        "        return many((struct numbers){.first = 1, .last = 33});\n"
        "    }\n"
        IDIOM
        "Cut the function into smaller ones, and pass structs.\n",
};

const char *deed_code_explanation(deed_code code) {
    return code < DEED_CODE_COUNT ? texts[code] : "";
}
