/* py_tokenizer.c: tokenizers as three types: Tokenizer, Encodings (what it made of a batch, column by column) and DecodeStream.
 *
 * Encodings hold their Tokenizer, a DecodeStream has a handle of its own; nothing needs the thread that made it. A call of
 * encode takes an encoder from a small store, or makes one, and puts it back; the store is emptied when truncation or padding
 * change. What belongs to a Tokenizer is changed with the GIL held.
 *
 * Threading: py.h. */
#include "py.h"

#include "freehold/tokenizer.h"

enum { STORE = 16 };

typedef struct tokenizer_object {
    PyObject_HEAD
    fh_tokenizer *tok;
    fh_truncation truncation;
    fh_padding padding;
    PyObject *padding_token; /* a str: the text of padding.token */
    fh_encoder *store[STORE];
    size_t stored;
    uint64_t settings; /* how often they were changed */
    uint64_t seed, texts; /* of what is left to chance; how many texts were encoded with it */
    PyObject *shown;      /* a list: what each token usually shows, None until that was asked for; or NULL */
} tokenizer_object;

typedef struct encodings_object {
    PyObject_HEAD
    PyObject *tokenizer;
    fh_encoding encoding;
} encodings_object;

typedef struct stream_object {
    PyObject_HEAD
    fh_decode_stream *stream;
} stream_object;

static tokenizer_object *tokenizer_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (tokenizer_object *)self;
}

static encodings_object *encodings_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (encodings_object *)self;
}

static stream_object *stream_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (stream_object *)self;
}

fh_tokenizer *py_tokenizer_share(PyObject *tokenizer) {
    return fh_tokenizer_share(tokenizer_of(tokenizer)->tok);
}

static PyObject *text_of(fh_status status, const fh_buf *text, const fh_err *err) {
    return fh_failed(status) ? py_raise(status, err) : py_string_of(fh_buf_view(text));
}

/* --- the store of encoders ---------------------------------------------------------------------------------------------- */

static void empty_store(tokenizer_object *t) {
    while (t->stored > 0)
        fh_encoder_free(t->store[--t->stored]);
    t->settings++;
}

/* NULL with an exception. */
static fh_encoder *take_encoder(tokenizer_object *t) {
    if (t->stored > 0)
        return t->store[--t->stored];
    fh_encoder *encoder = NULL;
    fh_status s = fh_encoder_new(fh_heap(), t->tok, &encoder);
    if (!fh_failed(s)) {
        fh_encoder_truncate(encoder, t->truncation);
        s = fh_encoder_pad(encoder, t->padding);
    }
    if (!fh_failed(s))
        return encoder;
    fh_encoder_free(encoder);
    py_raise(s, NULL);
    return NULL;
}

static void put_encoder(tokenizer_object *t, fh_encoder *encoder, uint64_t settings) {
    if (t->settings == settings && t->stored < STORE)
        t->store[t->stored++] = encoder;
    else
        fh_encoder_free(encoder);
}

/* --- Tokenizer ---------------------------------------------------------------------------------------------------------- */

static bool set_padding(tokenizer_object *t, fh_padding how, PyObject *token) {
    Py_ssize_t size;
    const char *at = PyUnicode_AsUTF8AndSize(token, &size);
    if (at == NULL)
        return false;
    FH_UNSAFE("py-text");
    how.token = (fh_span){(const uint8_t *)at, (size_t)size};
    Py_INCREF(token);
    Py_XDECREF(t->padding_token);
    t->padding_token = token;
    t->padding = how;
    empty_store(t);
    return true;
}

/* Takes over a tokenizer. */
static PyObject *wrap(PyTypeObject *type, fh_tokenizer *tok) {
    PyObject *self = py_object_new(type);
    if (self == NULL) {
        fh_tokenizer_free(tok);
        return NULL;
    }
    tokenizer_object *t = tokenizer_of(self);
    t->tok = tok;
    t->truncation = fh_tokenizer_truncation(tok);
    fh_padding padding = fh_tokenizer_padding(tok);
    PyObject *token = py_string_of(padding.token);
    if (token == NULL || !set_padding(t, padding, token))
        Py_CLEAR(self);
    Py_XDECREF(token);
    return self;
}

