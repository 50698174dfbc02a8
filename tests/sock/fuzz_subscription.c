/* fuzz_subscription.c: any bytes as subscriptions, their ends, and messages, against a model (SECURITY-MODEL: U-ZMTP: a peer
 * subscribes as it likes).
 *
 * The first byte chooses: the index alone, against rows that are counted; or an XPUB with three subscribers, in one of the
 * modes of its options, of which the model knows who gets which message, what the publisher's application hears, in which
 * order, and what it may say of it. Two bytes are a step: what and who, and which of the 15 texts of up to three letters a and
 * b, so that most are prefixes of others. Seeds: random steps in each mode. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fh_test.h"
#include "freehold/sock.h"
#include "proto/subscriptions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

enum { PEERS = 3, TEXTS = 15, STEPS_MAX = 400, NOBODY = PEERS };
enum { MODE_INDEX = 1, MODE_VERBOSE = 2, MODE_VERBOSER = 4, MODE_MANUAL = 8, MODE_LAST_VALUE = 16, MODE_INVERT = 32 };

#define require(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))
FH_NORETURN static void give_up(const char *what, int line) {
    (void)fprintf(stderr, "fuzz_subscription.c:%d: not so: %s\n", line, what);
    abort();
}

/* --- texts ---------------------------------------------------------------------------------------------------------------- */

typedef struct text {
    uint8_t bytes[4];
    size_t size;
} text;

/* "", a, b, aa, ab, ba, bb, aaa … */
static text text_of(unsigned n) {
    text t = {.size = n == 0 ? 0 : n < 3 ? 1 : n < 7 ? 2 : 3};
    unsigned bits = n - ((1u << t.size) - 1);
    for (size_t i = 0; i < t.size; i++)
        t.bytes[i] = (bits >> (t.size - 1 - i) & 1) == 0 ? 'a' : 'b';
    return t;
}
static fh_span view(const text *t) {
    return (fh_span){t->bytes, t->size};
}
static bool begins(unsigned all, unsigned prefix) {
    text a = text_of(all), p = text_of(prefix);
    return p.size <= a.size && memcmp(a.bytes, p.bytes, p.size) == 0;
}

/* --- the index alone ------------------------------------------------------------------------------------------------------ */

enum { INDEX_PREFIX_MAX = 2 };

static bool any_has(uint32_t counts[PEERS][TEXTS], unsigned n) {
    bool has = false;
    for (unsigned p = 0; p < PEERS; p++)
        has = has || counts[p][n] != 0;
    return has;
}

static void check_match(fh_subscription_index *s, uint32_t counts[PEERS][TEXTS], unsigned n) {
    uint32_t found[PEERS];
    text t = text_of(n);
    size_t count = fh_subscription_match(s, view(&t), (fh_u32s){found, PEERS});
    for (unsigned p = 0; p < PEERS; p++) {
        size_t times = 0;
        bool wanted = false;
        for (size_t i = 0; i < count; i++)
            times += found[i] == p;
        for (unsigned k = 0; k < TEXTS; k++)
            wanted = wanted || (counts[p][k] != 0 && begins(n, k));
        require(times == wanted);
    }
}

static void step_index(fh_subscription_index *s, uint32_t counts[PEERS][TEXTS], unsigned op, unsigned p, unsigned n) {
    text t = text_of(n);
    bool fits = t.size <= INDEX_PREFIX_MAX, before = any_has(counts, n), flag = false;
    if (op == 0) {
        require(fh_subscription_add(s, p, view(&t), &flag).code == (fits ? FH_OK : FH_LIMIT));
        require(!fits || flag == !before);
        counts[p][n] += fits;
    } else if (op == 1) {
        bool has = counts[p][n] != 0;
        require(fh_subscription_cancel(s, p, view(&t), &flag).code == (has ? FH_OK : FH_NOT_FOUND));
        counts[p][n] -= has;
        require(!has || flag == !any_has(counts, n));
    } else if (op == 2) {
        fh_subscription_drop_peer(s, p);
        memset(counts[p], 0, sizeof counts[p]);
    } else {
        require(fh_subscription_has(s, p, view(&t)) == (counts[p][n] != 0));
        check_match(s, counts, n);
    }
}

