/* count.c: `freehold count`: how often each word is in files, on all processors, and how many tokens they are.
 *
 * Files are mapped and counted a window at a time, so that a bar moves and Ctrl-C is heard; only the words found are kept,
 * so a file may be larger than memory. A window ends where a word does. For tokens a file is cut into pieces, which the threads
 * share. One begins at the start of a line that does not begin with white space, or at the line end before it: no token of
 * byte-level BPE goes over that place (find_cut). A vocabulary of a GGUF file that puts a space before a text, or merges by
 * score, gives a number for the whole alone, and any other tokenizer may do anything: there a file is one piece, whose size is
 * limited.
 *
 * Threading: the main thread, and a team. */
#include "apps/loader.h"
#include "freehold/json.h"
#include "freehold/words.h"

enum { WINDOW_BYTES = 64 << 20, PIECE_BYTES = 1 << 20, PIECES = 64, WORDS_SHOWN = 20 };

/* What was asked for. */
typedef struct count_options {
    fh_cli_operands files;
    fh_path model, tokenizer;
    fh_span encoding;
    uint64_t threads, top;
    bool json;
} count_options;

/* What is counted so far. */
typedef struct count_state {
    fh_ref fh_allocator *heap;
    fh_ref const fh_par *par;
    fh_owned fh_tally *tally;
    uint64_t bytes, done, work; /* of all files; read so far; to be read */
    uint64_t tokens;
    bool anything; /* the tokenizer is not from a GGUF file */
} count_state;

static fh_status step(fh_mut count_state *c, fh_mut fh_progress *bar, uint64_t bytes, fh_err *err) {
    c->done += bytes;
    fh_progress_show(bar, c->done, c->work);
    return fh_os_interrupts() == 0 ? FH_DONE : fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "interrupted; nothing was counted");
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

static fh_status count_words(fh_mut count_state *c, fh_mut fh_progress *bar, fh_span text, fh_err *err) {
    for (size_t at = 0; at < text.size;) {
        size_t end = text.size - at > WINDOW_BYTES ? fh_split_cut(text, at + WINDOW_BYTES) : text.size;
        fh_span window[1] = {fh_span_sub(text, at, end - at)};
        FH_TRY(fh_tally_add(c->tally, c->par, (fh_views){window, 1}, err));
        FH_TRY(step(c, bar, end - at, err));
        at = end;
    }
    return FH_DONE;
}

/* --- tokens ------------------------------------------------------------------------------------------------------------- */

/* Where a file is cut into pieces. */
typedef enum cut_place { CUT_BEHIND_LINE_END, CUT_BEFORE_LINE_END } cut_place;

/* Pieces of a text, and what became of them. */
typedef struct count_pieces {
    fh_ref const fh_tokenizer *tok;
    fh_ref fh_allocator *heap;
    fh_span at[PIECES];
    uint64_t tokens[PIECES];
    fh_status status[PIECES];
    size_t count;
} count_pieces;

static fh_status tokens_of(fh_ref fh_allocator *heap, const fh_tokenizer *tok, fh_span text, fh_out uint64_t *tokens,
                           fh_err *err) {
    fh_auto(fh_ids_deinit) fh_ids ids;
    fh_ids_init(&ids, heap, 0);
    fh_status s = fh_tokenizer_encode(tok, text, (fh_encode_options){.add_special = false}, &ids, err);
    *tokens = ids.count;
    return s;
}

static void count_part(void *arg, unsigned part, unsigned parts) {
    count_pieces *p = arg;
    for (size_t i = part; i < p->count; i += parts)
        p->status[i] = tokens_of(p->heap, p->tok, p->at[i], &p->tokens[i], NULL);
}

/* The place behind up to two line ends before `end`. */
static size_t before_lines(fh_span text, size_t end) {
    for (int lines = 0; lines < 2 && end > 0 && fh_span_at(text, end - 1) == '\n'; lines++) {
        end--;
        if (end > 0 && fh_span_at(text, end - 1) == '\r')
            end--;
    }
    return end;
}

static bool is_visible(uint8_t byte) {
    return byte > ' ' && byte < 0x80;
}