/* Tokenizer(file, encoding=""): the bytes of a tokenizer's file, and what tiktoken ranks are of */
static PyObject *tokenizer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *object;
    const char *encoding = "";
    Py_buffer json;
    if (kwargs != NULL && PyDict_Size(kwargs) != 0)
        return PyErr_Format(PyExc_TypeError, "Tokenizer takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O|s", &object, &encoding) || !py_buffer_open(object, 1, &json))
        return NULL;
    fh_tokenizer_hint hint = {.encoding = fh_span_of_str(encoding)};
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_tokenizer_open(fh_heap(), py_buffer_bytes(&json), &hint, &tok, &err);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&json);
    return fh_failed(s) ? py_raise(s, &err) : wrap(type, tok);
}

static void tokenizer_dealloc(PyObject *self) {
    tokenizer_object *t = tokenizer_of(self);
    empty_store(t);
    fh_tokenizer_free(t->tok);
    Py_CLEAR(t->padding_token);
    Py_CLEAR(t->shown);
    py_object_free(self);
}

/* set_truncation(on, left, strategy, max_length, stride) */
static PyObject *tokenizer_set_truncation(PyObject *self, PyObject *args) {
    int on, left;
    unsigned strategy;
    unsigned long long max_length, stride;
    if (!PyArg_ParseTuple(args, "ppIKK", &on, &left, &strategy, &max_length, &stride))
        return NULL;
    tokenizer_object *t = tokenizer_of(self);
    t->truncation = (fh_truncation){.on = on != 0, .left = left != 0, .strategy = (fh_truncate)strategy,
                                    .max_length = max_length, .stride = stride};
    empty_store(t);
    Py_RETURN_NONE;
}

/* set_padding(on, left, fixed, length, multiple_of, id, type, token) */
static PyObject *tokenizer_set_padding(PyObject *self, PyObject *args) {
    int on, left, fixed;
    unsigned long long length, multiple;
    unsigned id, type;
    PyObject *token;
    if (!PyArg_ParseTuple(args, "pppKKIIU", &on, &left, &fixed, &length, &multiple, &id, &type, &token))
        return NULL;
    if (on != 0 && ((fixed != 0 && length > FH_PADDING_MAX) || multiple > FH_PADDING_MAX))
        return PyErr_Format(PyExc_ValueError, "padding to %llu tokens, or to a multiple of %llu, expected at most %d", length,
                            multiple, (int)FH_PADDING_MAX);
    fh_padding how = {.on = on != 0, .left = left != 0, .fixed = fixed != 0, .length = length, .multiple_of = multiple,
                      .id = id, .type = type};
    if (!set_padding(tokenizer_of(self), how, token))
        return NULL;
    Py_RETURN_NONE;
}

/* seed(seed): what is left to chance is drawn anew from it */
static PyObject *tokenizer_seed(PyObject *self, PyObject *number) {
    unsigned long long seed = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred() != NULL)
        return NULL;
    tokenizer_of(self)->seed = seed;
    tokenizer_of(self)->texts = 0;
    Py_RETURN_NONE;
}

/* truncation(): (on, left, strategy, max_length, stride) */
static PyObject *tokenizer_truncation(PyObject *self, PyObject *unused) {
    (void)unused;
    const fh_truncation *how = &tokenizer_of(self)->truncation;
    return Py_BuildValue("(iiIKK)", how->on, how->left, (unsigned)how->strategy, (unsigned long long)how->max_length,
                         (unsigned long long)how->stride);
}

/* padding(): (on, left, fixed, length, multiple_of, id, type, token) */
static PyObject *tokenizer_padding(PyObject *self, PyObject *unused) {
    (void)unused;
    const tokenizer_object *t = tokenizer_of(self);
    const fh_padding *how = &t->padding;
    return Py_BuildValue("(iiiKKIIO)", how->on, how->left, how->fixed, (unsigned long long)how->length,
                         (unsigned long long)how->multiple_of, how->id, how->type, t->padding_token);
}

/* added(pair): how many special tokens a text, or a pair, gets */
static PyObject *tokenizer_added(PyObject *self, PyObject *pair) {
    int is_pair = PyObject_IsTrue(pair);
    return is_pair < 0 ? NULL : PyLong_FromSize_t(fh_tokenizer_added(tokenizer_of(self)->tok, is_pair != 0));
}