static void play_index(const uint8_t *data, size_t size) {
    fh_subscription_index s;
    uint32_t counts[PEERS][TEXTS] = {0};
    fh_status made = fh_subscription_index_init(&s, fh_heap(), INDEX_PREFIX_MAX, size);
    require(!fh_failed(made));
    for (size_t i = 0; i + 1 < size; i += 2)
        step_index(&s, counts, data[i] % 4, data[i] / 4 % PEERS, data[i + 1] % TEXTS);
    for (unsigned n = 0; n < TEXTS; n++)
        check_match(&s, counts, n);
    fh_subscription_index_deinit(&s);
}

/* --- a publisher and its subscribers -------------------------------------------------------------------------------------- */

typedef enum news_kind { NEWS_END, NEWS_BEGIN, NEWS_DATA } news_kind;
typedef struct news {
    news_kind kind;
    unsigned peer, life, n;
} news;

typedef struct stage {
    fh_sock_context *c;
    fh_sock pub, peers[PEERS];
    unsigned mode, life[PEERS];
    bool raw[PEERS];                 /* an XSUB */
    uint32_t own[PEERS][TEXTS];      /* what a subscriber wants, counted */
    uint32_t said[PEERS][TEXTS];     /* 1: what the publisher knows of it */
    uint32_t counted[PEERS][TEXTS];  /* 1: what it sends by; with the manual modes the application says that */
    news queue[2 * STEPS_MAX + PEERS * TEXTS];
    size_t first, last;
    unsigned speaker, speaker_life;  /* whose subscription was received last; NOBODY */
} stage;

static bool is_manual(const stage *g) {
    return (g->mode & (MODE_MANUAL | MODE_LAST_VALUE)) != 0;
}

static fh_code try_say(stage *g, fh_sock s, uint8_t first, bool has_first, unsigned n) {
    text t = text_of(n);
    uint8_t bytes[5] = {first};
    memcpy(&bytes[has_first], t.bytes, t.size);
    fh_message m = {0};
    require(!fh_failed(fh_message_push_copy(&m, fh_heap(), (fh_span){bytes, t.size + has_first})));
    fh_code code = fh_sock_try_send(g->c, s, &m).code;
    fh_message_drop(&m, fh_heap());
    return code;
}

/* What is received is this text behind this byte, or nothing. */
static void hear_text(stage *g, fh_sock s, bool comes, int first, unsigned n) {
    fh_message m = {0};
    fh_code code = fh_sock_try_receive(g->c, s, &m).code;
    require(code == (comes ? FH_OK : FH_AGAIN));
    text t = text_of(n);
    size_t head = first >= 0;
    if (comes) {
        fh_span got = fh_message_view(&m, 0);
        require(fh_message_count(&m) == 1 && got.size == t.size + head);
        require(head == 0 || fh_span_at(got, 0) == (uint8_t)first);
        require(fh_span_equal(fh_span_from(got, head), view(&t)));
    }
    fh_message_drop(&m, fh_heap());
}

static void tell(stage *g, news_kind kind, unsigned p, unsigned n) {
    g->queue[g->last++] = (news){kind, p, g->life[p], n};
}

/* A wish comes to the publisher. */
static void hear_wish(stage *g, news_kind kind, unsigned p, unsigned n) {
    bool again = kind == NEWS_BEGIN && g->said[p][n] != 0;
    g->said[p][n] = 0;
    bool is_news = !again && !any_has(g->said, n);
    g->said[p][n] = kind == NEWS_BEGIN;
    if (!is_manual(g))
        g->counted[p][n] = g->said[p][n];
    bool all = is_manual(g) || (g->mode & MODE_VERBOSER) != 0 || (kind == NEWS_BEGIN && (g->mode & MODE_VERBOSE) != 0);
    if (is_news || all)
        tell(g, kind, p, n);
}

