/* py_train.c: training, and the steps of a tokenizer alone.
 *
 * Words counts texts with a handle of a tokenizer of its own, and learns a model from them. Its calls give the GIL away for
 * their whole length, so a flag, changed with the GIL held, keeps a second thread out. Learning takes the GIL back now and then
 * to hear Ctrl-C and to tell how far it is.
 *
 * Threading: py.h. */
#include "py.h"

#include "freehold/json_object.h"
#include "freehold/train.h"

typedef struct words_object {
    PyObject_HEAD
    fh_tokenizer *tok;
    fh_train_words *words;
    bool busy;
} words_object;

static words_object *words_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (words_object *)self;
}

/* --- pieces ------------------------------------------------------------------------------------------------------------- */

/* Pieces on their way to a list; places in code points, of which `code` are before byte `byte`. */
typedef struct cutting {
    PyObject *list;
    fh_span text;
    size_t byte, code;
} cutting;

static size_t code_points_before(cutting *c, size_t at) {
    size_t to = at < c->text.size ? at : c->text.size;
    while (c->byte < to)
        c->code += (fh_span_at(c->text, c->byte++) & 0xc0) != 0x80;
    while (c->byte > to)
        c->code -= (fh_span_at(c->text, --c->byte) & 0xc0) != 0x80;
    return c->code;
}

static fh_status take_piece(void *ctx, fh_span piece, size_t begin, size_t end) {
    cutting *c = ctx;
    Py_ssize_t from = (Py_ssize_t)code_points_before(c, begin), to = (Py_ssize_t)code_points_before(c, end);
    PyObject *text = py_string_of(piece);
    PyObject *item = text == NULL ? NULL : Py_BuildValue("(N(nn))", text, from, to);
    bool done = item != NULL && PyList_Append(c->list, item) == 0;
    Py_XDECREF(item);
    return done ? FH_DONE : FH_STATUS(FH_NOMEM); /* an exception is set, which says why */
}

/* cut(tokenizer, text): [(piece, (from, to)), …] of normalizer and pre-tokenizer alone */
PyObject *py_cut(PyObject *module, PyObject *args) {
    PyObject *tokenizer;
    const char *at;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "O!s#", py_state_of(module)->tokenizer_type, &tokenizer, &at, &size))
        return NULL;
    FH_UNSAFE("py-text");
    cutting c = {PyList_New(0), {(const uint8_t *)at, (size_t)size}, 0, 0};
    if (c.list == NULL)
        return NULL;
    fh_tokenizer *tok = py_tokenizer_share(tokenizer);
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_tokenizer_cut(tok, c.text, (fh_piece_taker){&c, take_piece}, &err);
    fh_tokenizer_free(tok);
    if (!fh_failed(s))
        return c.list;
    Py_DECREF(c.list);
    return py_raise(s, &err);
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

/* Words(tokenizer) */
static PyObject *words_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *tokenizer;
    if (kwargs != NULL && PyDict_Size(kwargs) != 0)
        return PyErr_Format(PyExc_TypeError, "Words takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O!", py_state_of_type(type)->tokenizer_type, &tokenizer))
        return NULL;
    PyObject *self = py_object_new(type);
    if (self == NULL)
        return NULL;
    words_object *w = words_of(self);
    w->tok = py_tokenizer_share(tokenizer);
    fh_status s = fh_train_words_new(fh_heap(), &w->words);
    if (!fh_failed(s))
        return self;
    Py_DECREF(self);
    return py_raise(s, NULL);
}

static void words_dealloc(PyObject *self) {
    words_object *w = words_of(self);
    fh_train_words_free(w->words);
    fh_tokenizer_free(w->tok);
    py_object_free(self);
}

/* False with an exception. */
static bool begin_work(words_object *w) {
    if (w->busy)
        PyErr_SetString(PyExc_RuntimeError, "these words are used by another thread");
    bool free = !w->busy;
    w->busy = true;
    return free;
}

static PyObject *end_work(words_object *w, fh_status s, const fh_err *err) {
    w->busy = false;
    if (fh_failed(s))
        return py_raise(s, err);
    Py_RETURN_NONE;
}

/* texts(sequence): counts the words of texts */
static PyObject *words_texts(PyObject *self, PyObject *sequence) {
    words_object *w = words_of(self);
    const fh_par *par = &py_state_of_type(Py_TYPE(self))->pool.par;
    py_texts texts;
    if (!py_texts_open(sequence, false, &texts))
        return NULL;
    PyObject *result = NULL;
    if (begin_work(w)) {
        fh_err err;
        fh_err_clear(&err);
        fh_status s;
        Py_BEGIN_ALLOW_THREADS
        s = fh_train_words_texts(w->words, texts.views, fh_train_split_like(w->tok), par, &err);
        Py_END_ALLOW_THREADS
        result = end_work(w, s, &err);
    }
    py_texts_close(&texts);
    return result;
}

/* lines(text): counts the words of the lines of a text, UTF-8 */
static PyObject *words_lines(PyObject *self, PyObject *object) {
    words_object *w = words_of(self);
    const fh_par *par = &py_state_of_type(Py_TYPE(self))->pool.par;
    Py_buffer text;
    if (!py_buffer_open(object, 1, &text))
        return NULL;
    PyObject *result = NULL;
    if (begin_work(w)) {
        fh_err err;
        fh_err_clear(&err);
        fh_status s;
        Py_BEGIN_ALLOW_THREADS
        s = fh_train_words_lines(w->words, py_buffer_bytes(&text), fh_train_split_like(w->tok), par, &err);
        Py_END_ALLOW_THREADS
        result = end_work(w, s, &err);
    }
    PyBuffer_Release(&text);
    return result;
}