/* save(pretty): the text of a tokenizer.json */
static PyObject *tokenizer_save(PyObject *self, PyObject *pretty) {
    int is_pretty = PyObject_IsTrue(pretty);
    if (is_pretty < 0)
        return NULL;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_tokenizer_save(tokenizer_of(self)->tok, is_pretty != 0, &out, &err);
    PyObject *text = text_of(s, &out, &err);
    fh_buf_deinit(&out);
    return text;
}

/* member(name): the text of a member of that file */
static PyObject *tokenizer_member(PyObject *self, PyObject *name) {
    Py_ssize_t size;
    const char *at = PyUnicode_AsUTF8AndSize(name, &size);
    if (at == NULL)
        return NULL;
    FH_UNSAFE("py-text");
    fh_span text = {(const uint8_t *)at, (size_t)size};
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_err err;
    fh_err_clear(&err);
    PyObject *value = text_of(fh_tokenizer_save_member(tokenizer_of(self)->tok, text, &out, &err), &out, &err);
    fh_buf_deinit(&out);
    return value;
}

/* --- caches ------------------------------------------------------------------------------------------------------------- */

/* The file `source`, or no bytes for "". */
static fh_status map_source(const char *source, fh_bytes *out, fh_err *err) {
    *out = (fh_bytes){.owner = NULL};
    return source[0] != 0 ? py_map_file(source, out, err) : FH_DONE;
}

static fh_status write_cache(const fh_tokenizer *tok, const char *path, fh_span source, fh_err *err) {
    fh_os_writer *writer;
    FH_TRY(fh_os_writer_open(path, &writer, err));
    return py_end_file(writer, fh_tokenizer_save_cache(tok, source, (fh_sink){writer, py_put_file}, err), err);
}

/* save_cache(path, source): source: the file that it was made from, or "" */
static PyObject *tokenizer_save_cache(PyObject *self, PyObject *args) {
    PyObject *path, *source;
    if (!PyArg_ParseTuple(args, "O&O&", PyUnicode_FSConverter, &path, PyUnicode_FSConverter, &source))
        return NULL;
    const fh_tokenizer *tok = tokenizer_of(self)->tok;
    const char *to = PyBytes_AsString(path), *from = PyBytes_AsString(source);
    fh_bytes bytes;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = map_source(from, &bytes, &err);
    if (!fh_failed(s)) {
        s = write_cache(tok, to, bytes.span, &err);
        fh_bytes_drop(&bytes);
    }
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    Py_DECREF(source);
    if (fh_failed(s))
        return py_raise(s, &err);
    Py_RETURN_NONE;
}

static fh_status open_cache(const char *path, const char *source, fh_tokenizer **out, fh_err *err) {
    fh_bytes file, from;
    FH_TRY(py_map_file(path, &file, err));
    fh_status s = map_source(source, &from, err);
    if (!fh_failed(s)) {
        s = source[0] != 0 ? fh_tokenizer_cache_is_of(file.span, from.span, err) : FH_DONE;
        fh_bytes_drop(&from);
    }
    if (!fh_failed(s))
        s = fh_tokenizer_from_cache(fh_heap(), file, out, err);
    fh_bytes_drop(&file);
    return s;
}

/* from_cache(path, source): a class method */
static PyObject *tokenizer_from_cache(PyObject *type, PyObject *args) {
    PyObject *path, *source;
    if (!PyArg_ParseTuple(args, "O&O&", PyUnicode_FSConverter, &path, PyUnicode_FSConverter, &source))
        return NULL;
    const char *at = PyBytes_AsString(path), *from = PyBytes_AsString(source);
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = open_cache(at, from, &tok, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    Py_DECREF(source);
    FH_UNSAFE("py-object");
    return fh_failed(s) ? py_raise(s, &err) : wrap((PyTypeObject *)type, tok);
}

/* --- the vocabulary ----------------------------------------------------------------------------------------------------- */

/* find(token): its id, or None */
static PyObject *tokenizer_find(PyObject *self, PyObject *token) {
    Py_ssize_t size;
    const char *at = PyUnicode_AsUTF8AndSize(token, &size);
    if (at == NULL)
        return NULL;
    FH_UNSAFE("py-text");
    uint32_t id = fh_tokenizer_find(tokenizer_of(self)->tok, (fh_span){(const uint8_t *)at, (size_t)size});
    if (id == FH_NO_TOKEN)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(id);
}

/* token(id): its spelling, or None */
static PyObject *tokenizer_token(PyObject *self, PyObject *number) {
    unsigned long id = PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred() != NULL)
        return NULL;
    fh_span spelling;
    if (id >= FH_NO_TOKEN || fh_failed(fh_tokenizer_token(tokenizer_of(self)->tok, (uint32_t)id, &spelling)))
        Py_RETURN_NONE;
    return py_string_of(spelling);
}

