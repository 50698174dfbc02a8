/* tokenize.c: `freehold tokenize`: text from standard input to token ids.
 *
 * The vocabulary comes from a model, from a GGUF file that holds nothing else, or from a tokenizer's file (a tokenizer.json, a
 * SentencePiece model, tiktoken ranks); the content of the file says which. Threading: the main thread. */
#include "apps/loader.h"
#include "freehold/json.h"
#include "freehold/utf8.h"

enum { TEXT_BYTES_MAX = 64 << 20 };

/* A list of numbers under a key. */
static fh_status put_numbers(fh_term *t, fh_json_writer *w, const char *key, fh_u32s numbers) {
    FH_TRY(fh_json_key(w, key));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < numbers.count; i++) {
        FH_TRY(fh_json_put_u64(w, fh_u32s_get(numbers, i)));
        fh_term_drain(t, w->out);
    }
    return fh_json_close(w, false);
}

/* What each token shows: of an encoding, or in the vocabulary's own spelling. */
static fh_status put_tokens(fh_term *t, fh_json_writer *w, const fh_tokenizer *tok, const fh_encoding *e, fh_u32s ids) {
    fh_auto(fh_buf_deinit) fh_buf shown;
    fh_buf_init(&shown, w->out->allocator, 0);
    FH_TRY(fh_json_key(w, "tokens"));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < ids.count; i++) {
        fh_span spelling;
        fh_buf_truncate(&shown, 0);
        if (i < fh_encoding_count(e)) {
            FH_TRY(fh_tokenizer_shown(tok, e, i, &shown));
        } else {
            FH_TRY(fh_tokenizer_token(tok, fh_u32s_get(ids, i), &spelling));
            FH_TRY(fh_buf_put(&shown, spelling));
        }
        FH_TRY(fh_json_put_text(w, fh_buf_view(&shown)));
        fh_term_drain(t, w->out);
    }
    return fh_json_close(w, false);
}

static fh_status put_offsets(fh_term *t, fh_json_writer *w, const fh_encoding *e) {
    fh_u32s begins = fh_encoding_column(e, FH_COLUMN_BEGIN), ends = fh_encoding_column(e, FH_COLUMN_END);
    FH_TRY(fh_json_key(w, "offsets"));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < begins.count; i++) {
        FH_TRY(fh_json_open(w, false));
        FH_TRY(fh_json_put_u64(w, fh_u32s_get(begins, i)));
        FH_TRY(fh_json_put_u64(w, fh_u32s_get(ends, i)));
        FH_TRY(fh_json_close(w, false));
        fh_term_drain(t, w->out);
    }
    return fh_json_close(w, false);
}

/* {"ids": […], "tokens": […], "offsets": [[from, to], …]}; no offsets where there is no encoding. */
static fh_status put_json(fh_term *t, fh_ref fh_allocator *heap, const fh_tokenizer *tok, const fh_encoding *e, fh_u32s ids) {
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, heap, 0);
    fh_json_writer w;
    fh_json_writer_init(&w, &text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(put_numbers(t, &w, "ids", ids));
    FH_TRY(put_tokens(t, &w, tok, e, ids));
    if (fh_encoding_part_count(e) != 0)
        FH_TRY(put_offsets(t, &w, e));
    FH_TRY(fh_json_close(&w, true));
    FH_TRY(fh_buf_put_u8(&text, '\n'));
    fh_term_put(t, fh_buf_view(&text));
    return FH_DONE;
}

/* For a person: the text with its tokens told apart by colour (by bars where there is none), then how many. */
static fh_status put_pieces(fh_term *t, fh_ref fh_allocator *heap, const fh_tokenizer *tok, fh_u32s ids) {
    fh_auto(fh_buf_deinit) fh_buf piece;
    fh_buf_init(&piece, heap, 0);
    size_t lines = 0; /* newlines at the end of the piece */
    for (size_t i = 0; i < ids.count; i++) {
        fh_buf_truncate(&piece, 0);
        FH_TRY(fh_tokenizer_piece(tok, fh_u32s_get(ids, i), false, true, &piece));
        fh_span text = fh_buf_view(&piece);
        lines = 0;
        while (lines < text.size && fh_span_at(text, text.size - 1 - lines) == '\n')
            lines++;
        FH_SAY(t, "%s%s", t->colour || i == 0 ? "" : "|", fh_term_style(t, i % 2 == 0 ? FH_PIECE_A : FH_PIECE_B));
        (void)fh_term_put_safe(t, fh_span_sub(text, 0, text.size - lines), false, 0);
        for (size_t k = 0; k < lines; k++)
            FH_SAY(t, "⏎%s\n", fh_term_style(t, FH_PLAIN));
        FH_SAY(t, "%s", fh_term_style(t, FH_PLAIN));
    }
    FH_SAY(t, "%s", lines == 0 && ids.count != 0 ? "\n" : "");
    for (size_t i = 0; i < ids.count; i++)
        FH_SAY(t, "%s%u", i == 0 ? "" : " ", fh_u32s_get(ids, i));
    FH_SAY(t, "%s%s%s token%s%s\n", ids.count != 0 ? "\n" : "", fh_term_style(t, FH_DIM), fh_word_count(ids.count).text,
           ids.count == 1 ? "" : "s", fh_term_style(t, FH_PLAIN));
    return FH_DONE;
}

static void end_encoder(fh_drop fh_encoder **e) {
    fh_encoder_free(*e);
    *e = NULL;
}