/* A subscriber wants something, or no longer. */
static void wish(stage *g, news_kind kind, unsigned p, unsigned n) {
    text t = text_of(n);
    bool ends = kind == NEWS_END, has = g->own[p][n] != 0;
    fh_code expected = ends && !has && !g->raw[p] ? FH_NOT_FOUND : FH_OK, code;
    if (g->raw[p])
        code = try_say(g, g->peers[p], kind == NEWS_BEGIN, true, n);
    else
        code = (ends ? fh_sock_unsubscribe : fh_sock_subscribe)(g->c, g->peers[p], view(&t)).code;
    require(code == expected);
    if (ends && !has)
        return;
    g->own[p][n] += ends ? UINT32_MAX : 1;
    if (!ends || g->own[p][n] == 0)
        hear_wish(g, kind, p, n);
}

static bool wants(const uint32_t row[TEXTS], unsigned n) {
    for (unsigned k = 0; k < TEXTS; k++)
        if (row[k] != 0 && begins(n, k))
            return true;
    return false;
}

static bool has_speaker(const stage *g) {
    return g->speaker != NOBODY && g->life[g->speaker] == g->speaker_life;
}

static void publish(stage *g, unsigned n) {
    bool invert = (g->mode & MODE_INVERT) != 0, one = (g->mode & MODE_LAST_VALUE) != 0 && has_speaker(g);
    require(try_say(g, g->pub, 0, false, n) == FH_OK);
    for (unsigned p = 0; p < PEERS; p++) {
        bool sent = wants(g->counted[p], n) != invert && (!one || p == g->speaker);
        hear_text(g, g->peers[p], sent && (g->raw[p] || wants(g->own[p], n) != invert), -1, n);
    }
    if ((g->mode & MODE_LAST_VALUE) != 0)
        g->speaker = NOBODY;
}

/* The publisher's application receives what was heard first. */
static void receive(stage *g) {
    static const int heads[] = {0, 1, 'x'};
    if (g->first == g->last) {
        hear_text(g, g->pub, false, 0, 0);
        return;
    }
    news e = g->queue[g->first++];
    hear_text(g, g->pub, true, heads[e.kind], e.n);
    if (e.kind == NEWS_DATA)
        return;
    g->speaker = e.peer;
    g->speaker_life = e.life;
}

/* The application makes a wish count, for who was heard last. */
static void decide(stage *g, bool ends, unsigned n) {
    text t = text_of(n);
    fh_code code = (ends ? fh_sock_unsubscribe : fh_sock_subscribe)(g->c, g->pub, view(&t)).code;
    if (!is_manual(g) || !has_speaker(g)) {
        require(code == FH_INVALID);
        return;
    }
    uint32_t *at = &g->counted[g->speaker][n];
    require(code == (ends && *at == 0 ? FH_NOT_FOUND : FH_OK));
    *at = !ends;
}

static void open_peer(stage *g, unsigned p, bool raw) {
    fh_err err = {0};
    g->raw[p] = raw;
    require(!fh_failed(fh_sock_open(g->c, raw ? FH_ZMTP_XSUB : FH_ZMTP_SUB, &g->peers[p])));
    if (!raw)
        require(!fh_failed(fh_sock_set(g->c, g->peers[p], FH_SOCK_INVERT_MATCHING, (g->mode & MODE_INVERT) != 0)));
    require(!fh_failed(fh_sock_connect(g->c, g->peers[p], FH_LIT("inproc://x"), &err)));
}

