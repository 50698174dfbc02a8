/* py_module.c: the module object freehold._freehold, and what its files share (py.h).
 *
 * Threading: py.h. */
#include "py.h"

#include "freehold/atomic.h"

/* --- the team ----------------------------------------------------------------------------------------------------------- */

/* Without the GIL. */
static void pool_run(void *ctx, fh_par_fn *fn, void *arg) {
    py_pool *pool = ctx;
    if (fh_exchange(&pool->busy, 1, FH_ACQUIRE) == 0) {
        fh_status made = pool->team == NULL ? fh_team_new(pool->par.width, &pool->team) : FH_DONE;
        if (!fh_failed(made))
            fh_par_run(fh_team_par(pool->team), fn, arg);
        fh_store(&pool->busy, 0, FH_RELEASE);
        if (!fh_failed(made))
            return;
    }
    fh_os_float_state();
    for (unsigned part = 0; part < pool->par.width; part++)
        fn(arg, part, pool->par.width);
}

/* In a child of fork: the threads of the team are not there. */
static PyObject *forked(PyObject *module, PyObject *unused) {
    (void)unused;
    py_pool *pool = &py_state_of(module)->pool;
    pool->team = NULL;
    fh_store(&pool->busy, 0, FH_RELEASE);
    Py_RETURN_NONE;
}

/* --- errors ------------------------------------------------------------------------------------------------------------- */

static PyObject *exception_of(fh_code code) {
    if (code == FH_NOMEM)
        return PyExc_MemoryError;
    if (code == FH_IO)
        return PyExc_OSError;
    if (code == FH_NOT_FOUND)
        return PyExc_KeyError;
    if (code == FH_CANCELED)
        return PyExc_KeyboardInterrupt;
    bool state = code == FH_BORROWED || code == FH_STALE || code == FH_EXHAUSTED || code == FH_WRONG_THREAD;
    return state ? PyExc_RuntimeError : PyExc_ValueError;
}

PyObject *py_raise(fh_status status, const fh_err *err) {
    if (PyErr_Occurred() == NULL) {
        bool told = err != NULL && err->message[0] != 0;
        if (told && err->offset_bytes != FH_NO_OFFSET)
            PyErr_Format(exception_of(status.code), "%s (at byte %llu)", err->message, (unsigned long long)err->offset_bytes);
        else
            PyErr_SetString(exception_of(status.code), told ? err->message : fh_code_text(status.code));
    }
    return NULL;
}

/* --- texts -------------------------------------------------------------------------------------------------------------- */

/* The bytes of a str or bytes object, which has them as long as it lives. */
static bool text_of(PyObject *item, bool bytes_too, fh_span *out) {
    Py_ssize_t size = 0;
    FH_UNSAFE("py-text");
    if (Py_TYPE(item) == &PyUnicode_Type || PyUnicode_Check(item)) { /* the first costs no call */
        const char *at = PyUnicode_AsUTF8AndSize(item, &size);
        if (at == NULL)
            return false;
        *out = (fh_span){(const uint8_t *)at, (size_t)size};
        return true;
    }
    if (bytes_too && PyBytes_Check(item)) {
        *out = (fh_span){(const uint8_t *)PyBytes_AsString(item), (size_t)PyBytes_Size(item)};
        return true;
    }
    PyErr_SetString(PyExc_TypeError, bytes_too ? "expected a sequence of str or bytes" : "expected a sequence of str");
    return false;
}

PyObject *py_string_of(fh_span text) {
    FH_UNSAFE("py-text");
    return PyUnicode_DecodeUTF8(text.size != 0 ? (const char *)text.at : "", (Py_ssize_t)text.size, "surrogateescape");
}