/* Tokens with their offsets in bytes, neither truncated nor padded; none for a text that is not UTF-8. */
static fh_status encode_all(fh_ref fh_allocator *heap, fh_ref fh_tokenizer *tok, fh_span text, fh_encode_options options,
                            fh_mut fh_encoding *out, fh_err *err) {
    if (!fh_utf8_valid(text))
        return FH_DONE;
    fh_auto(end_encoder) fh_encoder *encoder = NULL;
    FH_TRY(fh_encoder_new(heap, tok, &encoder));
    fh_encoder_truncate(encoder, (fh_truncation){.on = false});
    FH_TRY(fh_encoder_pad(encoder, (fh_padding){.on = false}));
    options.offsets = FH_OFFSETS_BYTES;
    return fh_encoder_encode(encoder, &(fh_encode_input){.text = text}, options, out, err);
}

/* Writes the cache of a tokenizer out of a file; it appears when it is whole. */
static fh_status save_cache(fh_app *app, const fh_tokenizer *tok, const fh_file *file, const fh_path *path, fh_err *err) {
    fh_auto(fh_end_writer) fh_os_writer *writer = NULL;
    app->subject = *path;
    FH_TRY(fh_os_writer_open(path->text, &writer, err));
    FH_TRY(fh_tokenizer_save_cache(tok, file->map.bytes, (fh_sink){writer, fh_writer_put}, err));
    FH_TRY(fh_file_intact(file, err));
    return fh_os_writer_commit(&writer, err);
}

static fh_status tokenize(fh_app *app, const fh_path *path, bool gguf_only, fh_span ranks_of, const fh_path *cache,
                          fh_encode_options encode, bool json, fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, path, err));
    fh_auto(fh_end_tokenizer) fh_tokenizer *tok = NULL;
    fh_status s = fh_file_tokenizer(&file, gguf_only, ranks_of, &tok, err);
    if (fh_failed(s))
        return fh_file_verdict(&file, s, err);
    FH_TRY(fh_file_intact(&file, err));
    if (cache->text[0] != 0)
        return save_cache(app, tok, &file, cache, err);
    app->subject.text[0] = 0; /* from here on the text is what may be at fault */
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, app->heap, 0);
    FH_TRY(fh_app_stdin(&text, TEXT_BYTES_MAX, err));
    fh_auto(fh_ids_deinit) fh_ids ids;
    fh_ids_init(&ids, app->heap, 0);
    FH_TRY(fh_tokenizer_encode(tok, fh_buf_view(&text), encode, &ids, err));
    fh_u32s view = fh_ids_view(&ids);
    fh_auto(fh_encoding_deinit) fh_encoding encoding;
    fh_encoding_init(&encoding, app->heap);
    if (json) {
        FH_TRY(encode_all(app->heap, tok, fh_buf_view(&text), encode, &encoding, err));
        fh_term_keep(&app->out, put_json(&app->out, app->heap, tok, &encoding, view));
    } else if (app->out.terminal) {
        fh_term_keep(&app->out, put_pieces(&app->out, app->heap, tok, view));
    } else {
        for (size_t i = 0; i < view.count; i++)
            FH_SAY(&app->out, "%u\n", fh_u32s_get(view, i));
    }
    fh_term_flush(&app->out);
    return app->out.status;
}

static const char examples[] =
    "echo \"Hello, world\" | freehold tokenize -m model.gguf    ids; on a terminal, coloured pieces\n"
    "freehold tokenize -t tokenizer.json < notes.txt           another kind of vocabulary\n"
    "freehold tokenize -t cl100k_base.tiktoken < notes.txt     tiktoken ranks\n"
    "freehold tokenize -t tokenizer.json --save-cache t.cache  later: -t t.cache\n"
    "freehold tokenize -m model.gguf --json < notes.txt        {\"ids\": […], \"tokens\": […], …}";

static const char notes[] =
    "The text is all of standard input, any bytes, up to 64 MiB. Control tokens written in it, such\n"
    "as <|im_end|>, stay text unless --parse-special is given. With --json, \"tokens\" holds the\n"
    "vocabulary's own spelling, and for text in UTF-8 \"offsets\" where each token begins and ends, in\n"
    "bytes.";

fh_status fh_verb_tokenize(fh_app *app, fh_views args, fh_err *err) {
    fh_path model = {{0}}, tokenizer = {{0}}, cache = {{0}};
    fh_span encoding = {NULL, 0};
    bool json = false, no_special = false, parse_special = false;
    fh_cli_option options[] = {
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &model,
         .help = "a GGUF file with a vocabulary"},
        {.letter = 't', .name = "--tokenizer", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &tokenizer,
         .help = "a tokenizer.json, a SentencePiece model, tiktoken ranks, a cache, or a\n"
                 "GGUF file with a vocabulary alone"},
        {.name = "--encoding", .kind = FH_CLI_TEXT, .value = "NAME", .to.text = &encoding,
         .help = "what tiktoken ranks are of: cl100k_base, o200k_base, p50k_base, p50k_edit,\n"
                 "r50k_base or gpt2; default: what the file is called"},
        {.name = "--no-special", .kind = FH_CLI_FLAG, .to.flag = &no_special,
         .help = "no tokens for the beginning and the end of a text"},
        {.name = "--parse-special", .kind = FH_CLI_FLAG, .to.flag = &parse_special,
         .help = "control tokens written in the text become tokens"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &json, .help = "one JSON object"},
        {.name = "--save-cache", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &cache,
         .help = "read no text: write the tokenizer as a file for -t that opens at once"},
    };
    fh_cli cli = {.verb = "tokenize", .summary = "turn text into token ids", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    bool by_model = model.text[0] != 0, by_file = tokenizer.text[0] != 0;
    if (by_model == by_file)
        return FH_REFUSE_USAGE(app, err, "expected -m FILE or -t FILE%s", by_model ? ", not both" : "");
    fh_encode_options encode = {.add_special = !no_special, .parse_special = parse_special};
    return tokenize(app, by_model ? &model : &tokenizer, by_model, encoding, &cache, encode, json, err);
}