/* Puts a token of the model into a dict; false with an exception. */
static bool put_token(PyObject *vocab, fh_span spelling, uint32_t id) {
    PyObject *key = py_string_of(spelling), *number = PyLong_FromUnsignedLong(id);
    bool done = key != NULL && number != NULL && PyDict_SetItem(vocab, key, number) == 0;
    Py_XDECREF(key);
    Py_XDECREF(number);
    return done;
}

/* vocab(): {spelling: id} of the model */
static PyObject *tokenizer_vocab(PyObject *self, PyObject *unused) {
    (void)unused;
    const fh_tokenizer *tok = tokenizer_of(self)->tok;
    PyObject *vocab = PyDict_New();
    for (uint32_t id = 0; id < fh_tokenizer_size(tok) && vocab != NULL; id++) {
        fh_span spelling;
        if (!fh_failed(fh_tokenizer_model_token(tok, id, &spelling)) && !put_token(vocab, spelling, id))
            Py_CLEAR(vocab);
    }
    return vocab;
}

/* decode(ids, skip_special) */
static PyObject *tokenizer_decode(PyObject *self, PyObject *args) {
    PyObject *object;
    int skip;
    Py_buffer ids;
    if (!PyArg_ParseTuple(args, "Op", &object, &skip) || !py_buffer_open(object, sizeof(uint32_t), &ids))
        return NULL;
    const fh_tokenizer *tok = tokenizer_of(self)->tok;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_tokenizer_decode(tok, py_buffer_u32s(&ids), skip != 0, &out);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&ids);
    PyObject *text = text_of(s, &out, NULL);
    fh_buf_deinit(&out);
    return text;
}

/* --- encoding ----------------------------------------------------------------------------------------------------------- */

/* Texts, or lists of words: those of text i are [rows[i], rows[i + 1]). */
typedef struct side {
    bool there, split, some;
    py_texts texts;
    Py_buffer rows;
    Py_buffer which; /* some: which of the texts are there, a byte each */
} side;

static void side_close(side *s) {
    if (s->there)
        py_texts_close(&s->texts);
    if (s->split)
        PyBuffer_Release(&s->rows);
    if (s->some)
        PyBuffer_Release(&s->which);
}

static bool side_open(PyObject *texts, PyObject *rows, side *s) {
    *s = (side){.there = false};
    if (texts == Py_None)
        return true;
    if (!py_texts_open(texts, false, &s->texts))
        return false;
    s->there = true;
    if (rows == Py_None)
        return true;
    if (!py_buffer_open(rows, sizeof(uint64_t), &s->rows)) {
        side_close(s);
        return false;
    }
    s->split = true;
    return true;
}

/* How many texts; SIZE_MAX for rows that are none. */
static size_t side_count(const side *s) {
    if (!s->split)
        return s->texts.views.count;
    fh_u64s rows = py_buffer_u64s(&s->rows);
    for (size_t i = 0; i + 1 < rows.count; i++)
        if (fh_u64s_get(rows, i) > fh_u64s_get(rows, i + 1) || fh_u64s_get(rows, i + 1) > s->texts.views.count)
            return SIZE_MAX;
    return rows.count == 0 ? SIZE_MAX : rows.count - 1;
}

static fh_views side_words(const side *s, size_t i) {
    fh_u64s rows = py_buffer_u64s(&s->rows);
    size_t from = (size_t)fh_u64s_get(rows, i);
    return fh_views_sub(s->texts.views, from, (size_t)fh_u64s_get(rows, i + 1) - from);
}

