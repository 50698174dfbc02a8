/* explain.c: what each code means: why it is an error, a program that has it, and the same program without.
 *
 * The programs are parts of one; the declarations they need are in the comment or go without saying. Threading: constants. */
#include "check/finding.h"

#define BAD "\nRefused:\n\n"
#define GOOD "\nAccepted:\n\n"

static const char *const texts[DEED_CODE_COUNT] = {
    [FH0101] =
        "A function that takes an argument by fh_move, or ends it by fh_drop, leaves\n"
        "nothing behind for the caller: whatever the name refers to now belongs to\n"
        "somebody else or is gone.\n"
        BAD
        "    queue_push(q, job);      /* void queue_push(fh_mut queue *q, fh_move job *j) */\n"
        "    job_run(job);\n"
        GOOD
        "    job_run(job);\n"
        "    queue_push(q, job);\n",
    [FH0102] =
        "What is only borrowed belongs to the caller, who will go on using it. It cannot\n"
        "be given away here.\n"
        BAD
        "    void keep(fh_mut list *l, fh_ref job *j) {\n"
        "        queue_push(&l->queue, j);\n"
        "    }\n"
        GOOD
        "    void keep(fh_mut list *l, fh_move job *j) {\n"
        "        queue_push(&l->queue, j);\n"
        "    }\n",
    [FH0103] =
        "A part of a borrowed object may be taken out only if something is put in its\n"
        "place before the function ends: the owner still believes that the part is there.\n"
        BAD
        "    void flush(fh_mut log *l) {\n"
        "        file_close(l->file);\n"
        "    }\n"
        GOOD
        "    void flush(fh_mut log *l) {\n"
        "        file_close(l->file);\n"
        "        l->file = NULL;\n"
        "    }\n",
    [FH0104] =
        "The body of a loop runs again, and in its next round the value is gone already.\n"
        BAD
        "    for (int i = 0; i < 2; i++)\n"
        "        queue_push(q, job);\n"
        GOOD
        "    for (int i = 0; i < 2; i++)\n"
        "        queue_push(q, job_new(a));\n",
    [FH0201] =
        "A view looks into memory of another value. When that value ends, the view looks\n"
        "at nothing.\n"
        BAD
        "    fh_span text;\n"
        "    {\n"
        "        fh_auto(fh_buf_deinit) fh_buf b = read_all();\n"
        "        text = fh_buf_view(&b);\n"
        "    }\n"
        "    print(text);\n"
        GOOD
        "    fh_auto(fh_buf_deinit) fh_buf b = read_all();\n"
        "    fh_span text = fh_buf_view(&b);\n"
        "    print(text);\n",
    [FH0202] =
        "A function with an fh_mut argument relies on nobody else reaching that value\n"
        "during the call. A second argument that leads to the same value breaks this.\n"
        BAD
        "    buf_append(&b, fh_buf_view(&b));\n"
        GOOD
        "    fh_span copy = arena_copy(arena, fh_buf_view(&b));\n"
        "    buf_append(&b, copy);\n",
    [FH0203] =
        "A local variable ends with its function. An address of it, or a view of it,\n"
        "would be of use to nobody.\n"
        BAD
        "    fh_span name(void) {\n"
        "        char text[8];\n"
        "        return span_of(text);\n"
        "    }\n"
        GOOD
        "    fh_span name(fh_mut fh_arena *arena) fh_view(1);\n",
    [FH0204] =
        "A borrow lasts for the call. Stored in a place that lives longer, it would be\n"
        "used when the lender has gone on.\n"
        BAD
        "    void set(fh_mut server *s, fh_ref config *c) {\n"
        "        s->config = c;\n"
        "    }\n"
        GOOD
        "    void set(fh_mut server *s, fh_move config *c) {\n"
        "        s->config = c;\n"
        "    }\n",
    [FH0205] =
        "A function that returns a part of its argument has to say so, or else the caller\n"
        "does not know what must stay alive.\n"
        BAD
        "    const char *job_name(fh_ref const job *j);\n"
        GOOD
        "    const char *job_name(fh_ref const job *j) fh_view(1);\n",
    [FH0206] =
        "A change may move the memory that a view looks into, and a drop ends it, while\n"
        "the view is used again later.\n"
        BAD
        "    fh_span v = fh_buf_view(&b);\n"
        "    fh_buf_put(&b, more);\n"
        "    print(v);\n"
        GOOD
        "    fh_buf_put(&b, more);\n"
        "    fh_span v = fh_buf_view(&b);\n"
        "    print(v);\n",
    [FH0207] =
        "Through fh_ref a value is read, and others may read it at the same time. To\n"
        "change it, borrow it exclusively.\n"
        BAD
        "    void add(fh_ref list *l, int n) {\n"
        "        list_push(l, n);\n"
        "    }\n"
        GOOD
        "    void add(fh_mut list *l, int n) {\n"
        "        list_push(l, n);\n"
        "    }\n",
    [FH0301] =
        "Whoever owns a value ends its life: on every way out of the function, the early\n"
        "ones too.\n"
        BAD
        "    job *j = job_new(a);\n"
        "    if (full)\n"
        "        return FH_STATUS(FH_LIMIT);\n"
        "    job_free(j);\n"
        GOOD
        "    job *j = job_new(a);\n"
        "    if (full) {\n"
        "        job_free(j);\n"
        "        return FH_STATUS(FH_LIMIT);\n"
        "    }\n"
        "    job_free(j);\n",
    [FH0302] =
        "The value that the variable owned is lost: nothing refers to it any more, so\n"
        "nobody can end it.\n"
        BAD
        "    job *j = job_new(a);\n"
        "    j = job_new(a);\n"
        GOOD
        "    job *j = job_new(a);\n"
        "    job_free(j);\n"
        "    j = job_new(a);\n",
    [FH0303] =
        "The function hands over a new value, and nobody takes it.\n"
        BAD
        "    job_new(a);\n"
        GOOD
        "    job *j = job_new(a);\n"
        "    job_free(j);\n",
    [FH0304] =
        "Owned values live in variables and in fields. In an element of an array, or\n"
        "behind a pointer to a pointer, the checker cannot tell which of them are still\n"
        "there. Use a pool and its handles.\n"
        BAD
        "    job *jobs[4];\n"
        "    jobs[i] = job_new(a);\n"
        GOOD
        "    fh_handle h;\n"
        "    FH_TRY(fh_pool_alloc(pool, &h));\n",
    [FH0305] =
        "The value has ended before. To end it twice would release what belongs to\n"
        "somebody else by now.\n"
        BAD
        "    job_free(j);\n"
        "    job_free(j);\n"
        GOOD
        "    job_free(j);\n",
    [FH0306] =
        "The caller reads an fh_out argument after success, so every successful way out\n"
        "writes it first.\n"
        BAD
        "    fh_status size(fh_ref const job *j, fh_out int *out) {\n"
        "        if (j->size == 0)\n"
        "            return FH_DONE;\n"
        "        *out = j->size;\n"
        "        return FH_DONE;\n"
        "    }\n"
        GOOD
        "    fh_status size(fh_ref const job *j, fh_out int *out) {\n"
        "        *out = j->size;\n"
        "        return FH_DONE;\n"
        "    }\n",
    [FH0307] =
        "A result that is fh_owned_or_null may be NULL. Look before you use it.\n"
        BAD
        "    job *j = job_new(a);\n"
        "    j->size = 1;\n"
        GOOD
        "    job *j = job_new(a);\n"
        "    if (j == NULL)\n"
        "        return FH_STATUS(FH_NOMEM);\n"
        "    j->size = 1;\n",
    [FH0401] =
        "Another thread may use what it is sent for as long as it likes, while a borrow\n"
        "ends with this function. Send what you own, or what is of a type that is\n"
        "fh_sync.\n"
        BAD
        "    int local = 0;\n"
        "    thread_start(run, &local);      /* fh_send void *arg */\n"
        GOOD
        "    job *j = job_new(a);\n"
        "    thread_start(run, j);\n",
    [FH0402] =
        "A lock that stays locked stops every other thread for good. Each way out of the\n"
        "function unlocks it.\n"
        BAD
        "    lock(&p->lock);\n"
        "    if (p->full)\n"
        "        return false;\n"
        "    unlock(&p->lock);\n"
        "    return true;\n"
        GOOD
        "    lock(&p->lock);\n"
        "    bool full = p->full;\n"
        "    unlock(&p->lock);\n"
        "    return !full;\n",
    [FH0403] =
        "The thread holds this lock already and would wait for itself.\n"
        BAD
        "    lock(&p->lock);\n"
        "    lock(&p->lock);\n"
        GOOD
        "    lock(&p->lock);\n"
        "    unlock(&p->lock);\n",
    [FH0404] =
        "The field is declared fh_guarded: another thread may change it at any moment\n"
        "unless its lock is held.\n"
        BAD
        "    p->count++;              /* fh_guarded(lock) int count; */\n"
        GOOD
        "    lock(&p->lock);\n"
        "    p->count++;\n"
        "    unlock(&p->lock);\n",
    [FH0501] =
        "malloc, free, memcpy, strlen and their kind know nothing of owners and bounds.\n"
        "Outside the audited folders memory comes from an allocator, and bytes go through\n"
        "spans.\n"
        BAD
        "    memcpy(to, from, n);\n"
        GOOD
        "    fh_span_copy(to, from);\n",
    [FH0502] =
        "A pointer does not know how many elements it points to, so no index into it can\n"
        "be checked. A span does.\n"
        BAD
        "    int first(fh_ref const int *p) {\n"
        "        return p[0];\n"
        "    }\n"
        GOOD
        "    int first(fh_i32s s) {\n"
        "        return fh_i32s_get(s, 0);\n"
        "    }\n",
    [FH0503] =
        "A pointer that is moved by arithmetic may leave its object, and nothing checks\n"
        "that. Cut a piece out of a span.\n"
        BAD
        "    parse(text + 4);\n"
        GOOD
        "    parse(fh_span_from(text, 4));\n",
    [FH0504] =
        "A cast between pointers, or from a number to a pointer, makes the compiler\n"
        "believe something that nobody has proved.\n"
        BAD
        "    header *h = (header *)bytes;\n"
        GOOD
        "    uint32_t magic = fh_span_u32(bytes, 0);\n",
    [FH0505] =
        "Which member of a union is the right one is known at run time only. If one of\n"
        "them is a pointer, a wrong choice makes a pointer out of anything.\n"
        BAD
        "    union value { int number; job *job; };\n"
        GOOD
        "    struct value { int number; job *job; };\n",
    [FH0506] =
        "These escape every rule about scopes: memory that grows with input on the stack,\n"
        "jumps over drops, code that the checker cannot read.\n"
        BAD
        "    int squares[n];\n"
        GOOD
        "    fh_i32s squares;\n"
        "    FH_TRY(fh_i32s_new(a, n, &squares));\n",
    [FH0507] =
        "The array has no element of this number.\n"
        BAD
        "    int a[3] = {0};\n"
        "    a[3] = 1;\n"
        GOOD
        "    int a[3] = {0};\n"
        "    a[2] = 1;\n",
    [FH0508] =
        "Until something is written to it, a local variable holds whatever the stack held\n"
        "before. So does each field of a struct; and an array that is written element by\n"
        "element counts as written only if it was declared with a value.\n"
        BAD
        "    int n;\n"
        "    if (known)\n"
        "        n = 1;\n"
        "    return n;\n"
        GOOD
        "    int n = 0;\n"
        "    if (known)\n"
        "        n = 1;\n"
        "    return n;\n",
    [FH0509] =
        "Audited files may touch raw memory, but they say where: from FH_UNSAFE to the end\n"
        "of its block. `deed audit` counts these lines, and each names the invariant that\n"
        "keeps it right.\n"
        BAD
        "    return ring->slots[at & ring->mask];\n"
        GOOD
        "    FH_UNSAFE(\"ring-slot\");\n"
        "    return ring->slots[at & ring->mask];\n",
    [FH0510] =
        "Which files may touch raw memory is decided in one place, deed.toml, so that a\n"
        "reader knows what to audit. Nothing in a source can widen it.\n"
        BAD
        "    FH_UNSAFE(\"just here\");\n"
        "    return text[i];\n"
        GOOD
        "    return fh_span_at(text, i);\n",
    [FH0512] =
        "Nothing on the way to this index says that it is inside the array: no condition\n"
        "around it, no guard before it, no remainder or mask, no type. With -fsanitize=bounds\n"
        "among its arguments, a file needs no proof: the compiler checks each index then.\n"
        BAD
        "    static const int days[12] = {31, 28};\n"
        "    return days[month];\n"
        GOOD
        "    static const int days[12] = {31, 28};\n"
        "    return month < 12 ? days[month] : 0;\n",
    [FH0901] =
        "The checker cannot tell what this does, and it never passes over what it does\n"
        "not understand. Write it in a plainer way, or move it into an audited folder.\n"
        BAD
        "    void *p = cond ?: other;\n"
        GOOD
        "    void *p = cond ? cond : other;\n",
    [FH0902] =
        "A jump backwards is a loop that nobody can see. Jumps forward, to the end of a\n"
        "function, are fine.\n"
        BAD
        "    again:\n"
        "        if (!ready())\n"
        "            goto again;\n"
        GOOD
        "    while (!ready()) {\n"
        "    }\n",
    [FH0903] =
        "The function has more places, branches or loops than the checker follows. Cut it\n"
        "into smaller ones.\n"
        BAD
        "    void everything(void) { … 5000 lines … }\n"
        GOOD
        "    void first_part(void);\n"
        "    void second_part(void);\n",
};

const char *deed_code_explanation(deed_code code) {
    return code < DEED_CODE_COUNT ? texts[code] : "";
}
