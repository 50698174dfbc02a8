/* token_model_tables.c: the large tables of a token model as bytes, and a model over such bytes, where they lie.
 *
 * The bytes may come from anywhere, so that all that encoding follows is looked at once, front to back: each place lies in the
 * text, each id, rule and node in its table. No search in a hash table is long, whoever filled it (hashed.h).
 * That is what makes a model out of them as safe as one that was built here. It is not a proof that they belong together: wrong
 * tables of right shape give wrong tokens, and the checksum of their file (stored.c) is against damage, not against malice.
 *
 * Bytes that somebody changes while they are in use can make an index miss, which ends the program; they never reach beyond
 * the bytes. Threading: see token_model.h. */
#include "freehold/hash.h"
#include "text/pipe/token_model_impl.h"

enum { BASE_NODES = 256, KNOWN_WORDS = 1024, CUTS_WORDS = 1, ALONE = 2, WHOLE = 4, TEXT_MAX = 1 << 30 };
_Static_assert(sizeof(fh_place) == 8 && sizeof(fh_merge_rule) == 8 && sizeof(fh_trie_node) == 12 && sizeof(double) == 8,
               "no gaps: any bytes are a value");

/* --- out -------------------------------------------------------------------------------------------------------------- */

bool fh_token_model_tables(const fh_token_model *m, fh_model_tables *out) {
    *out = (fh_model_tables){.identity = m->identity,
                             .text = fh_spellings_text(&m->spellings),
                             .places = fh_span_of_mut(fh_places_bytes(m->spellings.places)),
                             .slots = fh_span_of_mut(fh_u64s_bytes(m->spellings.slots)),
                             .merges = fh_span_of_mut(fh_u64s_bytes(m->merges.slots)),
                             .rules = fh_span_of_mut(fh_merge_rules_bytes(m->merges.rules)),
                             .nodes = fh_span_of_mut(fh_trie_nodes_bytes(m->trie.nodes)),
                             .scores = fh_span_of_mut(fh_logprobs_bytes(m->scores)),
                             .seams = fh_span_of_mut(fh_u64s_bytes(m->seams)),
                             .known = fh_span_of_mut(fh_u64s_bytes(m->known))};
    out->numbers[0] = m->spellings.seed;
    out->numbers[1] = m->merges.seed;
    out->numbers[2] = (m->cuts_words ? CUTS_WORDS : 0u) | (m->bytes_stand_alone ? ALONE : 0u) | (m->splits ? 0u : WHOLE);
    for (size_t i = 0; i < 256; i++)
        out->numbers[3 + i / 64] |= (uint64_t)m->uncut[i] << i % 64;
    return m->parts == 0 && m->silent.count == 0;
}

/* --- in --------------------------------------------------------------------------------------------------------------- */

static fh_status wrong(fh_err *err, const char *what) {
    return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer cache: %s", what);
}