static fh_encode_input input_of(const side *first, const side *second, size_t i) {
    bool has_pair = second->there && (!second->some || fh_span_at(py_buffer_bytes(&second->which), i) != 0);
    fh_encode_input input = {.has_pair = has_pair, .split = first->split};
    if (first->split)
        input.words = side_words(first, i);
    else
        input.text = fh_views_get(first->texts.views, i);
    if (has_pair && second->split)
        input.pair_words = side_words(second, i);
    else if (has_pair)
        input.pair = fh_views_get(second->texts.views, i);
    return input;
}

/* All texts by one encoder; one text alone needs no threads. */
static PyObject *encode_inputs(PyObject *self, fh_encode_inputs inputs, fh_encode_options options) {
    tokenizer_object *t = tokenizer_of(self);
    py_state *state = py_state_of_type(Py_TYPE(self));
    const fh_par *par = inputs.count > 1 ? &state->pool.par : NULL;
    PyObject *made = py_object_new(state->encodings_type);
    if (made == NULL)
        return NULL;
    encodings_object *e = encodings_of(made);
    e->tokenizer = Py_NewRef(self);
    fh_encoding_init(&e->encoding, fh_heap());
    fh_encoder *encoder = take_encoder(t);
    if (encoder == NULL) {
        Py_DECREF(made);
        return NULL;
    }
    uint64_t settings = t->settings;
    fh_encoder_seed(encoder, t->seed, t->texts);
    t->texts += inputs.count;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_encoder_batch(encoder, par, inputs, options, &e->encoding, &err);
    Py_END_ALLOW_THREADS
    put_encoder(t, encoder, settings);
    if (!fh_failed(s))
        return made;
    Py_DECREF(made);
    return py_raise(s, &err);
}

static PyObject *encode_sides(PyObject *self, const side *first, const side *second, fh_encode_options options) {
    size_t count = first->there ? side_count(first) : SIZE_MAX;
    bool pairs = second->there && (second->split != first->split || side_count(second) != count ||
                                   (second->some && (size_t)second->which.len != count));
    if (count == SIZE_MAX || pairs || options.offsets > FH_OFFSETS_CODE_POINTS) {
        PyErr_SetString(PyExc_ValueError, "texts, pairs and their words do not fit together");
        return NULL;
    }
    fh_encode_inputs inputs = {fh_alloc(fh_heap(), count != 0 ? count : 1, sizeof(fh_encode_input)), count};
    if (inputs.at == NULL)
        return PyErr_NoMemory();
    for (size_t i = 0; i < count; i++)
        fh_encode_inputs_set(inputs, i, input_of(first, second, i));
    PyObject *result = encode_inputs(self, inputs, options);
    fh_free(fh_heap(), inputs.at);
    return result;
}

/* Which texts of an open side are there: None for all. */
static bool side_choose(side *s, PyObject *which) {
    s->some = which != Py_None && py_buffer_open(which, 1, &s->which);
    return s->some || which == Py_None;
}

/* encode(texts, rows, pairs, pair_rows, which, add_special, parse_special, offsets): Encodings. rows: None, or where the words
 * of each text begin; which: None, or a byte a text, 0 where it has no pair. */
static PyObject *tokenizer_encode(PyObject *self, PyObject *args) {
    PyObject *texts, *rows, *pairs, *pair_rows, *which;
    int special, parse;
    unsigned offsets;
    side first, second;
    if (!PyArg_ParseTuple(args, "OOOOOppI", &texts, &rows, &pairs, &pair_rows, &which, &special, &parse, &offsets) ||
        !side_open(texts, rows, &first))
        return NULL;
    PyObject *result = NULL;
    if (side_open(pairs, pair_rows, &second)) {
        fh_encode_options options = {.add_special = special != 0, .parse_special = parse != 0, .offsets = (fh_offsets)offsets};
        if (side_choose(&second, which))
            result = encode_sides(self, &first, &second, options);
        side_close(&second);
    }
    side_close(&first);
    return result;
}

/* process(encodings, part, pair, pair_part, add_special): Encodings. What comes behind the model, for tokens that are there;
 * pair: None, or Encodings. */
