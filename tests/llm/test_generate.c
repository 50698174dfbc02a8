/* test_generate.c: fh_generator: the published text of a real model, and prompts, stop strings, characters and ends.
 *
 * What a generator shows is compared with a plain loop over the engine: pick, piece, step, and string search at the
 * end. */
#include <stdio.h>
#include <string.h>

#include "freehold/generate.h"
#include "freehold/utf8.h"
#include "lab.h"

/* --- a model whose tokens can be chosen --------------------------------------------------------------------------- */

/* Everything a test needs, from one model file. */
struct scene {
    fh_allocator *a;
    fh_buf file;
    struct lab lab;
    fh_engine *engine;
    uint32_t answered; /* of test_no_memory: the last token of its answer, plus 1 */
};

static void scene_open(struct scene *s, fh_allocator *a, fh_engine_options options) {
    fh_err err;
    fh_err_clear(&err);
    *s = (struct scene){.a = a};
    lab_file(&s->file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
    fh_assert_ok(lab_open(&s->lab, a, fh_buf_view(&s->file), fh_isa_best(), 1, &err));
    fh_assert_ok(fh_engine_new(a, s->lab.model, s->lab.dev, &options, &s->engine, &err));
}

static void scene_close(struct scene *s) {
    assert_int_equal(fh_engine_stats_get(s->engine).seqs, 0);
    fh_engine_free(s->engine);
    lab_close(&s->lab);
    fh_buf_deinit(&s->file);
}

static fh_generator *generator_of(struct scene *s, fh_generate_options options) {
    fh_generator *g = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_generator_new(s->a, s->lab.model, s->engine, &options, &g, &err));
    return g;
}

static void prompt(fh_generator *g, uint32_t *ids, size_t count) {
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_generator_prompt(g, (fh_u32s){ids, count}, NULL, NULL, &err));
}

/* Runs to the end; collects text and tokens. Each piece of text but the last must be whole characters. */
static fh_finish run(fh_generator *g, fh_buf *text, fh_ids *tokens) {
    for (;;) {
        fh_generated out;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_ok(fh_generator_next(g, &out, &err));
        fh_assert_ok(fh_buf_put(text, out.text));
        if (out.token != FH_NO_TOKEN && tokens != NULL)
            fh_assert_ok(fh_ids_put(tokens, out.token));
        assert_int_equal(out.done, out.finish != FH_FINISH_NOT);
        if (!out.done)
            continue;
        fh_generated again;
        fh_assert_ok(fh_generator_next(g, &again, NULL));
        assert_true(again.done && again.finish == out.finish && again.text.size == 0 && again.token == FH_NO_TOKEN);
        return out.finish;
    }
}

/* --- a real model ------------------------------------------------------------------------------------------------- */

/* stories260K (github.com/karpathy/llama2.c, MIT): 200 greedy tokens from BOS begin with the text that project publishes. */
static void test_stories(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_os_map model, expected;
    fh_assert_ok(fh_os_map_open(fh_test_data("models/stories260k-F32.gguf").text, &model, NULL));
    fh_assert_ok(fh_os_map_open(fh_test_data("models/expected-greedy-200.txt").text, &expected, NULL));
    for (unsigned isa = 0; isa <= (unsigned)fh_isa_best(); isa++) {
        struct scene s = {.a = a};
        fh_err err;
        fh_err_clear(&err);
        fh_assert_ok(lab_open(&s.lab, a, model.bytes, (fh_isa)isa, 1, &err));
        fh_engine_options options = {.context = 256, .rows_max = 16};
        fh_assert_ok(fh_engine_new(a, s.lab.model, s.lab.dev, &options, &s.engine, &err));
        fh_generator *g = generator_of(&s, (fh_generate_options){.tokens_max = 200});
        uint32_t bos = fh_tokenizer_bos(fh_model_tokenizer_view(s.lab.model));
        prompt(g, &bos, 1);
        fh_buf text;
        fh_buf_init(&text, a, 0);
        assert_int_equal(run(g, &text, NULL), FH_FINISH_LENGTH);
        assert_int_equal(expected.bytes.size, 464);
        assert_true(fh_span_starts(fh_buf_view(&text), expected.bytes));
        fh_buf_deinit(&text);
        fh_generator_free(g);
        scene_close(&s);
    }
    fh_os_map_close(&model);
    fh_os_map_close(&expected);
}