/* --- learning ----------------------------------------------------------------------------------------------------------- */

/* Who hears how far it is, and the state of the thread that learns while it has no GIL. */
typedef struct listener {
    PyObject *progress;
    PyThreadState *thread;
} listener;

/* Takes the GIL. False, with an exception, to stop. */
static bool tell(void *ctx, const char *stage, uint64_t done, uint64_t total) {
    listener *l = ctx;
    PyEval_RestoreThread(l->thread);
    bool go = PyErr_CheckSignals() == 0;
    if (go) {
        PyObject *heard = PyObject_CallFunction(l->progress, "sKK", stage, (unsigned long long)done, (unsigned long long)total);
        go = heard != NULL;
        Py_XDECREF(heard);
    }
    l->thread = PyEval_SaveThread();
    return go;
}

/* Appends the file of a model that is learnt. Without the GIL. */
static fh_status learn(const words_object *w, const fh_par *par, const fh_train_options *options, fh_span like, fh_buf *out,
                       fh_err *err) {
    fh_trained *model = NULL;
    FH_TRY(fh_train(w->words, options, par, &model, err));
    fh_status s = fh_trained_save(model, like, out, err);
    fh_trained_free(model);
    return s;
}

static fh_span text_at(const char *at, Py_ssize_t size) {
    FH_UNSAFE("py-text");
    return (fh_span){(const uint8_t *)at, (size_t)size};
}

/* The text of "model" in a file. */
static PyObject *model_of(fh_span file) {
    fh_json_object o;
    fh_json_member m;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_json_object_read(file, 0, &o, &err);
    if (!fh_failed(s))
        s = fh_json_object_need(&o, "model", &m, &err);
    return fh_failed(s) ? py_raise(s, &err) : py_string_of(m.text);
}

static PyObject *train(PyObject *self, fh_train_options *options, fh_span like, PyObject *progress) {
    words_object *w = words_of(self);
    const fh_par *par = &py_state_of_type(Py_TYPE(self))->pool.par;
    if (!begin_work(w))
        return NULL;
    listener listens = {progress, NULL};
    options->progress = tell;
    options->ctx = &listens;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_err err;
    fh_err_clear(&err);
    listens.thread = PyEval_SaveThread();
    fh_status s = learn(w, par, options, like, &out, &err);
    PyEval_RestoreThread(listens.thread);
    PyObject *done = end_work(w, s, &err), *model = done == NULL ? NULL : model_of(fh_buf_view(&out));
    Py_XDECREF(done);
    fh_buf_deinit(&out);
    return model;
}

/* train(kind, vocab_size, min_frequency, special_tokens, limits_alphabet, limit_alphabet, initial_alphabet, prefix, suffix,
 * max_token_length, shrinking_factor, unk_token, max_piece_length, n_sub_iterations, seed_size, like, progress): the text of a
 * model. Zero and the empty text mean the default. */
static PyObject *words_train(PyObject *self, PyObject *args) {
    unsigned kind;
    int limits;
    unsigned long long least;
    PyObject *specials, *letters, *progress;
    const char *prefix, *suffix, *unk, *like;
    Py_ssize_t prefix_size, suffix_size, unk_size, like_size;
    fh_train_options o = {.kind = FH_TRAIN_BPE};
    if (!PyArg_ParseTuple(args, "IIKOpIOs#s#Ids#IIIs#O", &kind, &o.vocab_size, &least, &specials, &limits, &o.limit_alphabet,
                          &letters, &prefix, &prefix_size, &suffix, &suffix_size, &o.max_token_length, &o.shrinking_factor,
                          &unk, &unk_size, &o.max_piece_length, &o.n_sub_iterations, &o.seed_size, &like, &like_size,
                          &progress))
        return NULL;
    o.kind = (fh_train_kind)kind;
    o.min_frequency = least;
    o.limits_alphabet = limits != 0;
    o.continuing_subword_prefix = text_at(prefix, prefix_size);
    o.end_of_word_suffix = text_at(suffix, suffix_size);
    o.unk_token = text_at(unk, unk_size);
    py_texts tokens;
    Py_buffer alphabet;
    PyObject *model = NULL;
    if (!py_texts_open(specials, false, &tokens))
        return NULL;
    if (py_buffer_open(letters, sizeof(uint32_t), &alphabet)) {
        o.special_tokens = tokens.views;
        o.initial_alphabet = py_buffer_u32s(&alphabet);
        model = train(self, &o, text_at(like, like_size), progress);
        PyBuffer_Release(&alphabet);
    }
    py_texts_close(&tokens);
    return model;
}

static PyMethodDef words_methods[] = {
    {"texts", words_texts, METH_O, NULL},
    {"lines", words_lines, METH_O, NULL},
    {"train", words_train, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot words_slots[] = {
    {Py_tp_new, (void *)words_new},
    {Py_tp_dealloc, (void *)words_dealloc},
    {Py_tp_methods, words_methods},
    {0, NULL},
};

PyType_Spec py_train_words_spec = {"freehold._freehold.Words", sizeof(words_object), 0, Py_TPFLAGS_DEFAULT, words_slots};
