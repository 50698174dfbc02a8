/* py_words.c: words of texts as lists of tuples, as columns, and counted.
 *
 * Tuples are what costs: 100 ns and more for one with its string and its numbers. So those made in a call are kept by word and
 * place, and what comes again gets the same tuple; they cannot change, so nobody can tell. Lists are made as long as they
 * will be, and the collector of cycles, which would look at all of them again and again, rests meanwhile.
 *
 * Threading: tuples are made with the GIL; columns and counts without it, on all threads. */
#include "py.h"

#include <string.h>

#include "freehold/hash.h"
#include "freehold/words.h"

/* What is worth the team's while, and what a text takes that is empty, in bytes of text. */
enum { WORK_BYTES = 64 << 10, TEXT_BYTES = 32 };
enum { TUPLES = 1 << 13, STRINGS = 1 << 12, INTS = 1 << 12, SHORT_BYTES = 16 };

/* What was made for a word of up to 16 bytes. */
typedef struct made {
    uint64_t key[2];
    size_t size, from; /* from: of a tuple */
    PyObject *object;  /* NULL: nothing */
} made;

/* What was made in this call. */
typedef struct maker {
    made tuples[TUPLES], strings[STRINGS];
    PyObject *ints[INTS];
} maker;

static void key_of(fh_span word, uint64_t key[2]) {
    key[0] = key[1] = 0;
    FH_UNSAFE("py-text");
    memcpy(key, word.at, word.size);
}

static PyObject *string_of(maker *m, fh_span word, const uint64_t key[2], uint64_t hash) {
    if (word.size > SHORT_BYTES)
        return py_string_of(word);
    FH_UNSAFE("py-made");
    made *s = &m->strings[hash % STRINGS];
    if (s->object == NULL || s->size != word.size || s->key[0] != key[0] || s->key[1] != key[1]) {
        PyObject *made_now = py_string_of(word);
        if (made_now == NULL)
            return NULL;
        Py_XDECREF(s->object);
        *s = (made){.key = {key[0], key[1]}, .size = word.size, .object = made_now};
    }
    Py_INCREF(s->object);
    return s->object;
}

static PyObject *int_of(maker *m, size_t value) {
    if (value >= INTS)
        return PyLong_FromSize_t(value);
    FH_UNSAFE("py-made");
    if (m->ints[value] == NULL)
        m->ints[value] = PyLong_FromSize_t(value);
    Py_XINCREF(m->ints[value]);
    return m->ints[value];
}

/* (string, from, to); takes over the three, of which any may be NULL with an exception. */
static PyObject *tuple_new(PyObject *string, PyObject *from, PyObject *to) {
    PyObject *tuple = string != NULL && from != NULL && to != NULL ? PyTuple_New(3) : NULL;
    if (tuple == NULL) {
        Py_XDECREF(string);
        Py_XDECREF(from);
        Py_XDECREF(to);
        return NULL;
    }
    PyTuple_SetItem(tuple, 0, string);
    PyTuple_SetItem(tuple, 1, from);
    PyTuple_SetItem(tuple, 2, to);
    return tuple;
}

static PyObject *tuple_of(maker *m, fh_span text, fh_range at) {
    fh_span word = fh_span_sub(text, at.from, at.to - at.from);
    uint64_t key[2] = {0, 0}, hash = 0;
    if (word.size <= SHORT_BYTES) {
        key_of(word, key);
        hash = fh_mix64(key[0] ^ key[1] * UINT64_C(0x9e3779b97f4a7c15) ^ word.size);
        FH_UNSAFE("py-made");
        const made *t = &m->tuples[(hash + at.from * 31) % TUPLES];
        if (t->object != NULL && t->from == at.from && t->size == word.size && t->key[0] == key[0] && t->key[1] == key[1]) {
            Py_INCREF(t->object);
            return t->object;
        }
    }
    PyObject *string = string_of(m, word, key, hash);
    PyObject *tuple = tuple_new(string, int_of(m, at.from), int_of(m, at.to));
    if (tuple == NULL || word.size > SHORT_BYTES)
        return tuple;
    FH_UNSAFE("py-made");
    made *t = &m->tuples[(hash + at.from * 31) % TUPLES];
    Py_XDECREF(t->object);
    Py_INCREF(tuple);
    *t = (made){.key = {key[0], key[1]}, .size = word.size, .from = at.from, .object = tuple};
    return tuple;
}

