/* unigram.c: the most probable way to cut a piece into tokens (Kudo 2018, "Subword Regularization"), by Viterbi's algorithm.
 *
 * As in the reference, down to equal sums: a place keeps the first best way to it, from the left; scores add as float64 in that
 * order; a character that is no token by itself costs ten less than the worst token; neighbouring unknown characters become one
 * text, which may be a token after all, or its bytes. The SentencePiece library itself adds in float32: see `single`.
 * Characters that no token begins with, of text that the vocabulary was not made for, are passed in one step.
 * Threading: see token_model.h. */
#include "text/pipe/ascii.h"
#include "text/pipe/token_model_impl.h"

/* The best ways so far. Nothing leads behind `reach`, and what `paths` has there is of another piece. */
typedef struct ways {
    fh_best_paths paths;
    size_t reach;
} ways;

static inline double rounded(const fh_token_model *m, double score) {
    return m->single ? (double)(float)score : score;
}

/* Notes a way to a place if it is better than what is known; false if not. */
static inline bool offer(const fh_token_model *m, fh_mut ways *w, size_t at, double score, size_t from, uint32_t token) {
    while (w->reach < at)
        fh_best_paths_set(w->paths, ++w->reach, (fh_best_path){0, FH_NO_TOKEN, FH_NO_TOKEN});
    fh_best_path *p = fh_best_paths_at(w->paths, at);
    double sum = rounded(m, score);
    bool better = p->from == FH_NO_TOKEN || sum > p->score;
    if (better)
        *p = (fh_best_path){sum, (uint32_t)from, token};
    return better;
}

/* Offers all tokens that begin at `at`, where a character of `size` bytes stands. */
static fh_status offer_from(const fh_token_model *m, fh_mut ways *w, fh_span piece, size_t at, size_t size) {
    double here = fh_best_paths_at(w->paths, at)->score;
    bool single = false;
    uint32_t node = 0;
    for (size_t i = at; i < piece.size; i++) {
        node = fh_byte_trie_step(&m->trie, node, fh_span_at(piece, i));
        if (node == 0)
            break;
        uint32_t token = fh_trie_nodes_at(m->trie.nodes, node)->token;
        if (token == FH_NO_TOKEN)
            continue;
        (void)offer(m, w, i + 1, fh_logprobs_get(m->scores, token) + here, at, token);
        single = single || i + 1 - at == size;
    }
    bool unknown = !single && offer(m, w, at + size, m->unk_score + here, at, m->unk);
    return unknown && m->unk == FH_NO_TOKEN ? FH_STATUS(FH_NOT_FOUND) : FH_DONE;
}

/* True if no token begins as the character of `size` bytes at `at` does. */
static inline bool is_strange(const fh_token_model *m, fh_span piece, size_t at, size_t size) {
    uint32_t node = 0;
    for (size_t i = at; i < at + size; i++) {
        node = fh_byte_trie_step(&m->trie, node, fh_span_at(piece, i));
        if (node == 0)
            return true;
    }
    return false;
}

/* Where the run of such characters from `at` on ends. If nothing leads behind `at`, one way leads through them: it is noted as
 * one step, with the sum of all. */
static size_t pass_strange(const fh_token_model *m, fh_mut ways *w, fh_span piece, size_t at) {
    double sum = fh_best_paths_at(w->paths, at)->score;
    size_t end = at;
    while (end < piece.size) {
        size_t size = fh_rune_at(piece, end).size;
        if (!is_strange(m, piece, end, size))
            break;
        sum = rounded(m, m->unk_score + sum);
        end += size;
    }
    if (end == at)
        return at;
    fh_best_paths_set(w->paths, end, (fh_best_path){sum, (uint32_t)at, m->unk});
    w->reach = end;
    return end;
}

/* The token that is a text, or FH_NO_TOKEN: most begin none. */
static uint32_t whole(const fh_token_model *m, fh_span text) {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size && (node != 0 || i == 0); i++)
        node = fh_byte_trie_step(&m->trie, node, fh_span_at(text, i));
    return node != 0 ? fh_trie_nodes_at(m->trie.nodes, node)->token : FH_NO_TOKEN;
}

/* A text of neighbouring unknown characters. */
static fh_status put_unknown(const fh_token_model *m, fh_model_scratch *s, fh_span text) {
    uint32_t id = m->single ? FH_NO_TOKEN : whole(m, text);
    bool bytes = id == FH_NO_TOKEN && m->byte_fallback;
    for (size_t i = 0; i < text.size && bytes; i++)
        bytes = m->byte_token[fh_span_at(text, i)] != FH_NO_TOKEN;
    if (!bytes)
        return fh_found_put(s, id != FH_NO_TOKEN ? id : m->unk, (uint32_t)text.size);
    uint32_t end = s->end + (uint32_t)text.size;
    for (size_t i = 0; i < text.size; i++)
        FH_TRY(fh_token_list_put(&s->found, m->byte_token[fh_span_at(text, i)], s->end, end));
    s->end = end;
    return FH_DONE;
}

/* Turns the ways around: afterwards the path at `at` says where the token that begins there ends, in `from`. */
static void turn(fh_best_paths paths, size_t end) {
    uint32_t to = (uint32_t)end, token = FH_NO_TOKEN;
    for (uint32_t at = to;;) {
        fh_best_path *p = fh_best_paths_at(paths, at);
        fh_best_path was = *p;
        p->from = to;
        p->token = token;
        if (at == 0)
            return;
        to = at;
        token = was.token;
        at = was.from;
    }
}

/* Finds the best way. */
static fh_status find_best(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece) {
    ways w = {fh_best_paths_sub(s->paths, 0, piece.size + 1), 0};
    fh_best_paths_set(w.paths, 0, (fh_best_path){0, FH_NO_TOKEN, FH_NO_TOKEN});
    for (size_t at = 0; at < piece.size;) {
        if (at == w.reach && m->unk != FH_NO_TOKEN)
            at = pass_strange(m, &w, piece, at);
        if (at == piece.size)
            break;
        size_t size = fh_rune_at(piece, at).size;
        FH_TRY(offer_from(m, &w, piece, at, size));
        at += size;
    }
    turn(w.paths, piece.size);
    return FH_DONE;
}

fh_status fh_unigram_piece(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    if (piece.size + 1 > s->paths.count) {
        fh_best_paths more;
        FH_TRY(fh_best_paths_new(s->allocator, piece.size + 1 < 64 ? 64 : piece.size + 1, &more));
        fh_best_paths_free(s->allocator, &s->paths);
        s->paths = more;
    }
    for (size_t i = 0; i <= piece.size && m->drops; i++)
        fh_best_paths_set(s->paths, i, (fh_best_path){0, FH_NO_TOKEN, FH_NO_TOKEN});
    FH_TRY(m->drops ? fh_unigram_sample(m, s, piece) : find_best(m, s, piece));
    for (size_t at = 0; at < piece.size;) {
        fh_best_path p = fh_best_paths_get(s->paths, at);
        size_t end = p.from;
        if (p.token != m->unk) {
            FH_TRY(fh_found_put(s, p.token, (uint32_t)(end - at)));
        } else {
            while (end < piece.size && fh_best_paths_at(s->paths, end)->token == m->unk)
                end = fh_best_paths_at(s->paths, end)->from;
            FH_TRY(put_unknown(m, s, fh_span_sub(piece, at, end - at)));
        }
        at = end;
    }
    return FH_DONE;
}