static PyObject *tokenizer_process(PyObject *self, PyObject *args) {
    PyObject *first, *second;
    Py_ssize_t part, pair_part;
    int special;
    PyTypeObject *type = py_state_of_type(Py_TYPE(self))->encodings_type;
    if (!PyArg_ParseTuple(args, "O!nOnp", type, &first, &part, &second, &pair_part, &special))
        return NULL;
    if (second != Py_None && Py_TYPE(second) != type)
        return PyErr_Format(PyExc_TypeError, "pair: expected Encodings or None");
    fh_encode_input input = {.tokens = &encodings_of(first)->encoding, .part = (size_t)part};
    if (second != Py_None) {
        input.has_pair = true;
        input.pair_tokens = &encodings_of(second)->encoding;
        input.pair_part = (size_t)pair_part;
    }
    fh_encode_options options = {.add_special = special != 0, .offsets = FH_OFFSETS_CODE_POINTS};
    return encode_inputs(self, (fh_encode_inputs){&input, 1}, options);
}

static PyMethodDef tokenizer_methods[] = {
    {"set_truncation", tokenizer_set_truncation, METH_VARARGS, NULL},
    {"set_padding", tokenizer_set_padding, METH_VARARGS, NULL},
    {"seed", tokenizer_seed, METH_O, NULL},
    {"truncation", tokenizer_truncation, METH_NOARGS, NULL},
    {"padding", tokenizer_padding, METH_NOARGS, NULL},
    {"added", tokenizer_added, METH_O, NULL},
    {"save", tokenizer_save, METH_O, NULL},
    {"member", tokenizer_member, METH_O, NULL},
    {"save_cache", tokenizer_save_cache, METH_VARARGS, NULL},
    {"from_cache", tokenizer_from_cache, METH_VARARGS | METH_CLASS, NULL},
    {"find", tokenizer_find, METH_O, NULL},
    {"token", tokenizer_token, METH_O, NULL},
    {"vocab", tokenizer_vocab, METH_NOARGS, NULL},
    {"decode", tokenizer_decode, METH_VARARGS, NULL},
    {"encode", tokenizer_encode, METH_VARARGS, NULL},
    {"process", tokenizer_process, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot tokenizer_slots[] = {
    {Py_tp_new, (void *)tokenizer_new},
    {Py_tp_dealloc, (void *)tokenizer_dealloc},
    {Py_tp_methods, tokenizer_methods},
    {0, NULL},
};

PyType_Spec py_tokenizer_spec = {"freehold._freehold.Tokenizer", sizeof(tokenizer_object), 0, Py_TPFLAGS_DEFAULT,
                                 tokenizer_slots};

/* --- Encodings ---------------------------------------------------------------------------------------------------------- */

static void encodings_dealloc(PyObject *self) {
    encodings_object *e = encodings_of(self);
    fh_encoding_deinit(&e->encoding);
    Py_CLEAR(e->tokenizer);
    py_object_free(self);
}

/* column(number): the bytes of all tokens' numbers */
static PyObject *encodings_column(PyObject *self, PyObject *number) {
    unsigned long column = PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred() != NULL)
        return NULL;
    if (column >= FH_COLUMN_SPELLING)
        return PyErr_Format(PyExc_ValueError, "column %lu, expected one below %d", column, FH_COLUMN_SPELLING);
    fh_u32s from = fh_encoding_column(&encodings_of(self)->encoding, (fh_column)column);
    void *at;
    PyObject *bytes = py_bytes_new(from.count, sizeof(uint32_t), &at);
    FH_UNSAFE("py-result");
    if (bytes != NULL && from.count != 0)
        fh_span_copy((fh_mspan){(uint8_t *)at, from.count * sizeof(uint32_t)}, fh_span_of_mut(fh_u32s_bytes(from)));
    return bytes;
}

static PyObject *ranges_of(const fh_encoding_part *part) {
    PyObject *ranges = PyTuple_New((Py_ssize_t)part->range_count);
    for (uint32_t i = 0; i < part->range_count && ranges != NULL; i++) {
        fh_sequence_range r = part->ranges[i];
        PyObject *range = Py_BuildValue("(III)", r.sequence, r.from, r.to);
        if (range == NULL || PyTuple_SetItem(ranges, (Py_ssize_t)i, range) != 0)
            Py_CLEAR(ranges);
    }
    return ranges;
}

/* parts(): (row, first token, tokens, overflow, ((sequence, from, to), …)) each */
static PyObject *encodings_parts(PyObject *self, PyObject *unused) {
    (void)unused;
    const fh_encoding *e = &encodings_of(self)->encoding;
    PyObject *list = PyList_New((Py_ssize_t)fh_encoding_part_count(e));
    for (size_t p = 0; p < fh_encoding_part_count(e) && list != NULL; p++) {
        fh_encoding_part part = fh_encoding_part_at(e, p);
        PyObject *ranges = ranges_of(&part);
        PyObject *tuple = ranges == NULL ? NULL : Py_BuildValue("(nnniN)", (Py_ssize_t)part.row, (Py_ssize_t)part.from,
                                                                (Py_ssize_t)part.count, part.overflow, ranges);
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)p, tuple) != 0)
            Py_CLEAR(list);
    }
    return list;
}