bool py_texts_open(PyObject *sequence, bool bytes_too, py_texts *out) {
    *out = (py_texts){.held = NULL};
    if (PyUnicode_Check(sequence) || PyBytes_Check(sequence)) {
        PyErr_SetString(PyExc_TypeError, "expected a sequence of texts, got a single text");
        return false;
    }
    out->held = PySequence_Tuple(sequence);
    if (out->held == NULL)
        return false;
    size_t count = (size_t)PyTuple_Size(out->held);
    if (fh_failed(fh_views_new(fh_heap(), count, &out->views))) {
        PyErr_NoMemory();
        py_texts_close(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!text_of(PyTuple_GetItem(out->held, (Py_ssize_t)i), bytes_too, fh_views_at(out->views, i))) {
            py_texts_close(out);
            return false;
        }
    }
    return true;
}

void py_texts_close(py_texts *texts) {
    fh_views_free(fh_heap(), &texts->views);
    Py_CLEAR(texts->held);
}

/* --- buffers ------------------------------------------------------------------------------------------------------------ */

bool py_buffer_open(PyObject *object, size_t size, Py_buffer *out) {
    if (PyObject_GetBuffer(object, out, PyBUF_CONTIG_RO) != 0)
        return false;
    FH_UNSAFE("py-buffer");
    if (out->len == 0 || ((size_t)out->len % size == 0 && (uintptr_t)out->buf % size == 0))
        return true;
    PyErr_Format(PyExc_ValueError, "found %zd bytes at an odd place, expected whole elements of %zu bytes, aligned", out->len,
                 size);
    PyBuffer_Release(out);
    return false;
}

fh_span py_buffer_bytes(const Py_buffer *b) {
    FH_UNSAFE("py-buffer");
    return (fh_span){(const uint8_t *)b->buf, (size_t)b->len};
}

fh_f32s py_buffer_f32s(const Py_buffer *b) {
    FH_UNSAFE("py-buffer");
    return (fh_f32s){(float *)b->buf, (size_t)b->len / sizeof(float)};
}

fh_u64s py_buffer_u64s(const Py_buffer *b) {
    FH_UNSAFE("py-buffer");
    return (fh_u64s){(uint64_t *)b->buf, (size_t)b->len / sizeof(uint64_t)};
}

fh_u32s py_buffer_u32s(const Py_buffer *b) {
    FH_UNSAFE("py-buffer");
    return (fh_u32s){(uint32_t *)b->buf, (size_t)b->len / sizeof(uint32_t)};
}

PyObject *py_bytes_new(size_t count, size_t size, void **at) {
    *at = NULL;
    if (count > (size_t)PY_SSIZE_T_MAX / size / 2)
        return PyErr_NoMemory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * size));
    FH_UNSAFE("py-result");
    if (bytes != NULL)
        *at = PyBytes_AsString(bytes);
    return bytes;
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

fh_status py_put_file(void *ctx, fh_span bytes, fh_err *err) {
    return fh_os_writer_put(ctx, bytes, err);
}

fh_status py_end_file(fh_os_writer *writer, fh_status s, fh_err *err) {
    if (!fh_failed(s))
        s = fh_os_writer_commit(&writer, err);
    fh_os_writer_close(writer);
    return s;
}

static fh_status write_whole(const char *path, fh_span bytes, fh_err *err) {
    fh_os_writer *writer;
    FH_TRY(fh_os_writer_open(path, &writer, err));
    return py_end_file(writer, fh_os_writer_put(writer, bytes, err), err);
}

/* write_file(path, bytes): a file that appears whole or not at all */
static PyObject *write_file(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *path, *object;
    Py_buffer bytes;
    if (!PyArg_ParseTuple(args, "O&O", PyUnicode_FSConverter, &path, &object))
        return NULL;
    if (!py_buffer_open(object, 1, &bytes)) {
        Py_DECREF(path);
        return NULL;
    }
    const char *name = PyBytes_AsString(path);
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = write_whole(name, py_buffer_bytes(&bytes), &err);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&bytes);
    Py_DECREF(path);
    if (fh_failed(s))
        return py_raise(s, &err);
    Py_RETURN_NONE;
}

static void close_map(void *ctx) {
    fh_os_map *map = ctx;
    fh_os_map_close(map);
    fh_free(fh_heap(), map);
}