/* The first place at or after `at` > 0 where a piece may begin (see find_cut), or the end. */
static size_t piece_end(fh_span text, size_t at, cut_place cut) {
    for (; at < text.size; at++) {
        if (fh_span_at(text, at - 1) != '\n' || !is_visible(fh_span_at(text, at)))
            continue;
        if (cut == CUT_BEFORE_LINE_END)
            return at - 1;
        size_t end = before_lines(text, at);
        if (end > 0 && is_visible(fh_span_at(text, end - 1)))
            return at;
    }
    return at;
}

/* True if the tokens of a text may be others than those of its lines, one after another. */
static fh_status find_whole(fh_ref fh_allocator *heap, const fh_tokenizer *tok, fh_mut bool *whole, fh_err *err) {
    fh_auto(fh_ids_deinit) fh_ids plain;
    fh_auto(fh_ids_deinit) fh_ids spaced;
    fh_ids_init(&plain, heap, 0);
    fh_ids_init(&spaced, heap, 0);
    *whole = *whole || fh_tokenizer_find(tok, FH_LIT("<0x0A>")) != FH_NO_TOKEN;
    FH_TRY(fh_tokenizer_encode(tok, FH_LIT("a"), (fh_encode_options){.add_special = false}, &plain, err));
    FH_TRY(fh_tokenizer_encode(tok, FH_LIT(" a"), (fh_encode_options){.add_special = false}, &spaced, err));
    *whole = *whole || fh_span_equal(fh_span_of_mut(fh_u32s_bytes(fh_ids_view(&plain))),
                                     fh_span_of_mut(fh_u32s_bytes(fh_ids_view(&spaced))));
    return FH_DONE;
}

/* Where a text may be cut so that its tokens are those of the pieces.
 *
 * The pre-tokenizers of GGUF files give white space in front of what is visible in one of two ways. GPT-2's `\s+(?!\S)|\s+`
 * leaves the last character of a run by itself: so a cut before it changes nothing, whatever the run is, but one behind it
 * lets the whole run be one word. The others' `\s*[\r\n]+` and ` ?[^…]+[\r\n]*` take a run of line ends whole, and look at
 * nothing behind it: a cut behind it changes nothing. Which way it is shows where merges know it: a run of one or two line ends
 * that gives other tokens before a letter than at the end of a text is GPT-2's. If there is none, GPT-2's words may be cut
 * behind just these runs, too, since all of them were tried; behind a visible character, so that they are whole. */
static fh_status find_cut(fh_ref fh_allocator *heap, const fh_tokenizer *tok, fh_out cut_place *cut, fh_err *err) {
    static const char *const runs[] = {"a\n\na", "a\r\na", "a\r\n\r\na", "a\r\n\na", "a\n\r\na"};
    uint64_t whole, first, last;
    *cut = CUT_BEHIND_LINE_END;
    FH_TRY(tokens_of(heap, tok, FH_LIT("a"), &last, err));
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        fh_span text = fh_span_of_str(runs[i]);
        FH_TRY(tokens_of(heap, tok, text, &whole, err));
        FH_TRY(tokens_of(heap, tok, fh_span_sub(text, 0, text.size - 1), &first, err));
        if (whole != first + last)
            *cut = CUT_BEFORE_LINE_END;
    }
    return FH_DONE;
}

static fh_status count_tokens(fh_mut count_state *c, fh_mut fh_progress *bar, const fh_tokenizer *tok, fh_span text,
                              fh_err *err) {
    bool whole = c->anything;
    cut_place cut;
    FH_TRY(find_whole(c->heap, tok, &whole, err));
    FH_TRY(find_cut(c->heap, tok, &cut, err));
    for (size_t at = 0; at < text.size;) {
        count_pieces p = {.tok = tok, .heap = c->heap};
        size_t from = at;
        for (; p.count < PIECES && at < text.size; p.count++) {
            size_t end = !whole && text.size - at > PIECE_BYTES ? piece_end(text, at + PIECE_BYTES, cut) : text.size;
            p.at[p.count] = fh_span_sub(text, at, end - at);
            at = end;
        }
        fh_par_run(c->par, count_part, &p);
        for (size_t i = 0; i < p.count; i++) {
            if (fh_failed(p.status[i]))
                return fh_fail(err, p.status[i].code, from, "tokens of %zu bytes at once: %s", p.at[i].size,
                               fh_code_text(p.status[i].code));
            c->tokens += p.tokens[i];
        }
        FH_TRY(step(c, bar, at - from, err));
    }
    return FH_DONE;
}