static PyObject *list_of(maker *m, fh_span text) {
    PyObject *list = PyList_New((Py_ssize_t)fh_split_count(text));
    fh_split split = fh_split_begin(text);
    Py_ssize_t i = 0;
    for (fh_range word; list != NULL && fh_split_next(&split, &word); i++) {
        PyObject *tuple = tuple_of(m, text, word);
        if (tuple == NULL || PyList_SetItem(list, i, tuple) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static void maker_free(maker *m) {
    FH_UNSAFE("py-made");
    for (size_t i = 0; i < TUPLES; i++)
        Py_XDECREF(m->tuples[i].object);
    for (size_t i = 0; i < STRINGS; i++)
        Py_XDECREF(m->strings[i].object);
    for (size_t i = 0; i < INTS; i++)
        Py_XDECREF(m->ints[i]);
    fh_free(fh_heap(), m);
}

static PyObject *lists_of(maker *m, fh_views texts) {
    PyObject *lists = PyList_New((Py_ssize_t)texts.count);
    for (size_t i = 0; i < texts.count && lists != NULL; i++) {
        PyObject *list = i % 1024 == 0 && PyErr_CheckSignals() != 0 ? NULL : list_of(m, fh_views_get(texts, i));
        if (list == NULL || PyList_SetItem(lists, (Py_ssize_t)i, list) != 0)
            Py_CLEAR(lists);
    }
    return lists;
}

PyObject *py_tokenize_batch(PyObject *module, PyObject *sequence) {
    (void)module;
    py_texts texts;
    if (!py_texts_open(sequence, false, &texts))
        return NULL;
    PyObject *lists = NULL;
    maker *m = fh_alloc(fh_heap(), 1, sizeof *m);
    if (m == NULL) {
        PyErr_NoMemory();
    } else {
        int collects = PyGC_Disable();
        lists = lists_of(m, texts.views);
        maker_free(m);
        if (collects)
            PyGC_Enable();
    }
    py_texts_close(&texts);
    return lists;
}

/* --- by threads ---------------------------------------------------------------------------------------------------------- */

/* The team, or NULL where waking it would take longer than the work. */
static const fh_par *par_of(PyObject *module, fh_views texts) {
    size_t work = 0;
    for (size_t i = 0; i < texts.count && work < WORK_BYTES; i++)
        work += TEXT_BYTES + fh_views_get(texts, i).size;
    return work < WORK_BYTES ? NULL : &py_state_of(module)->pool.par;
}

/* --- columns ------------------------------------------------------------------------------------------------------------ */

/* Rows, and the words' begins with their ends behind them: in one block, because the system's allocator gives smaller ones back
 * to the kernel, which has to fill them anew in the next call. */
PyObject *py_split_columns(PyObject *module, PyObject *sequence) {
    py_texts texts;
    if (!py_texts_open(sequence, true, &texts))
        return NULL;
    const fh_par *par = par_of(module, texts.views);
    void *rows_at, *places_at = NULL;
    fh_status status = FH_DONE;
    PyObject *rows = py_bytes_new(texts.views.count + 1, sizeof(uint64_t), &rows_at), *places = NULL, *result = NULL;
    if (rows != NULL) {
        FH_UNSAFE("py-result");
        fh_u64s rows_view = {(uint64_t *)rows_at, texts.views.count + 1};
        Py_BEGIN_ALLOW_THREADS
        status = fh_split_rows(par, texts.views, rows_view);
        Py_END_ALLOW_THREADS
        size_t count = (size_t)fh_u64s_get(rows_view, texts.views.count);
        places = py_bytes_new(2 * count, sizeof(uint32_t), &places_at);
        if (places != NULL && !fh_failed(status)) {
            fh_u32s all = {(uint32_t *)places_at, 2 * count};
            Py_BEGIN_ALLOW_THREADS
            status = fh_split_columns(par, texts.views, rows_view, fh_u32s_sub(all, 0, count), fh_u32s_sub(all, count, count));
            Py_END_ALLOW_THREADS
            result = fh_failed(status) ? py_raise(status, NULL) : PyTuple_Pack(2, rows, places);
        }
    }
    Py_XDECREF(rows);
    Py_XDECREF(places);
    py_texts_close(&texts);
    return result;
}

/* --- counts ------------------------------------------------------------------------------------------------------------- */

static fh_status count_texts(const fh_par *par, fh_views texts, fh_tally **out, fh_err *err) {
    FH_TRY(fh_tally_new(fh_heap(), fh_os_random(), out, err));
    fh_status s = fh_tally_add(*out, par, texts, err);
    if (!fh_failed(s))
        s = fh_tally_sort(*out, err);
    if (fh_failed(s)) {
        fh_tally_free(*out);
        *out = NULL;
    }
    return s;
}

static PyObject *dict_of(const fh_tally *tally) {
    PyObject *dict = PyDict_New();
    for (size_t i = 0; i < fh_tally_distinct(tally) && dict != NULL; i++) {
        fh_span word;
        uint64_t count = fh_tally_get(tally, i, &word);
        PyObject *key = py_string_of(word), *value = PyLong_FromUnsignedLongLong(count);
        if (key == NULL || value == NULL || PyDict_SetItem(dict, key, value) != 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

PyObject *py_count_tokens(PyObject *module, PyObject *sequence) {
    py_texts texts;
    if (!py_texts_open(sequence, true, &texts))
        return NULL;
    const fh_par *par = par_of(module, texts.views);
    fh_tally *tally = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status status;
    Py_BEGIN_ALLOW_THREADS
    status = count_texts(par, texts.views, &tally, &err);
    Py_END_ALLOW_THREADS
    PyObject *dict = fh_failed(status) ? py_raise(status, &err) : dict_of(tally);
    fh_tally_free(tally);
    py_texts_close(&texts);
    return dict;
}