/* Reads which tokens are meant; false with an exception. */
static bool tokens_meant(const encodings_object *e, PyObject *args, Py_ssize_t *from, Py_ssize_t *count) {
    if (!PyArg_ParseTuple(args, "nn", from, count))
        return false;
    size_t all = fh_encoding_count(&e->encoding);
    if (*from >= 0 && *count >= 0 && (size_t)*from <= all && (size_t)*count <= all - (size_t)*from)
        return true;
    PyErr_Format(PyExc_IndexError, "%zd tokens from %zd, expected some of %zu", *count, *from, all);
    return false;
}

/* The list of what tokens usually show. Not a reference of the caller's; NULL with an exception. */
static PyObject *usually_shown(tokenizer_object *t) {
    if (t->shown != NULL)
        return t->shown;
    PyObject *one = PyList_New(1);
    if (one != NULL && PyList_SetItem(one, 0, Py_NewRef(Py_None)) == 0)
        t->shown = PySequence_Repeat(one, (Py_ssize_t)fh_tokenizer_size(t->tok));
    Py_XDECREF(one);
    return t->shown;
}

/* What token i shows: strings are made once a tokenizer, but for tokens that show a text of their own. */
static PyObject *shown(const encodings_object *e, PyObject *usual, size_t i, fh_buf *text) {
    uint32_t id = fh_u32s_get(fh_encoding_column(&e->encoding, FH_COLUMN_ID), i);
    uint32_t own = fh_u32s_get(fh_encoding_column(&e->encoding, FH_COLUMN_SPELLING), i);
    bool kept = own == FH_NO_WORD && (Py_ssize_t)id < PyList_Size(usual);
    PyObject *before = kept ? PyList_GetItem(usual, (Py_ssize_t)id) : Py_None;
    if (before != Py_None)
        return Py_XNewRef(before);
    fh_buf_truncate(text, 0);
    PyObject *made = text_of(fh_tokenizer_shown(tokenizer_of(e->tokenizer)->tok, &e->encoding, i, text), text, NULL);
    if (made != NULL && kept && PyList_SetItem(usual, (Py_ssize_t)id, Py_NewRef(made)) != 0)
        Py_CLEAR(made);
    return made;
}

/* tokens(from, count): what they show */
static PyObject *encodings_tokens(PyObject *self, PyObject *args) {
    Py_ssize_t from, count;
    const encodings_object *e = encodings_of(self);
    if (!tokens_meant(e, args, &from, &count))
        return NULL;
    PyObject *usual = usually_shown(tokenizer_of(e->tokenizer));
    PyObject *list = usual == NULL ? NULL : PyList_New(count);
    fh_buf text;
    fh_buf_init(&text, fh_heap(), 0);
    for (Py_ssize_t i = 0; i < count && list != NULL; i++) {
        PyObject *token = shown(e, usual, (size_t)(from + i), &text);
        if (token == NULL || PyList_SetItem(list, i, token) != 0)
            Py_CLEAR(list);
    }
    fh_buf_deinit(&text);
    return list;
}