/* --- against a plain loop ----------------------------------------------------------------------------------------- */

enum { ANSWER = 60 };

/* The tokens and the text of an answer of `count` tokens, by engine and sampler alone. */
static void plain_answer(struct scene *s, const fh_sampler_options *sampling, const uint32_t *ids, size_t count, fh_ids *tokens,
                         fh_buf *text) {
    const fh_tokenizer *tok = fh_model_tokenizer_view(s->lab.model);
    fh_seq seq;
    fh_sampler *sampler = NULL;
    fh_ids all;
    fh_ids_init(&all, s->a, 0);
    fh_assert_ok(fh_sampler_new(s->a, LAB_VOCAB, sampling, &sampler, NULL));
    fh_assert_ok(fh_engine_open(s->engine, &seq));
    for (size_t i = 0; i < count + ANSWER; i++) {
        uint32_t token = i < count ? ids[i] : fh_u32s_get(fh_ids_view(tokens), i - count);
        fh_row row = {seq, token, true};
        fh_f32s logits;
        uint32_t next = 0;
        fh_assert_ok(fh_engine_step(s->engine, (fh_rows){&row, 1}, NULL));
        fh_assert_ok(fh_ids_put(&all, token));
        if (i + 1 < count)
            continue;
        fh_assert_ok(fh_engine_logits(s->engine, 0, &logits));
        fh_assert_ok(fh_sampler_pick(sampler, logits, fh_ids_view(&all), i + 1, &next, NULL));
        if (tokens->count == ANSWER)
            break;
        fh_assert_ok(fh_ids_put(tokens, next));
        fh_assert_ok(fh_tokenizer_piece(tok, next, false, false, text));
    }
    fh_assert_ok(fh_engine_close(s->engine, seq));
    fh_sampler_free(sampler);
    fh_ids_deinit(&all);
}

static void test_plain(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 1024, .rows_max = 5});
    static const fh_sampler_options table[] = {
        {0},
        {.temperature = 1, .seed = 9},
        {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .repeat_penalty = 1.3f, .seed = 4},
    };
    uint32_t ids[12];
    for (unsigned i = 0; i < 12; i++)
        ids[i] = 65 + i;
    for (unsigned k = 0; k < 3; k++) {
        fh_ids expected_tokens, tokens;
        fh_buf expected, text;
        fh_ids_init(&expected_tokens, s.a, 0);
        fh_ids_init(&tokens, s.a, 0);
        fh_buf_init(&expected, s.a, 0);
        fh_buf_init(&text, s.a, 0);
        plain_answer(&s, &table[k], ids, 12, &expected_tokens, &expected);
        fh_generator *g = generator_of(&s, (fh_generate_options){.sampling = table[k], .tokens_max = ANSWER,
                                                                 .ignore_end = true});
        prompt(g, ids, 12); /* in chunks of 5 */
        assert_int_equal(run(g, &text, &tokens), FH_FINISH_LENGTH);
        assert_int_equal(tokens.count, ANSWER);
        assert_memory_equal(fh_ids_view(&tokens).at, fh_ids_view(&expected_tokens).at, ANSWER * sizeof(uint32_t));
        assert_true(fh_span_equal(fh_buf_view(&text), fh_buf_view(&expected)));
        fh_generator_free(g);
        fh_ids_deinit(&expected_tokens);
        fh_ids_deinit(&tokens);
        fh_buf_deinit(&expected);
        fh_buf_deinit(&text);
    }
    scene_close(&s);
}