/* --- output ------------------------------------------------------------------------------------------------------------- */

static size_t shown_words(const count_state *c, const count_options *o) {
    size_t distinct = fh_tally_distinct(c->tally);
    return o->top != 0 && o->top < distinct ? (size_t)o->top : distinct;
}

/* "3 the": a line a word; for a person with columns, and nothing that steers a terminal. */
static void put_words(fh_term *t, const count_state *c, const count_options *o) {
    for (size_t i = 0; i < shown_words(c, o); i++) {
        fh_span word;
        uint64_t count = fh_tally_get(c->tally, i, &word);
        if (t->terminal) {
            FH_SAY(t, "%s%14s%s  ", fh_term_style(t, FH_CYAN), fh_word_count(count).text, fh_term_style(t, FH_PLAIN));
            (void)fh_term_put_safe(t, word, false, 100);
        } else {
            FH_SAY(t, "%llu ", (unsigned long long)count);
            fh_term_put(t, word);
        }
        fh_term_put(t, FH_LIT("\n"));
    }
}

static fh_status put_json(fh_term *t, const count_state *c, const count_options *o, bool tokens) {
    fh_json_writer w;
    fh_json_writer_init(&w, &t->text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "bytes"));
    FH_TRY(fh_json_put_u64(&w, c->bytes));
    FH_TRY(fh_json_key(&w, "words"));
    FH_TRY(fh_json_put_u64(&w, fh_tally_total(c->tally)));
    FH_TRY(fh_json_key(&w, "distinct"));
    FH_TRY(fh_json_put_u64(&w, fh_tally_distinct(c->tally)));
    if (tokens) {
        FH_TRY(fh_json_key(&w, "tokens"));
        FH_TRY(fh_json_put_u64(&w, c->tokens));
    }
    FH_TRY(fh_json_key(&w, "top"));
    FH_TRY(fh_json_open(&w, false));
    for (size_t i = 0; i < shown_words(c, o); i++) {
        fh_span word;
        uint64_t count = fh_tally_get(c->tally, i, &word);
        FH_TRY(fh_json_open(&w, true));
        FH_TRY(fh_json_key(&w, "word"));
        FH_TRY(fh_json_put_text(&w, word));
        FH_TRY(fh_json_key(&w, "count"));
        FH_TRY(fh_json_put_u64(&w, count));
        FH_TRY(fh_json_close(&w, true));
    }
    FH_TRY(fh_json_close(&w, false));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put_u8(&t->text, '\n');
}

/* "1,000 words, 20 different, in 5.2 KiB · 1,300 tokens · 1.2 GiB/s". */
static void put_summary(fh_term *t, const count_state *c, bool tokens, uint64_t time_ns) {
    FH_SAY(t, "%s%s words, %s different, in %s", fh_term_style(t, FH_DIM), fh_word_count(fh_tally_total(c->tally)).text,
           fh_word_count(fh_tally_distinct(c->tally)).text, fh_word_bytes(c->bytes).text);
    if (tokens)
        FH_SAY(t, " · %s tokens", fh_word_count(c->tokens).text);
    FH_SAY(t, " · %s/s%s\n", fh_word_bytes(time_ns == 0 ? 0 : (uint64_t)(1e9 * (double)c->bytes / (double)time_ns)).text,
           fh_term_style(t, FH_PLAIN));
    fh_term_flush(t);
}

/* --- the verb ----------------------------------------------------------------------------------------------------------- */

/* Maps a file, and counts in it unless it is only looked at for its size. */
static fh_status count_file(fh_app *app, fh_mut count_state *c, fh_span name, fh_or_null const fh_tokenizer *tok, bool measure,
                            fh_err *err) {
    fh_path path;
    if (!fh_path_set(&path, name, FH_LIT("")))
        return FH_STATUS(FH_INVALID);
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, &path, err));
    fh_span text = file.map.bytes;
    if (measure) {
        c->bytes += text.size;
        return FH_DONE;
    }
    fh_progress bar = fh_progress_begin(&app->err, "counting", true);
    fh_status s = count_words(c, &bar, text, err);
    if (!fh_failed(s) && tok != NULL)
        s = count_tokens(c, &bar, tok, text, err);
    fh_progress_end(&bar);
    return fh_file_verdict(&file, s, err);
}

