/* unigram_sample.c: a way to cut a piece into tokens by chance (Kudo 2018, "Subword Regularization"): of all ways, or of the n
 * best, each as probable as exp(alpha × its score) says. The tokens on offer are those of unigram.c.
 *
 * Of all ways: going back from the end, a place gets the logarithm of what all ways from it to the end weigh together; then,
 * from the beginning, each token is drawn by the part of that which the ways through it have. Of the n best: each place has its
 * n best ways from the beginning, in order; one of the last place's is drawn. Threading: see token_model.h. */
#include "freehold/utf8.h"
#include "text/pipe/token_model_impl.h"
#include "text/train/unigram_impl.h"

/* A walk over the tokens that begin at a place, the unknown one last. */
typedef struct offers {
    const fh_token_model *m;
    fh_span piece;
    size_t at, size, next; /* the place; its character's size; the byte to look at, or SIZE_MAX when all were offered */
    uint32_t node;
    bool single;           /* the character is a token by itself */
} offers;

typedef struct offer {
    size_t end;
    uint32_t token;
    double score;
} offer;

static offers offers_at(const fh_token_model *m, fh_span piece, size_t at) fh_view(1, 2) {
    return (offers){.m = m, .piece = piece, .at = at, .size = fh_utf8_next(piece, at).size, .next = at};
}

static bool next_offer(fh_mut offers *o, fh_out offer *out) {
    *out = (offer){0, FH_NO_TOKEN, 0};
    while (o->next < o->piece.size) {
        o->node = fh_byte_trie_step(&o->m->trie, o->node, fh_span_at(o->piece, o->next));
        if (o->node == 0)
            break;
        o->next++;
        uint32_t token = fh_trie_nodes_at(o->m->trie.nodes, o->node)->token;
        if (token == FH_NO_TOKEN)
            continue;
        o->single = o->single || o->next - o->at == o->size;
        *out = (offer){o->next, token, fh_logprobs_get(o->m->scores, token)};
        return true;
    }
    bool unknown = o->next != SIZE_MAX && !o->single;
    o->next = SIZE_MAX;
    if (unknown)
        *out = (offer){o->at + o->size, o->m->unk, o->m->unk_score};
    return unknown;
}

/* ln(e^a + e^b). Scores times alpha may leave the numbers: of two infinities of one sign it is that one. */
static double log_add(double a, double b) {
    double high = a > b ? a : b, low = a > b ? b : a;
    return high + fh_train_log(1 + fh_train_exp(low - high));
}

/* --- of all ways -------------------------------------------------------------------------------------------------------- */

/* What the ways from `at` to the end weigh: the sum over its tokens, as a logarithm. */
static double weight_from(const fh_token_model *m, fh_best_paths paths, fh_span piece, size_t at) {
    offers o = offers_at(m, piece, at);
    double sum = 0;
    bool first = true;
    for (offer t; next_offer(&o, &t); first = false) {
        double way = m->alpha * t.score + fh_best_paths_at(paths, t.end)->score;
        sum = first ? way : log_add(sum, way);
    }
    return sum;
}

/* Draws the token at a place of which all ways weigh `whole`. */
static offer draw_from(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece, size_t at, double whole) {
    offers o = offers_at(m, piece, at);
    double left = fh_model_draw(s);
    offer last = {0, FH_NO_TOKEN, 0};
    for (offer t; next_offer(&o, &t);) {
        last = t;
        left -= fh_train_exp(m->alpha * t.score + fh_best_paths_at(s->paths, t.end)->score - whole);
        if (left < 0)
            break;
    }
    return last;
}

/* The places of `paths` are blank; afterwards those on the way say where their token ends, in `from`. */
static fh_status sample_all(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece) {
    for (size_t at = 0; at < piece.size; at += fh_utf8_next(piece, at).size)
        fh_best_paths_at(s->paths, at)->from = 0; /* a character begins here */
    for (size_t at = piece.size; at-- > 0;)
        if (fh_best_paths_at(s->paths, at)->from != FH_NO_TOKEN)
            fh_best_paths_at(s->paths, at)->score = weight_from(m, s->paths, piece, at);
    for (size_t at = 0; at < piece.size;) {
        offer t = draw_from(m, s, piece, at, fh_best_paths_at(s->paths, at)->score);
        fh_best_path *p = fh_best_paths_at(s->paths, at);
        p->from = (uint32_t)t.end;
        p->token = t.token;
        at = t.end;
    }
    return FH_DONE;
}