/* Two generators in turns say what each says alone, and a conversation in two prompts what one prompt says. */
static void test_turns(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 1024, .rows_max = 7});
    fh_generate_options o = {.sampling = {.temperature = 1, .seed = 3}, .tokens_max = 20, .ignore_end = true};
    uint32_t one[] = {70, 71, 72}, two[] = {90, 91, 92, 93, 94, 95, 96, 97, 98};
    fh_ids alone[2], turns[2];
    fh_buf text;
    fh_buf_init(&text, s.a, 0);
    for (unsigned i = 0; i < 2; i++) {
        fh_ids_init(&alone[i], s.a, 0);
        fh_ids_init(&turns[i], s.a, 0);
        fh_generator *g = generator_of(&s, o);
        prompt(g, i == 0 ? one : two, i == 0 ? 3 : 9);
        (void)run(g, &text, &alone[i]);
        fh_generator_free(g);
    }
    fh_generator *g[2] = {generator_of(&s, o), generator_of(&s, o)};
    prompt(g[0], one, 3);
    prompt(g[1], two, 9);
    for (unsigned i = 0; i < 40; i++) {
        fh_generated out;
        fh_assert_ok(fh_generator_next(g[i % 2], &out, NULL));
        fh_assert_ok(fh_ids_put(&turns[i % 2], out.token));
    }
    for (unsigned i = 0; i < 2; i++)
        assert_memory_equal(fh_ids_view(&alone[i]).at, fh_ids_view(&turns[i]).at, 20 * sizeof(uint32_t));

    /* The answer of 20 tokens becomes part of the text: a second prompt goes on behind all of it. */
    fh_ids whole;
    fh_ids_init(&whole, s.a, 0);
    for (unsigned i = 0; i < 3; i++)
        fh_assert_ok(fh_ids_put(&whole, one[i]));
    for (unsigned i = 0; i < 20; i++)
        fh_assert_ok(fh_ids_put(&whole, fh_u32s_get(fh_ids_view(&alone[0]), i)));
    for (unsigned i = 0; i < 9; i++)
        fh_assert_ok(fh_ids_put(&whole, two[i]));
    fh_generated from_whole, from_turns;
    fh_generator *fresh = generator_of(&s, o);
    prompt(fresh, fh_ids_view(&whole).at, whole.count);
    prompt(g[0], two, 9);
    for (unsigned i = 0; i < 20; i++) {
        fh_assert_ok(fh_generator_next(fresh, &from_whole, NULL));
        fh_assert_ok(fh_generator_next(g[0], &from_turns, NULL));
        assert_int_equal(from_whole.token, from_turns.token);
        assert_int_equal(from_whole.done, from_turns.done);
    }
    fh_generator_free(fresh);
    for (unsigned i = 0; i < 2; i++) {
        fh_generator_free(g[i]);
        fh_ids_deinit(&alone[i]);
        fh_ids_deinit(&turns[i]);
    }
    fh_ids_deinit(&whole);
    fh_buf_deinit(&text);
    scene_close(&s);
}

/* --- stop strings ------------------------------------------------------------------------------------------------- */

/* Where an answer has to end: at the stop string that is complete first; of those, at the longest. */
static size_t expected_end(fh_span text, fh_views stops, bool *stopped) {
    for (size_t end = 0; end <= text.size; end++) {
        size_t from = SIZE_MAX;
        for (size_t i = 0; i < stops.count; i++) {
            fh_span stop = fh_views_get(stops, i);
            bool ends_here = stop.size <= end && fh_span_equal(fh_span_sub(text, end - stop.size, stop.size), stop);
            if (ends_here && end - stop.size < from)
                from = end - stop.size;
        }
        *stopped = from != SIZE_MAX;
        if (*stopped)
            return from;
    }
    return text.size;
}

