/* tokenize.c: `freehold tokenize`: text from standard input to token ids.
 *
 * The vocabulary comes from a model, from a GGUF file that holds nothing else, or from a tokenizer.json; the first bytes of
 * the file say which. Threading: the main thread. */
#include "apps/loader.h"
#include "freehold/json.h"

enum { TEXT_BYTES_MAX = 64 << 20 };

/* {"ids": […], "tokens": […]}; tokens in the vocabulary's own spelling. */
static fh_status put_json(fh_term *t, fh_ref fh_allocator *heap, const fh_tokenizer *tok, fh_u32s ids) {
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, heap, 0);
    fh_json_writer w;
    fh_json_writer_init(&w, &text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "ids"));
    FH_TRY(fh_json_open(&w, false));
    for (size_t i = 0; i < ids.count; i++) {
        FH_TRY(fh_json_put_u64(&w, fh_u32s_get(ids, i)));
        fh_term_drain(t, w.out);
    }
    FH_TRY(fh_json_close(&w, false));
    FH_TRY(fh_json_key(&w, "tokens"));
    FH_TRY(fh_json_open(&w, false));
    for (size_t i = 0; i < ids.count; i++) {
        fh_span spelling;
        FH_TRY(fh_tokenizer_token(tok, fh_u32s_get(ids, i), &spelling));
        FH_TRY(fh_json_put_text(&w, spelling));
        fh_term_drain(t, w.out);
    }
    FH_TRY(fh_json_close(&w, false));
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

static fh_status tokenize(fh_app *app, const fh_path *path, bool gguf_only, fh_encode_options encode, bool json,
                          fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, path, err));
    fh_auto(fh_end_tokenizer) fh_tokenizer *tok = NULL;
    fh_status s = fh_file_tokenizer(&file, gguf_only, &tok, err);
    if (fh_failed(s))
        return fh_file_verdict(&file, s, err);
    FH_TRY(fh_file_intact(&file, err));
    app->subject.text[0] = 0; /* from here on the text is what may be at fault */
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, app->heap, 0);
    FH_TRY(fh_app_stdin(&text, TEXT_BYTES_MAX, err));
    fh_auto(fh_ids_deinit) fh_ids ids;
    fh_ids_init(&ids, app->heap, 0);
    FH_TRY(fh_tokenizer_encode(tok, fh_buf_view(&text), encode, &ids, err));
    fh_u32s view = fh_ids_view(&ids);
    if (json)
        fh_term_keep(&app->out, put_json(&app->out, app->heap, tok, view));
    else if (app->out.terminal)
        fh_term_keep(&app->out, put_pieces(&app->out, app->heap, tok, view));
    else
        for (size_t i = 0; i < view.count; i++)
            FH_SAY(&app->out, "%u\n", fh_u32s_get(view, i));
    fh_term_flush(&app->out);
    return app->out.status;
}

static const char examples[] =
    "echo \"Hello, world\" | freehold tokenize -m model.gguf    ids; on a terminal, coloured pieces\n"
    "freehold tokenize -t tokenizer.json < notes.txt           another kind of vocabulary\n"
    "freehold tokenize -m model.gguf --json < notes.txt        {\"ids\": […], \"tokens\": […]}";

static const char notes[] =
    "The text is all of standard input, any bytes, up to 64 MiB. Control tokens written in it, such\n"
    "as <|im_end|>, stay text unless --parse-special is given. With --json, \"tokens\" holds the\n"
    "vocabulary's own spelling.";

fh_status fh_verb_tokenize(fh_app *app, fh_views args, fh_err *err) {
    fh_path model = {{0}}, tokenizer = {{0}};
    bool json = false, no_special = false, parse_special = false;
    fh_cli_option options[] = {
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &model,
         .help = "a GGUF file with a vocabulary"},
        {.letter = 't', .name = "--tokenizer", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &tokenizer,
         .help = "a tokenizer.json, or a GGUF file with a vocabulary alone"},
        {.name = "--no-special", .kind = FH_CLI_FLAG, .to.flag = &no_special,
         .help = "no tokens for the beginning and the end of a text"},
        {.name = "--parse-special", .kind = FH_CLI_FLAG, .to.flag = &parse_special,
         .help = "control tokens written in the text become tokens"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &json, .help = "one JSON object"},
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
    return tokenize(app, by_model ? &model : &tokenizer, by_model, encode, json, err);
}