static bool is_power_of_two(size_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

/* The loops below look at millions of numbers, many at once: they have no branches but their ends, and no comparisons, which
 * vectors of 64-bit numbers lack. */

/* 1 if a < b, else 0, of numbers below 2^63. */
static inline uint64_t is_below(uint64_t a, uint64_t b) {
    return (a - b) >> 63;
}

/* 1 for any number but 0. */
static inline uint64_t is_some(uint64_t a) {
    return (a | (0 - a)) >> 63;
}

static bool are_places(fh_places places, size_t size) {
    uint64_t bad = 0;
    for (size_t i = 0; i < places.count; i++) {
        fh_place p = fh_places_get(places, i);
        bad |= is_some(p.at ^ FH_NO_TOKEN) & is_below(size, (uint64_t)p.at + p.size);
    }
    return bad == 0;
}

/* A power of two of slots that name numbers below `end`, in their bits of `mask`. *used is how many are not empty. */
static bool are_slots(fh_u64s slots, uint64_t mask, size_t end, fh_out size_t *used) {
    uint64_t bad = 0, count = 0;
    for (size_t i = 0; i < slots.count; i++) {
        uint64_t slot = fh_u64s_get(slots, i), some = is_some(slot + 1);
        bad |= some & ~is_below(slot & mask, end);
        count += some;
    }
    *used = (size_t)count;
    return bad == 0 && is_power_of_two(slots.count);
}

/* A rank that is below their number is none of the marks that bpe_model.c has in its place. */
static bool are_rules(fh_merge_rules rules, size_t ids) {
    uint64_t good = 1;
    for (size_t i = 0; i < rules.count; i++) {
        fh_merge_rule r = fh_merge_rules_get(rules, i);
        good &= is_below(r.rank, rules.count) & is_below(r.result, ids);
    }
    return good != 0 && rules.count <= FH_MERGE_RULES_MAX;
}

static bool are_nodes(fh_trie_nodes nodes, size_t ids) {
    bool bad = false;
    for (size_t i = 0; i < nodes.count; i++) {
        fh_trie_node n = fh_trie_nodes_get(nodes, i);
        bad |= ((n.token != FH_NO_TOKEN) & (n.token >= ids)) | ((uint64_t)n.base + BASE_NODES > nodes.count);
    }
    return !bad && nodes.count >= BASE_NODES;
}

/* True if no node lies deeper than it may below one that has no parent; `depth` is of each node, or 0: not known yet. */
static bool are_shallow(fh_trie_nodes nodes, fh_u32s depth) {
    for (size_t i = 1; i < nodes.count; i++) {
        size_t at = i;
        uint32_t steps = 0;
        while (at != 0 && fh_u32s_get(depth, at) == 0 && fh_trie_nodes_at(nodes, at)->parent < nodes.count) {
            at = fh_trie_nodes_at(nodes, at)->parent;
            if (++steps > FH_TRIE_BYTES_MAX)
                return false;
        }
        steps += fh_u32s_get(depth, at);
        if (steps > FH_TRIE_BYTES_MAX)
            return false;
        for (size_t k = i; k != at; k = fh_trie_nodes_at(nodes, k)->parent)
            fh_u32s_set(depth, k, steps--);
    }
    return true;
}

static fh_status check_trie(const fh_token_model *m, size_t ids, fh_err *err) {
    fh_u32s depth;
    bool good = are_nodes(m->trie.nodes, ids);
    FH_TRY(fh_u32s_new(m->allocator, m->trie.nodes.count, &depth));
    good = good && are_shallow(m->trie.nodes, depth);
    fh_u32s_free(m->allocator, &depth);
    return good ? FH_DONE : wrong(err, "a trie that is none");
}

/* Scores are finite, for what JSON says is. */
static bool are_scores(fh_logprobs scores, size_t ids) {
    bool bad = false;
    for (size_t i = 0; i < scores.count; i++)
        bad |= fh_logprobs_get(scores, i) - fh_logprobs_get(scores, i) != 0;
    return !bad && scores.count == ids;
}

/* The tables that a model of its kind has, and no others. */
static fh_status check_kind(const fh_token_model *m, fh_err *err) {
    bool trie = m->kind == FH_MODEL_UNIGRAM || m->kind == FH_MODEL_WORDPIECE;
    size_t ids = m->spellings.places.count, used;
    if ((m->kind != FH_MODEL_BPE && m->merges.slots.count + m->merges.rules.count != 0) ||
        (!trie && m->trie.nodes.count != 0) || (m->kind != FH_MODEL_UNIGRAM && m->scores.count != 0))
        return wrong(err, "tables of another kind of model");
    if (m->seams.count != 0 ? !is_power_of_two(m->seams.count) || m->known.count != KNOWN_WORDS : m->known.count != 0)
        return wrong(err, "a set of seams that is none");
    if (m->kind == FH_MODEL_BPE && (!are_rules(m->merges.rules, ids) || !are_slots(m->merges.slots, FH_MERGE_RULES_MAX,
                                                                                    m->merges.rules.count, &used)))
        return wrong(err, "a table of merges that is none");
    if (trie)
        FH_TRY(check_trie(m, ids, err));
    return m->kind == FH_MODEL_UNIGRAM && !are_scores(m->scores, ids) ? wrong(err, "a list of scores that is none") : FH_DONE;
}

fh_status fh_model_tables_take(fh_token_model *m, const fh_model_tables *t, fh_err *err) {
    m->lent = true;
    m->identity = t->identity;
    m->spellings.seed = t->numbers[0];
    m->merges.seed = t->numbers[1];
    m->cuts_words = (t->numbers[2] & CUTS_WORDS) != 0;
    m->bytes_stand_alone = (t->numbers[2] & ALONE) != 0;
    m->splits = (t->numbers[2] & WHOLE) == 0;
    for (size_t i = 0; i < 256; i++)
        m->uncut[i] = (t->numbers[3 + i / 64] >> i % 64 & 1) != 0;
    if (t->text.size > TEXT_MAX || !fh_places_lent(t->places, &m->spellings.places) ||
        !fh_u64s_lent(t->slots, &m->spellings.slots) || !fh_u64s_lent(t->merges, &m->merges.slots) ||
        !fh_merge_rules_lent(t->rules, &m->merges.rules) || !fh_trie_nodes_lent(t->nodes, &m->trie.nodes) ||
        !fh_logprobs_lent(t->scores, &m->scores) || !fh_u64s_lent(t->seams, &m->seams) ||
        !fh_u64s_lent(t->known, &m->known))
        return wrong(err, "a table of a size that none has");
    m->spellings.lent = t->text;
    size_t ids = m->spellings.places.count;
    if (ids > FH_MODEL_IDS_MAX || !are_places(m->spellings.places, t->text.size))
        return wrong(err, "a spelling outside of the text");
    if (!are_slots(m->spellings.slots, UINT32_MAX, ids, &m->spellings.count))
        return wrong(err, "a table of spellings that is none");
    return check_kind(m, err);
}