/* Stop strings cut from the answer itself at random, with others that are nearly in it: many lie across tokens. */
static void test_stops(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 1024});
    fh_test_rng rng = fh_test_rng_new(5);
    unsigned stopped_count = 0;
    for (unsigned round = 0; round < 60; round++) {
        fh_sampler_options sampling = {.temperature = 1.5f, .seed = round};
        uint32_t ids[] = {80, 81};
        fh_ids tokens;
        fh_buf whole, text;
        fh_ids_init(&tokens, s.a, 0);
        fh_buf_init(&whole, s.a, 0);
        fh_buf_init(&text, s.a, 0);
        plain_answer(&s, &sampling, ids, 2, &tokens, &whole);
        uint8_t near_miss[12];
        fh_span stop[3];
        for (unsigned i = 0; i < 3; i++) {
            size_t size = 1 + fh_test_rng_below(&rng, 9), at = 10 + fh_test_rng_below(&rng, whole.size - 30);
            stop[i] = fh_span_sub(fh_buf_view(&whole), at, size);
        }
        memcpy(near_miss, stop[2].at, stop[2].size);
        near_miss[stop[2].size] = 0x07; /* no token of the vocabulary ends so, or hardly one */
        stop[2] = (fh_span){near_miss, stop[2].size + 1};
        fh_views stops = {stop, round % 4 == 0 ? 1 : 3};
        bool stopped = false;
        size_t end = expected_end(fh_buf_view(&whole), stops, &stopped);
        fh_generator *g = generator_of(&s, (fh_generate_options){.sampling = sampling, .tokens_max = ANSWER, .stops = stops,
                                                                 .ignore_end = true});
        prompt(g, ids, 2);
        assert_int_equal(run(g, &text, NULL), stopped ? FH_FINISH_STOP : FH_FINISH_LENGTH);
        assert_true(fh_span_equal(fh_buf_view(&text), fh_span_sub(fh_buf_view(&whole), 0, end)));
        stopped_count += stopped;
        fh_generator_free(g);
        fh_ids_deinit(&tokens);
        fh_buf_deinit(&whole);
        fh_buf_deinit(&text);
    }
    assert_true(stopped_count > 30);
    scene_close(&s);
}

/* No cut between two shown texts lies inside a character. Each byte is a token of its own in a byte-level vocabulary, and at
 * a high temperature the model strings them together anyhow, so that some make characters and most do not. */
static void test_characters(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 2048});
    enum { TOKENS = 1500 };
    bool cut[4 * TOKENS] = {false};
    uint32_t ids[] = {85};
    fh_buf text;
    fh_buf_init(&text, s.a, 0);
    fh_generator *g = generator_of(&s, (fh_generate_options){.sampling = {.temperature = 3, .seed = 1}, .tokens_max = TOKENS,
                                                             .ignore_end = true});
    prompt(g, ids, 1);
    unsigned held = 0, characters = 0;
    for (fh_generated out = {0}; !out.done;) {
        fh_assert_ok(fh_generator_next(g, &out, NULL));
        fh_assert_ok(fh_buf_put(&text, out.text));
        assert_true(text.size < sizeof cut);
        cut[text.size] = !out.done;
        held += out.text.size == 0;
    }
    for (size_t i = 0; i < text.size;) {
        fh_rune r = fh_utf8_next(fh_buf_view(&text), i);
        for (size_t k = 1; k < r.size; k++)
            assert_false(cut[i + k]);
        characters += r.size > 1;
        i += r.size;
    }
    assert_true(held > 50 && characters > 5); /* it happened */
    fh_generator_free(g);
    fh_buf_deinit(&text);
    scene_close(&s);
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void test_ends(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 40, .rows_max = 16});
    fh_buf text;
    fh_generated out;
    fh_ids tokens;
    fh_buf_init(&text, s.a, 0);
    fh_ids_init(&tokens, s.a, 0);
    uint32_t ids[40] = {0};
    for (unsigned i = 0; i < 40; i++)
        ids[i] = 66 + i % 8;
    /* The context: the prompt of 30, 10 tokens run, and one more drawn that has no place. */
    fh_generator *g = generator_of(&s, (fh_generate_options){.ignore_end = true});
    fh_assert_code(fh_generator_next(g, &out, NULL), FH_INVALID);
    prompt(g, ids, 30);
    assert_int_equal(run(g, &text, &tokens), FH_FINISH_LENGTH);
    assert_int_equal(tokens.count, 11);
    fh_generator_free(g);

    /* Prompts that are refused leave the sequence as it was. */
    g = generator_of(&s, (fh_generate_options){.tokens_max = 3, .ignore_end = true});
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_generator_prompt(g, (fh_u32s){ids, 0}, NULL, NULL, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "prompt is empty");
    fh_err_clear(&err);
    fh_assert_code(fh_generator_prompt(g, (fh_u32s){ids, 40}, NULL, NULL, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "40 tokens of prompt");
    uint32_t bad[] = {66, LAB_VOCAB};
    fh_assert_code(fh_generator_prompt(g, (fh_u32s){bad, 2}, NULL, NULL, NULL), FH_INVALID);
    assert_int_equal(fh_engine_stats_get(s.engine).segments_used, 0);
    fh_buf_truncate(&text, 0);
    prompt(g, ids, 20);
    assert_int_equal(run(g, &text, NULL), FH_FINISH_LENGTH);

    /* Cancel after the end changes nothing; in the middle it ends the answer. */
    fh_assert_ok(fh_generator_cancel(g, &out));
    assert_int_equal(out.finish, FH_FINISH_LENGTH);
    prompt(g, ids, 2);
    fh_assert_ok(fh_generator_next(g, &out, NULL));
    assert_int_equal(out.finish, FH_FINISH_NOT);
    fh_assert_ok(fh_generator_cancel(g, &out));
    assert_int_equal(out.finish, FH_FINISH_CANCEL);
    fh_assert_ok(fh_generator_next(g, &out, NULL));
    assert_true(out.done && out.finish == FH_FINISH_CANCEL);
    fh_generator_free(g);
    fh_generator_free(NULL);
    fh_buf_deinit(&text);
    fh_ids_deinit(&tokens);
    scene_close(&s);
}