static fh_status count_files(fh_app *app, fh_mut count_state *c, const count_options *o, fh_or_null const fh_tokenizer *tok,
                             fh_err *err) {
    for (size_t i = 0; i < o->files.count; i++)
        FH_TRY(count_file(app, c, o->files.at[i], tok, true, err));
    c->work = tok != NULL ? 2 * c->bytes : c->bytes;
    uint64_t from = fh_os_clock_ns();
    for (size_t i = 0; i < o->files.count; i++)
        FH_TRY(count_file(app, c, o->files.at[i], tok, false, err));
    FH_TRY(fh_tally_sort(c->tally, err));
    app->subject.text[0] = 0;
    if (o->json)
        fh_term_keep(&app->out, put_json(&app->out, c, o, tok != NULL));
    else
        put_words(&app->out, c, o);
    fh_term_flush(&app->out);
    put_summary(&app->err, c, tok != NULL, fh_os_clock_ns() - from);
    return app->out.status;
}

static fh_status count_with(fh_app *app, const count_options *o, fh_or_null const fh_tokenizer *tok, bool anything,
                            fh_err *err) {
    fh_auto(fh_end_team) fh_team *team = NULL;
    FH_TRY(fh_team_new((unsigned)o->threads, &team));
    count_state c = {.heap = app->heap, .par = fh_team_par(team), .anything = anything};
    FH_TRY(fh_tally_new(app->heap, fh_os_random(), &c.tally, err));
    fh_status s = count_files(app, &c, o, tok, err);
    fh_tally_free(c.tally);
    return s;
}

static const char examples[] =
    "freehold count notes.txt                        the 20 most frequent words\n"
    "freehold count --top 0 *.txt > words.txt        all words, over all files\n"
    "freehold count -m model.gguf corpus.txt         how many tokens it is, too\n"
    "freehold count --json corpus.txt                one JSON object";

static const char notes[] =
    "Words are what Unicode's white space divides. A line of the output is a count, a space and a word,\n"
    "the most frequent first, equals in order of their bytes. Files may be larger than memory; all\n"
    "processors count. Tokens are counted without those for the beginning and the end of a text; with\n"
    "a tokenizer's file, and with a model whose tokens may go over lines, a file is one piece of\n"
    "limited size.";

fh_status fh_verb_count(fh_app *app, fh_views args, fh_err *err) {
    count_options o = {.top = WORDS_SHOWN};
    fh_cli_option options[] = {
        {.name = "--top", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.top, .max = UINT32_MAX,
         .help = "words to show; default: 20, 0: all"},
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.model,
         .help = "count tokens, too, with the vocabulary of a GGUF file"},
        {.letter = 't', .name = "--tokenizer", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.tokenizer,
         .help = "the same with a tokenizer.json, a SentencePiece model, or tiktoken ranks"},
        {.name = "--encoding", .kind = FH_CLI_TEXT, .value = "NAME", .to.text = &o.encoding,
         .help = "what tiktoken ranks are of; default: what the file is called"},
        {.name = "--threads", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.threads, .min = 1, .max = 256,
         .help = "default: all processors; the counts do not depend on it"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "one JSON object"},
    };
    fh_cli cli = {.verb = "count", .summary = "count the words, and tokens, of files", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "FILE…", .operands = &o.files};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    bool by_model = o.model.text[0] != 0, by_file = o.tokenizer.text[0] != 0;
    if (by_model && by_file)
        return FH_REFUSE_USAGE(app, err, "expected -m FILE or -t FILE, not both");
    fh_os_interrupt_watch();
    if (!by_model && !by_file)
        return count_with(app, &o, NULL, false, err);
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, by_model ? &o.model : &o.tokenizer, err));
    fh_auto(fh_end_tokenizer) fh_tokenizer *tok = NULL;
    FH_TRY(fh_file_verdict(&file, fh_file_tokenizer(&file, by_model, o.encoding, &tok, err), err));
    return count_with(app, &o, tok, !fh_span_starts(file.map.bytes, FH_LIT("GGUF")), err);
}
