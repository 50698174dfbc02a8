/* byte_trie.c: tokens as a double array (Aoe 1989): a step is an addition and a comparison.
 *
 * Built from a trie of linked lists, a node at a time. The children of a node go to the first free places that fit them all; a
 * node of many children is tried in a few places and then goes behind all others. Places below 256 stay free, so that no
 * child is node 0 and a node without children (base 0) has none.
 *
 * Threading: built once, then only read. */
#include "freehold/checked.h"
#include "text/pipe/token_model_impl.h"

enum { TRIES_MAX = 32, FIRST_PLACE = 256 };

/* A node of the linked trie; 0: none. */
typedef struct fh_twig {
    uint32_t child, sibling, token, byte;
} fh_twig;
FH_SPAN_DEFINE(twig, fh_twig);
FH_ARRAY_DEFINE(twig);

typedef struct builder {
    fh_ref fh_allocator *allocator;
    fh_mut fh_err *err;
    fh_owned fh_twigs twigs;
    size_t twig_count;
    fh_owned fh_trie_nodes nodes; /* parent FH_NO_TOKEN: free */
    fh_owned fh_u32s next;        /* the first free place from here on, or one on the way there */
    size_t end;                   /* all places from here on are free */
} builder;

/* --- the linked trie ------------------------------------------------------------------------------------------------- */

static fh_status add(builder *b, fh_span spelling, uint32_t id) {
    uint32_t at = 0;
    if (spelling.size > FH_TRIE_BYTES_MAX)
        return fh_fail(b->err, FH_LIMIT, FH_NO_OFFSET, "token %u has %zu bytes, at most %d are supported", id, spelling.size,
                       FH_TRIE_BYTES_MAX);
    for (size_t i = 0; i < spelling.size; i++) {
        uint8_t byte = fh_span_at(spelling, i);
        uint32_t child = fh_twigs_at(b->twigs, at)->child;
        while (child != 0 && fh_twigs_at(b->twigs, child)->byte != byte)
            child = fh_twigs_at(b->twigs, child)->sibling;
        if (child == 0) {
            child = (uint32_t)b->twig_count++;
            fh_twigs_set(b->twigs, child, (fh_twig){0, fh_twigs_at(b->twigs, at)->child, FH_NO_TOKEN, byte});
            fh_twigs_at(b->twigs, at)->child = child;
        }
        at = child;
    }
    if (at != 0)
        fh_twigs_at(b->twigs, at)->token = id;
    return FH_DONE;
}

/* --- places ---------------------------------------------------------------------------------------------------------- */

static uint32_t free_from(builder *b, size_t at) {
    uint32_t i = (uint32_t)at;
    while (fh_u32s_get(b->next, i) != i) {
        uint32_t far = fh_u32s_get(b->next, fh_u32s_get(b->next, i));
        fh_u32s_set(b->next, i, far);
        i = far;
    }
    return i;
}

/* Makes sure that there are places up to `end` and one behind. */
static fh_status make_places(builder *b, size_t end) {
    size_t before = b->nodes.count, want = before;
    if (end < before)
        return FH_DONE;
    while (want <= end)
        want = want < 1024 ? 1024 : want + want / 2;
    if (want >= FH_NO_TOKEN)
        return FH_STATUS(FH_LIMIT);
    fh_trie_nodes nodes;
    fh_u32s next;
    FH_TRY(fh_trie_nodes_new(b->allocator, want, &nodes));
    fh_status s = fh_u32s_new(b->allocator, want, &next);
    if (fh_failed(s)) {
        fh_trie_nodes_free(b->allocator, &nodes);
        return s;
    }
    for (size_t i = 0; i < want; i++) {
        fh_trie_nodes_set(nodes, i, i < before ? fh_trie_nodes_get(b->nodes, i) : (fh_trie_node){0, FH_NO_TOKEN, FH_NO_TOKEN});
        fh_u32s_set(next, i, i < before ? fh_u32s_get(b->next, i) : (uint32_t)i);
    }
    fh_trie_nodes_free(b->allocator, &b->nodes);
    fh_u32s_free(b->allocator, &b->next);
    b->nodes = nodes;
    b->next = next;
    return FH_DONE;
}