/* A model that says its end token: all weight on it. */
static void test_end_token(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    struct scene s;
    scene_open(&s, a, (fh_engine_options){.context = 64});
    const fh_tokenizer *tok = fh_model_tokenizer_view(s.lab.model);
    uint32_t eos = fh_tokenizer_eos(tok), ids[] = {66};
    assert_true(eos != FH_NO_TOKEN && fh_tokenizer_is_end(tok, eos));
    scene_close(&s);
    /* Raise the logit of EOS above all: its output row becomes the (positive) direction of the normalised state of this prompt.
     * The state is not known here, so rows are tried until one wins: a row of one large element, of either sign. */
    bool ended = false;
    for (unsigned i = 0; i < 2 && !ended; i++) {
        lab_file(&s.file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
        lab_patch(&s.file, "output.weight", (uint64_t)eos * 96 + 11, i == 0 ? 1e4f : -1e4f);
        fh_assert_ok(lab_open(&s.lab, a, fh_buf_view(&s.file), fh_isa_best(), 1, NULL));
        fh_engine_options options = {.context = 128};
        fh_assert_ok(fh_engine_new(a, s.lab.model, s.lab.dev, &options, &s.engine, NULL));
        fh_generator *g = generator_of(&s, (fh_generate_options){.tokens_max = 5});
        prompt(g, ids, 1);
        fh_generated out;
        fh_assert_ok(fh_generator_next(g, &out, NULL));
        if (out.finish == FH_FINISH_END) {
            ended = true;
            assert_int_equal(out.token, eos);
            assert_int_equal(out.text.size, 0);
            assert_true(out.done);
            fh_generator *on = generator_of(&s, (fh_generate_options){.tokens_max = 5, .ignore_end = true});
            prompt(on, ids, 1);
            fh_assert_ok(fh_generator_next(on, &out, NULL));
            assert_true(!out.done && out.token == eos && out.text.size == 0);
            fh_generator_free(on);
        }
        fh_generator_free(g);
        scene_close(&s);
    }
    assert_true(ended);
}

struct progress {
    unsigned calls, stop_after;
    uint64_t done, total;
};

static bool on_progress(void *ctx, uint64_t done, uint64_t total) {
    struct progress *p = ctx;
    assert_true(done > p->done && done <= total);
    p->done = done;
    p->total = total;
    p->calls++;
    return p->calls != p->stop_after;
}

static void test_progress(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 256, .rows_max = 8});
    uint32_t ids[30];
    for (unsigned i = 0; i < 30; i++)
        ids[i] = 70 + i;
    fh_generator *g = generator_of(&s, (fh_generate_options){.tokens_max = 1, .ignore_end = true});
    struct progress stop = {.stop_after = 2}, all = {0};
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_generator_prompt(g, (fh_u32s){ids, 30}, on_progress, &stop, &err), FH_CANCELED);
    fh_assert_err(&err, FH_CANCELED, "after 16 of 30 tokens");
    assert_int_equal(fh_engine_stats_get(s.engine).segments_used, 0);
    fh_assert_ok(fh_generator_prompt(g, (fh_u32s){ids, 30}, on_progress, &all, NULL));
    assert_int_equal(all.calls, 4);
    assert_int_equal(all.total, 30);
    fh_generator_free(g);
    scene_close(&s);
}