fh_status py_map_file(const char *path, fh_bytes *out, fh_err *err) {
    fh_os_map *map = fh_alloc(fh_heap(), 1, sizeof *map);
    if (map == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_status s = fh_os_map_open(path, map, err);
    if (fh_failed(s)) {
        fh_free(fh_heap(), map);
        return s;
    }
    s = fh_bytes_wrap(fh_heap(), map->bytes, close_map, map, out);
    if (fh_failed(s))
        close_map(map);
    return s;
}

/* --- objects ------------------------------------------------------------------------------------------------------------ */

PyObject *py_object_new(PyTypeObject *type) {
    return PyType_GenericAlloc(type, 0);
}

void py_object_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    FH_UNSAFE("py-object");
    freefunc ends = (freefunc)PyType_GetSlot(type, Py_tp_free);
    ends(self);
    Py_DECREF((PyObject *)type);
}

/* --- the module --------------------------------------------------------------------------------------------------------- */

py_state *py_state_of(PyObject *module) {
    FH_UNSAFE("py-object");
    return (py_state *)PyModule_GetState(module);
}

py_state *py_state_of_type(PyTypeObject *type) {
    FH_UNSAFE("py-object");
    return (py_state *)PyType_GetModuleState(type);
}

/* Adds a type; *kept, where there is one, is a reference to it. */
static int add_type(PyObject *module, PyType_Spec *spec, const char *name, PyTypeObject **kept) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int done = type == NULL ? -1 : PyModule_AddObjectRef(module, name, type);
    FH_UNSAFE("py-object");
    if (kept != NULL)
        *kept = (PyTypeObject *)type;
    else
        Py_XDECREF(type);
    return done;
}

static int module_exec(PyObject *module) {
    py_state *state = py_state_of(module);
    py_pool *pool = &state->pool;
    unsigned width = fh_os_cpus();
    pool->par = (fh_par){pool, width < 256 ? width : 256, pool_run};
    if (add_type(module, &py_flat_spec, "Flat", NULL) != 0 || add_type(module, &py_hnsw_spec, "Hnsw", NULL) != 0 ||
        add_type(module, &py_model_spec, "Model", NULL) != 0 ||
        add_type(module, &py_generator_spec, "Generator", &state->generator_type) != 0 ||
        add_type(module, &py_tokenizer_spec, "Tokenizer", &state->tokenizer_type) != 0 ||
        add_type(module, &py_encodings_spec, "Encodings", &state->encodings_type) != 0 ||
        add_type(module, &py_stream_spec, "DecodeStream", NULL) != 0 ||
        add_type(module, &py_train_words_spec, "Words", NULL) != 0)
        return -1;
    return PyModule_AddIntConstant(module, "threads", (long)pool->par.width);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    py_state *state = py_state_of(module);
    if (state == NULL)
        return 0;
    Py_VISIT(state->generator_type);
    Py_VISIT(state->tokenizer_type);
    Py_VISIT(state->encodings_type);
    return 0;
}

static int module_clear(PyObject *module) {
    py_state *state = py_state_of(module);
    if (state == NULL)
        return 0;
    Py_CLEAR(state->generator_type);
    Py_CLEAR(state->tokenizer_type);
    Py_CLEAR(state->encodings_type);
    return 0;
}

/* The team's threads wait for work, so nothing runs here. A module whose execution failed has no state. */
static void module_free(void *module) {
    module_clear(module);
    py_state *state = py_state_of(module);
    if (state != NULL)
        fh_team_free(state->pool.team);
}

static PyMethodDef methods[] = {
    {"tokenize_batch", py_tokenize_batch, METH_O, NULL},
    {"split_columns", py_split_columns, METH_O, NULL},
    {"count_tokens", py_count_tokens, METH_O, NULL},
    {"cut", py_cut, METH_VARARGS, NULL},
    {"write_file", write_file, METH_VARARGS, NULL},
    {"forked", forked, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "freehold._freehold",
    .m_size = sizeof(py_state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__freehold(void);
PyMODINIT_FUNC PyInit__freehold(void) {
    return PyModuleDef_Init(&definition);
}