/* (begin, end) */
static PyObject *place_of(uint32_t begin, uint32_t end) {
    PyObject *place = PyTuple_New(2), *first = PyLong_FromUnsignedLong(begin), *second = PyLong_FromUnsignedLong(end);
    if (place != NULL && first != NULL && second != NULL) {
        PyTuple_SetItem(place, 0, first); /* does not fail: the tuple is new */
        PyTuple_SetItem(place, 1, second);
        return place;
    }
    Py_XDECREF(first);
    Py_XDECREF(second);
    Py_XDECREF(place);
    return NULL;
}

static PyObject *places(const fh_encoding *e, size_t from, size_t count) {
    fh_u32s begins = fh_u32s_sub(fh_encoding_column(e, FH_COLUMN_BEGIN), from, count);
    fh_u32s ends = fh_u32s_sub(fh_encoding_column(e, FH_COLUMN_END), from, count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; i < count && list != NULL; i++) {
        PyObject *place = place_of(fh_u32s_get(begins, i), fh_u32s_get(ends, i));
        if (place == NULL || PyList_SetItem(list, (Py_ssize_t)i, place) != 0)
            Py_CLEAR(list);
    }
    return list;
}

/* offsets(from, count): the place of each. The collector has nothing to find in pairs of numbers, and would look for it every
 * few hundred of them. */
static PyObject *encodings_offsets(PyObject *self, PyObject *args) {
    Py_ssize_t from, count;
    const encodings_object *e = encodings_of(self);
    if (!tokens_meant(e, args, &from, &count))
        return NULL;
    int collects = PyGC_Disable();
    PyObject *list = places(&e->encoding, (size_t)from, (size_t)count);
    if (collects)
        PyGC_Enable();
    return list;
}

static PyMethodDef encodings_methods[] = {
    {"column", encodings_column, METH_O, NULL},
    {"parts", encodings_parts, METH_NOARGS, NULL},
    {"tokens", encodings_tokens, METH_VARARGS, NULL},
    {"offsets", encodings_offsets, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot encodings_slots[] = {
    {Py_tp_dealloc, (void *)encodings_dealloc},
    {Py_tp_methods, encodings_methods},
    {0, NULL},
};

PyType_Spec py_encodings_spec = {"freehold._freehold.Encodings", sizeof(encodings_object), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, encodings_slots};

/* --- DecodeStream ------------------------------------------------------------------------------------------------------- */

/* DecodeStream(tokenizer, skip_special) */
static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *tokenizer;
    int skip;
    if (kwargs != NULL && PyDict_Size(kwargs) != 0)
        return PyErr_Format(PyExc_TypeError, "DecodeStream takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O!p", py_state_of_type(type)->tokenizer_type, &tokenizer, &skip))
        return NULL;
    PyObject *self = py_object_new(type);
    if (self == NULL)
        return NULL;
    fh_status s = fh_decode_stream_new(fh_heap(), tokenizer_of(tokenizer)->tok, skip != 0, &stream_of(self)->stream);
    if (!fh_failed(s))
        return self;
    Py_DECREF(self);
    return py_raise(s, NULL);
}

static void stream_dealloc(PyObject *self) {
    fh_decode_stream_free(stream_of(self)->stream);
    py_object_free(self);
}

/* step(id): the text that can be said now. It keeps the GIL: a step is shorter than giving that away. */
static PyObject *stream_step(PyObject *self, PyObject *number) {
    unsigned long id = PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred() != NULL)
        return NULL;
    if (id > UINT32_MAX)
        return PyErr_Format(PyExc_OverflowError, "id %lu, expected one of 32 bits", id);
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    PyObject *text = text_of(fh_decode_stream_step(stream_of(self)->stream, (uint32_t)id, &out), &out, NULL);
    fh_buf_deinit(&out);
    return text;
}

static PyMethodDef stream_methods[] = {
    {"step", stream_step, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_new, (void *)stream_new},
    {Py_tp_dealloc, (void *)stream_dealloc},
    {Py_tp_methods, stream_methods},
    {0, NULL},
};

PyType_Spec py_stream_spec = {"freehold._freehold.DecodeStream", sizeof(stream_object), 0, Py_TPFLAGS_DEFAULT, stream_slots};