/* --- of the n best ------------------------------------------------------------------------------------------------------ */

/* The ways to a place, the best first; `count` are there. */
typedef struct fh_way {
    double score;
    uint32_t from, nth, token; /* the token begins at `from`, and goes on from that place's way number `nth` */
} fh_way;
FH_SPAN_DEFINE(way, fh_way);
FH_ARRAY_DEFINE(way);

/* Puts a way among the n best of a place, behind those of the same score. */
static void keep(fh_ways ways, fh_mut uint32_t *count, fh_way w) {
    size_t i = *count;
    if (i == ways.count) {
        if (fh_ways_at(ways, i - 1)->score >= w.score)
            return;
        i--;
    } else {
        ++*count;
    }
    for (; i > 0 && fh_ways_at(ways, i - 1)->score < w.score; i--)
        fh_ways_set(ways, i, fh_ways_get(ways, i - 1));
    fh_ways_set(ways, i, w);
}

/* Finds the n best ways to all places: counts[at] of them are ways[n × at …]. */
static void find_ways(const fh_token_model *m, fh_span piece, fh_ways ways, fh_u32s counts) {
    size_t n = m->nbest;
    fh_ways_set(ways, 0, (fh_way){.token = FH_NO_TOKEN});
    fh_u32s_set(counts, 0, 1);
    for (size_t at = 0; at < piece.size; at += fh_utf8_next(piece, at).size) {
        offers o = offers_at(m, piece, at);
        for (offer t; next_offer(&o, &t);) {
            uint32_t count = fh_u32s_get(counts, t.end);
            for (uint32_t k = 0; k < fh_u32s_get(counts, at); k++)
                keep(fh_ways_sub(ways, t.end * n, n), &count,
                     (fh_way){fh_ways_at(ways, at * n + k)->score + t.score, (uint32_t)at, k, t.token});
            fh_u32s_set(counts, t.end, count);
        }
    }
}

/* Draws one of them: its number. */
static uint32_t draw_way(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_ways ways) {
    double best = fh_ways_at(ways, 0)->score, whole = 0;
    for (size_t k = 0; k < ways.count; k++)
        whole += fh_train_exp(m->alpha * (fh_ways_at(ways, k)->score - best));
    double left = fh_model_draw(s) * whole;
    for (uint32_t k = 0; k + 1 < ways.count; k++) {
        left -= fh_train_exp(m->alpha * (fh_ways_at(ways, k)->score - best));
        if (left < 0)
            return k;
    }
    return (uint32_t)ways.count - 1;
}

static fh_status sample_best(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece) {
    fh_ways ways;
    fh_u32s counts;
    size_t room;
    if (!fh_mul_size(piece.size + 1, m->nbest, &room))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_ways_new(s->allocator, room, &ways));
    fh_status status = fh_u32s_new(s->allocator, piece.size + 1, &counts);
    if (!fh_failed(status)) {
        find_ways(m, piece, ways, counts);
        size_t n = m->nbest, at = piece.size;
        uint32_t k = draw_way(m, s, fh_ways_sub(ways, at * n, fh_u32s_get(counts, at)));
        while (at > 0) {
            fh_way w = fh_ways_get(ways, at * n + k);
            fh_best_path *p = fh_best_paths_at(s->paths, w.from);
            p->from = (uint32_t)at;
            p->token = w.token;
            at = w.from;
            k = w.nth;
        }
        fh_u32s_free(s->allocator, &counts);
    }
    fh_ways_free(s->allocator, &ways);
    return status;
}

fh_status fh_unigram_sample(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    return m->nbest != 0 ? sample_best(m, s, piece) : sample_all(m, s, piece);
}