/* A subscriber goes: of each of its wishes that nobody else has, or all, the application hears the end, in any order. */
static void close_peer(stage *g, unsigned p) {
    bool ends[TEXTS] = {0};
    size_t left = 0;
    while (g->first != g->last)
        receive(g);
    require(!fh_failed(fh_sock_close(g->c, g->peers[p])));
    for (unsigned n = 0; n < TEXTS; n++) {
        bool had = g->said[p][n] != 0;
        g->said[p][n] = g->own[p][n] = g->counted[p][n] = 0;
        ends[n] = had && (!any_has(g->said, n) || is_manual(g) || (g->mode & MODE_VERBOSER) != 0);
        left += ends[n];
    }
    for (; left != 0; left--) {
        fh_message m = {0};
        require(!fh_failed(fh_sock_try_receive(g->c, g->pub, &m)));
        fh_span got = fh_message_view(&m, 0);
        unsigned n = 0;
        for (text t = text_of(n); n < TEXTS && !(ends[n] && fh_span_equal(fh_span_from(got, 1), view(&t))); t = text_of(n))
            n++;
        require(n < TEXTS && fh_span_at(got, 0) == 0);
        ends[n] = false;
        fh_message_drop(&m, fh_heap());
        g->speaker = p;
        g->speaker_life = g->life[p];
    }
    hear_text(g, g->pub, false, 0, 0);
    g->life[p]++;
}

static void step(stage *g, unsigned op, unsigned p, unsigned n) {
    int64_t events = 0;
    if (op < 3)
        wish(g, NEWS_BEGIN, p, n);
    else if (op == 3)
        wish(g, NEWS_END, p, n);
    else if (op == 4)
        publish(g, n);
    else if (op == 5)
        receive(g);
    else if (op == 6)
        decide(g, n % 4 == 3, n);
    else if (n < 3) {
        close_peer(g, p);
        open_peer(g, p, n == 0);
    } else if (g->raw[p]) {
        require(try_say(g, g->peers[p], 'x', true, n) == FH_OK);
        tell(g, NEWS_DATA, p, n);
    }
    require(!fh_failed(fh_sock_get(g->c, g->pub, FH_SOCK_EVENTS, &events))); /* it hears each step by itself: in this order */
    require(((events & FH_SOCK_READABLE) != 0) == (g->first != g->last));
}

static void play_stage(unsigned mode, const uint8_t *data, size_t size) {
    static const struct {
        unsigned mode;
        fh_sock_option option;
    } options[] = {{MODE_VERBOSE, FH_SOCK_XPUB_VERBOSE}, {MODE_VERBOSER, FH_SOCK_XPUB_VERBOSER},
                   {MODE_MANUAL, FH_SOCK_XPUB_MANUAL}, {MODE_LAST_VALUE, FH_SOCK_XPUB_MANUAL_LAST_VALUE},
                   {MODE_INVERT, FH_SOCK_INVERT_MATCHING}};
    static stage g;
    fh_err err = {0};
    g = (stage){.mode = mode, .speaker = NOBODY};
    require(!fh_failed(fh_sock_context_new(fh_heap(), &(fh_sock_context_options){.sockets_max = PEERS + 1}, &g.c)));
    require(!fh_failed(fh_sock_open(g.c, FH_ZMTP_XPUB, &g.pub)));
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        require(!fh_failed(fh_sock_set(g.c, g.pub, options[i].option, (mode & options[i].mode) != 0)));
    require(!fh_failed(fh_sock_bind(g.c, g.pub, FH_LIT("inproc://x"), &err)));
    for (unsigned p = 0; p < PEERS; p++)
        open_peer(&g, p, p == 0);
    for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2)
        step(&g, data[i] % 8, data[i] / 8 % PEERS, data[i + 1] % TEXTS);
    while (g.first != g.last)
        receive(&g);
    fh_sock_context_free(g.c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    if ((data[0] & MODE_INDEX) != 0)
        play_index(&data[1], size - 1);
    else
        play_stage(data[0], &data[1], size - 1);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    for (unsigned seed = 0; seed < 64; seed++) {
        fh_test_rng rng = fh_test_rng_new(seed);
        uint8_t bytes[121] = {(uint8_t)seed};
        for (size_t i = 1; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)fh_test_rng_next(&rng);
        emit(ctx, (fh_span){bytes, sizeof bytes});
    }
}