/* True if all children of a twig find free places from `base` on. */
static bool fits(const builder *b, uint32_t twig, size_t base) {
    for (uint32_t c = fh_twigs_at(b->twigs, twig)->child; c != 0; c = fh_twigs_at(b->twigs, c)->sibling)
        if (fh_trie_nodes_at(b->nodes, base + fh_twigs_at(b->twigs, c)->byte)->parent != FH_NO_TOKEN)
            return false;
    return true;
}

static fh_status find_base(builder *b, uint32_t twig, fh_out size_t *base) {
    uint32_t first = fh_twigs_at(b->twigs, fh_twigs_at(b->twigs, twig)->child)->byte;
    uint32_t place = free_from(b, FIRST_PLACE);
    for (int tries = 0; tries < TRIES_MAX && place < b->end; tries++) {
        *base = place - first;
        FH_TRY(make_places(b, *base + 256));
        if (fits(b, twig, *base))
            return FH_DONE;
        place = free_from(b, place + 1);
    }
    *base = b->end;
    return make_places(b, *base + 256);
}

static fh_status place_children(builder *b, uint32_t twig, uint32_t node, fh_ids *waiting) {
    size_t base;
    FH_TRY(find_base(b, twig, &base));
    fh_trie_nodes_at(b->nodes, node)->base = (uint32_t)base;
    for (uint32_t c = fh_twigs_at(b->twigs, twig)->child; c != 0; c = fh_twigs_at(b->twigs, c)->sibling) {
        fh_twig t = fh_twigs_get(b->twigs, c);
        size_t place = base + t.byte;
        fh_trie_nodes_set(b->nodes, place, (fh_trie_node){0, node, t.token});
        fh_u32s_set(b->next, place, (uint32_t)place + 1);
        b->end = place >= b->end ? place + 1 : b->end;
        if (t.child != 0) {
            FH_TRY(fh_ids_put(waiting, c));
            FH_TRY(fh_ids_put(waiting, (uint32_t)place));
        }
    }
    return FH_DONE;
}

static fh_status build(builder *b, const fh_spellings *s, fh_u64s only, fh_ids *waiting) {
    size_t room;
    if (!fh_add_size(fh_spellings_text(s).size, 1, &room))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_twigs_new(b->allocator, room, &b->twigs));
    b->twig_count = 1;
    for (size_t i = 0; i < s->slots.count; i++) {
        uint64_t slot = fh_u64s_get(s->slots, i);
        uint32_t id = (uint32_t)slot;
        if (slot != UINT64_MAX && (only.count == 0 || (fh_u64s_get(only, id / 64) >> id % 64 & 1) != 0))
            FH_TRY(add(b, fh_spellings_get(s, id), id));
    }
    b->end = FIRST_PLACE;
    FH_TRY(make_places(b, FIRST_PLACE));
    if (fh_twigs_at(b->twigs, 0)->child != 0)
        FH_TRY(place_children(b, 0, 0, waiting));
    while (waiting->count > 0) {
        uint32_t node = fh_u32s_get(waiting->items, --waiting->count);
        uint32_t twig = fh_u32s_get(waiting->items, --waiting->count);
        FH_TRY(place_children(b, twig, node, waiting));
    }
    return FH_DONE;
}

fh_status fh_byte_trie_build(fh_allocator *a, const fh_spellings *s, fh_u64s only, fh_byte_trie *out, fh_err *err) {
    builder b = {.allocator = a, .err = err};
    fh_ids waiting;
    fh_ids_init(&waiting, a, 0);
    fh_status st = build(&b, s, only, &waiting);
    fh_ids_deinit(&waiting);
    fh_twigs_free(a, &b.twigs);
    fh_u32s_free(a, &b.next);
    if (fh_failed(st)) {
        fh_trie_nodes_free(a, &b.nodes);
        return st;
    }
    out->nodes = b.nodes;
    return st;
}

void fh_byte_trie_free(fh_allocator *a, fh_byte_trie *t) {
    fh_trie_nodes_free(a, &t->nodes);
}

uint32_t fh_byte_trie_longest(const fh_byte_trie *t, fh_span text, size_t at, size_t *size) {
    uint32_t node = 0, found = FH_NO_TOKEN;
    *size = 0;
    for (size_t i = at; i < text.size; i++) {
        node = fh_byte_trie_step(t, node, fh_span_at(text, i));
        if (node == 0)
            break;
        uint32_t token = fh_trie_nodes_at(t->nodes, node)->token;
        if (token == FH_NO_TOKEN)
            continue;
        found = token;
        *size = i + 1 - at;
    }
    return found;
}