static void test_options(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 64, .seqs_max = 1});
    static uint8_t letters[FH_STOP_BYTES_MAX + 1];
    fh_span many[FH_STOPS_MAX + 1], empty = {letters, 0}, large = {letters, FH_STOP_BYTES_MAX + 1};
    for (unsigned i = 0; i <= FH_STOPS_MAX; i++)
        many[i] = (fh_span){letters, 3};
    const struct {
        fh_generate_options options;
        const char *said;
    } table[] = {
        {{.stops = {many, FH_STOPS_MAX + 1}}, "17 stop strings"},
        {{.stops = {&empty, 1}}, "stop string 0 has 0 bytes"},
        {{.stops = {&large, 1}}, "stop string 0 has 257 bytes"},
        {{.sampling = {.temperature = -1}}, "temperature is -1"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fh_generator *g = NULL;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_generator_new(s.a, s.lab.model, s.engine, &table[i].options, &g, &err), FH_INVALID);
        fh_assert_err(&err, FH_INVALID, table[i].said);
        assert_null(g);
    }
    fh_generator *g = generator_of(&s, (fh_generate_options){.stops = {many, FH_STOPS_MAX}}), *more = NULL;
    fh_assert_code(fh_generator_new(s.a, s.lab.model, s.engine, &(fh_generate_options){0}, &more, NULL), FH_EXHAUSTED);
    fh_generator_free(g);
    assert_string_equal(fh_finish_name(FH_FINISH_END), "end");
    assert_string_equal(fh_finish_name(FH_FINISH_LENGTH), "length");
    assert_string_equal(fh_finish_name(FH_FINISH_STOP), "stop");
    assert_string_equal(fh_finish_name(FH_FINISH_CANCEL), "cancel");
    scene_close(&s);
}

/* --- no memory ---------------------------------------------------------------------------------------------------- */

/* Every allocation fails once; a call that failed for it is made again and the answer is the same. */
static fh_status answer(fh_allocator *a, void *arg) {
    struct scene *s = arg;
    fh_generator *g = NULL;
    fh_engine *engine = NULL;
    fh_span stop = FH_LIT("never said");
    fh_generate_options o = {.sampling = {.repeat_penalty = 1.1f}, .tokens_max = 8, .stops = {&stop, 1}, .ignore_end = true};
    uint32_t ids[] = {70, 71, 72}, last = 0;
    FH_TRY(fh_engine_new(a, s->lab.model, s->lab.dev, &(fh_engine_options){.context = 128}, &engine, NULL));
    fh_status status = fh_generator_new(a, s->lab.model, engine, &o, &g, NULL);
    if (!fh_failed(status)) {
        status = fh_generator_prompt(g, (fh_u32s){ids, 3}, NULL, NULL, NULL);
        if (fh_failed(status))
            fh_assert_ok(fh_generator_prompt(g, (fh_u32s){ids, 3}, NULL, NULL, NULL));
        for (unsigned i = 0; i < 8; i++) {
            fh_generated out;
            fh_status next = fh_generator_next(g, &out, NULL);
            if (fh_failed(next)) {
                status = next;
                fh_assert_ok(fh_generator_next(g, &out, NULL));
            }
            last = out.token;
        }
        if (s->answered == 0)
            s->answered = last + 1;
        assert_int_equal(s->answered, last + 1);
    }
    fh_generator_free(g);
    fh_engine_free(engine);
    return status;
}

static void test_no_memory(void **state) {
    struct scene s;
    scene_open(&s, fh_test_allocator(state), (fh_engine_options){.context = 64});
    fh_trace *own = fh_trace_new(); /* engine and generator; the device grows its workspace and keeps it */
    assert_non_null(own);
    assert_true(FH_FAIL_EACH_ALLOC(own, answer, &s) > 20);
    assert_int_equal(fh_trace_free(own), 0);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_stories), FH_TEST_ALLOC(test_plain), FH_TEST_ALLOC(test_turns), FH_TEST_ALLOC(test_stops),
        FH_TEST_ALLOC(test_characters), FH_TEST_ALLOC(test_ends), FH_TEST_ALLOC(test_end_token), FH_TEST_ALLOC(test_progress),
        FH_TEST_ALLOC(test_options), FH_TEST_ALLOC(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
