/* py_vectors.c: the vector indexes as types: Flat (index.h) and Hnsw (hnsw.h).
 *
 * Vectors and queries come through the buffer interface, answers go as bytes objects: (ids, scores, counts), k places a query.
 * An index knows by itself who changes it and who reads it; what it does not know, that a writer or a reader belongs to one
 * thread, is known here by flags that are changed with the GIL held. A method's caller holds a reference to the object, so no
 * index ends under a call; in the child of a fork `forked` sets free what threads had that are not there.
 *
 * Threading: py.h. */
#include "py.h"

#include "freehold/hnsw.h"

typedef struct flat_object {
    PyObject_HEAD
    fh_flat *flat;
} flat_object;

typedef struct hnsw_object {
    PyObject_HEAD
    fh_hnsw *graph;
    fh_hnsw_writer *writer;
    fh_hnsw_reader *reader;
    bool writing, reading;
} hnsw_object;

static flat_object *flat_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (flat_object *)self;
}

static hnsw_object *hnsw_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (hnsw_object *)self;
}

static const fh_par *par_of(PyObject *self) {
    return &py_state_of_type(Py_TYPE(self))->pool.par;
}

/* A new id and vector a row. */
typedef struct batch {
    Py_buffer ids, vectors;
} batch;

static bool batch_open(PyObject *args, batch *b) {
    PyObject *ids, *vectors;
    if (!PyArg_ParseTuple(args, "OO", &ids, &vectors) || !py_buffer_open(ids, sizeof(uint64_t), &b->ids))
        return false;
    if (py_buffer_open(vectors, sizeof(float), &b->vectors))
        return true;
    PyBuffer_Release(&b->ids);
    return false;
}

static void batch_close(batch *b) {
    PyBuffer_Release(&b->ids);
    PyBuffer_Release(&b->vectors);
}

static PyObject *none_or(fh_status status, const fh_err *err) {
    if (fh_failed(status))
        return py_raise(status, err);
    Py_RETURN_NONE;
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

/* Room for k answers to each query. */
typedef struct answers {
    Py_buffer queries;
    size_t count, k;
    fh_hits hits;
    fh_sizes counts;
} answers;

static void answers_close(answers *a) {
    fh_hits_free(fh_heap(), &a->hits);
    fh_sizes_free(fh_heap(), &a->counts);
    PyBuffer_Release(&a->queries);
}

static bool answers_open(PyObject *queries, Py_ssize_t k, size_t dim, answers *a) {
    *a = (answers){.k = (size_t)k};
    if (k < 1 || k > FH_HITS_MAX) {
        PyErr_Format(PyExc_ValueError, "k of %zd, expected 1 to %d", k, FH_HITS_MAX);
        return false;
    }
    if (!py_buffer_open(queries, sizeof(float), &a->queries))
        return false;
    size_t elements = py_buffer_f32s(&a->queries).count;
    if (dim == 0 || elements % dim != 0) {
        PyErr_Format(PyExc_ValueError, "queries of %zu elements, expected a multiple of %zu", elements, dim);
        PyBuffer_Release(&a->queries);
        return false;
    }
    a->count = elements / dim;
    if (a->count > SIZE_MAX / a->k || fh_failed(fh_hits_new(fh_heap(), a->count * a->k, &a->hits)) ||
        fh_failed(fh_sizes_new(fh_heap(), a->count, &a->counts))) {
        PyErr_NoMemory();
        answers_close(a);
        return false;
    }
    return true;
}

/* (ids, scores, counts); places behind the count of a query are zeros. */
static PyObject *answers_tuple(const answers *a) {
    void *ids_at, *scores_at, *counts_at;
    PyObject *ids = py_bytes_new(a->hits.count, sizeof(uint64_t), &ids_at);
    PyObject *scores = py_bytes_new(a->hits.count, sizeof(float), &scores_at);
    PyObject *counts = py_bytes_new(a->count, sizeof(uint64_t), &counts_at);
    PyObject *tuple = NULL;
    if (ids != NULL && scores != NULL && counts != NULL) {
        FH_UNSAFE("py-result");
        fh_u64s id_view = {(uint64_t *)ids_at, a->hits.count}, count_view = {(uint64_t *)counts_at, a->count};
        fh_f32s score_view = {(float *)scores_at, a->hits.count};
        for (size_t i = 0; i < a->hits.count; i++) {
            fh_hit hit = fh_hits_get(a->hits, i);
            fh_u64s_set(id_view, i, hit.id);
            fh_f32s_set(score_view, i, hit.score);
        }
        for (size_t i = 0; i < a->count; i++)
            fh_u64s_set(count_view, i, fh_sizes_get(a->counts, i));
        tuple = PyTuple_Pack(3, ids, scores, counts);
    }
    Py_XDECREF(ids);
    Py_XDECREF(scores);
    Py_XDECREF(counts);
    return tuple;
}

/* get(id, dim) of either index, by what reads a vector of it: the vector's bytes. */
static PyObject *vector_bytes(PyObject *self, PyObject *args, fh_status (*get)(PyObject *, uint64_t, fh_f32s)) {
    unsigned long long id;
    Py_ssize_t dim;
    void *at;
    if (!PyArg_ParseTuple(args, "Kn", &id, &dim))
        return NULL;
    PyObject *bytes = py_bytes_new(dim < 0 ? 0 : (size_t)dim, sizeof(float), &at);
    if (bytes == NULL)
        return NULL;
    FH_UNSAFE("py-result");
    fh_status s = get(self, id, (fh_f32s){(float *)at, (size_t)PyBytes_Size(bytes) / sizeof(float)});
    if (!fh_failed(s))
        return bytes;
    Py_DECREF(bytes);
    return py_raise(s, NULL);
}

/* --- Flat --------------------------------------------------------------------------------------------------------------- */

/* Flat(dim, metric, type) */
static PyObject *flat_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t dim;
    unsigned metric, element;
    if (kwargs != NULL && PyDict_Size(kwargs) != 0)
        return PyErr_Format(PyExc_TypeError, "Flat takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "nII", &dim, &metric, &element))
        return NULL;
    fh_flat_options options = {.dim = dim < 0 ? 0 : (size_t)dim, .metric = (fh_metric)metric, .type = (fh_vector_type)element,
                               .seed = fh_os_random()};
    PyObject *self = py_object_new(type);
    if (self == NULL)
        return NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_flat_new(fh_heap(), fh_isa_best(), &options, &flat_of(self)->flat, &err);
    if (!fh_failed(s))
        return self;
    Py_DECREF(self);
    return py_raise(s, &err);
}

static void flat_dealloc(PyObject *self) {
    fh_flat_free(flat_of(self)->flat);
    py_object_free(self);
}

static Py_ssize_t flat_length(PyObject *self) {
    return (Py_ssize_t)fh_flat_count(flat_of(self)->flat);
}

/* add(ids, vectors) */
static PyObject *flat_add(PyObject *self, PyObject *args) {
    batch b;
    if (!batch_open(args, &b))
        return NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_flat_add(flat_of(self)->flat, py_buffer_u64s(&b.ids), py_buffer_f32s(&b.vectors), &err);
    Py_END_ALLOW_THREADS
    batch_close(&b);
    return none_or(s, &err);
}

/* forked(): in the child of a fork */
static PyObject *flat_forked(PyObject *self, PyObject *unused) {
    (void)unused;
    (void)fh_flat_after_fork(flat_of(self)->flat); /* it knows by itself what it refuses from now on */
    Py_RETURN_NONE;
}

/* remove(id) */
static PyObject *flat_remove(PyObject *self, PyObject *id) {
    unsigned long long number = PyLong_AsUnsignedLongLong(id);
    return PyErr_Occurred() != NULL ? NULL : none_or(fh_flat_remove(flat_of(self)->flat, number), NULL);
}

static fh_status flat_read(PyObject *self, uint64_t id, fh_f32s out) {
    return fh_flat_get(flat_of(self)->flat, id, out);
}

/* get(id, dim) */
static PyObject *flat_get(PyObject *self, PyObject *args) {
    return vector_bytes(self, args, flat_read);
}

/* search(queries, k, dim) */
static PyObject *flat_search(PyObject *self, PyObject *args) {
    PyObject *queries;
    Py_ssize_t k, dim;
    answers a;
    if (!PyArg_ParseTuple(args, "Onn", &queries, &k, &dim) || !answers_open(queries, k, dim < 0 ? 0 : (size_t)dim, &a))
        return NULL;
    const fh_par *par = par_of(self);
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_flat_search(flat_of(self)->flat, par, py_buffer_f32s(&a.queries), a.k, NULL, a.hits, a.counts, &err);
    Py_END_ALLOW_THREADS
    PyObject *result = fh_failed(s) ? py_raise(s, &err) : answers_tuple(&a);
    answers_close(&a);
    return result;
}

/* rank(queries, ids, k, dim): k ids a query, by their scores here */
static PyObject *flat_rank(PyObject *self, PyObject *args) {
    PyObject *queries, *object;
    Py_ssize_t k, dim;
    Py_buffer ids;
    answers a;
    if (!PyArg_ParseTuple(args, "OOnn", &queries, &object, &k, &dim) || !py_buffer_open(object, sizeof(uint64_t), &ids))
        return NULL;
    if (!answers_open(queries, k, dim < 0 ? 0 : (size_t)dim, &a)) {
        PyBuffer_Release(&ids);
        return NULL;
    }
    fh_u64s from = py_buffer_u64s(&ids);
    PyObject *result = NULL;
    if (from.count != a.hits.count) {
        PyErr_Format(PyExc_ValueError, "%zu ids, expected %zu, for %zu queries", from.count, a.hits.count, a.count);
    } else {
        for (size_t i = 0; i < from.count; i++)
            fh_hits_set(a.hits, i, (fh_hit){.id = fh_u64s_get(from, i)});
        for (size_t q = 0; q < a.count; q++)
            fh_sizes_set(a.counts, q, a.k);
        fh_err err;
        fh_err_clear(&err);
        fh_status s;
        Py_BEGIN_ALLOW_THREADS
        s = fh_flat_rank(flat_of(self)->flat, py_buffer_f32s(&a.queries), a.hits, a.counts, &err);
        Py_END_ALLOW_THREADS
        result = fh_failed(s) ? py_raise(s, &err) : answers_tuple(&a);
    }
    answers_close(&a);
    PyBuffer_Release(&ids);
    return result;
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

/* One of the two indexes. */
static fh_status save_file(fh_flat *flat, fh_hnsw *graph, const char *path, fh_err *err) {
    fh_os_writer *writer;
    FH_TRY(fh_os_writer_open(path, &writer, err));
    fh_sink sink = {writer, py_put_file};
    return py_end_file(writer, flat != NULL ? fh_flat_save(flat, sink, err) : fh_hnsw_save(graph, sink, err), err);
}

static PyObject *save(fh_flat *flat, fh_hnsw *graph, PyObject *args) {
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path))
        return NULL;
    const char *name = PyBytes_AsString(path);
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = save_file(flat, graph, name, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    return none_or(s, &err);
}

/* save(path) */
static PyObject *flat_save(PyObject *self, PyObject *args) {
    return save(flat_of(self)->flat, NULL, args);
}

/* The one that `flat` or `graph` has room for. */
static fh_status open_file(const char *path, fh_or_null fh_flat **flat, fh_or_null fh_hnsw **graph, fh_err *err) {
    fh_bytes bytes;
    FH_TRY(py_map_file(path, &bytes, err));
    fh_status s = flat != NULL ? fh_flat_open(fh_heap(), fh_isa_best(), fh_os_random(), bytes, flat, err)
                               : fh_hnsw_open(fh_heap(), fh_isa_best(), fh_os_random(), bytes, graph, err);
    fh_bytes_drop(&bytes);
    return s;
}

static bool open_path(PyObject *args, fh_or_null fh_flat **flat, fh_or_null fh_hnsw **graph) {
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path))
        return false;
    const char *name = PyBytes_AsString(path);
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = open_file(name, flat, graph, &err);
    Py_END_ALLOW_THREADS
    Py_DECREF(path);
    if (fh_failed(s))
        py_raise(s, &err);
    return !fh_failed(s);
}

/* open(path): a class method */
static PyObject *flat_open(PyObject *type, PyObject *args) {
    fh_flat *flat = NULL;
    if (!open_path(args, &flat, NULL))
        return NULL;
    FH_UNSAFE("py-object");
    PyObject *self = py_object_new((PyTypeObject *)type);
    if (self != NULL)
        flat_of(self)->flat = flat;
    else
        fh_flat_free(flat);
    return self;
}

static PyMethodDef flat_methods[] = {
    {"add", flat_add, METH_VARARGS, NULL},
    {"remove", flat_remove, METH_O, NULL},
    {"get", flat_get, METH_VARARGS, NULL},
    {"search", flat_search, METH_VARARGS, NULL},
    {"rank", flat_rank, METH_VARARGS, NULL},
    {"save", flat_save, METH_VARARGS, NULL},
    {"open", flat_open, METH_VARARGS | METH_CLASS, NULL},
    {"forked", flat_forked, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot flat_slots[] = {
    {Py_tp_new, (void *)flat_new},
    {Py_tp_dealloc, (void *)flat_dealloc},
    {Py_tp_methods, flat_methods},
    {Py_sq_length, (void *)flat_length},
    {0, NULL},
};

PyType_Spec py_flat_spec = {"freehold._freehold.Flat", sizeof(flat_object), 0, Py_TPFLAGS_DEFAULT, flat_slots};

/* --- Hnsw --------------------------------------------------------------------------------------------------------------- */

/* Takes over a graph. */
static PyObject *hnsw_wrap(PyTypeObject *type, fh_hnsw *graph) {
    PyObject *self = py_object_new(type);
    if (self == NULL) {
        fh_hnsw_free(graph);
        return NULL;
    }
    hnsw_object *h = hnsw_of(self);
    h->graph = graph;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_hnsw_writer_new(graph, par_of(self)->width, &h->writer, &err);
    if (!fh_failed(s))
        s = fh_hnsw_reader_new(graph, &h->reader, &err);
    if (!fh_failed(s))
        return self;
    Py_DECREF(self);
    return py_raise(s, &err);
}

/* Hnsw(dim, rows_max, metric, links, effort) */
static PyObject *hnsw_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t dim, rows;
    unsigned metric, links, effort;
    if (kwargs != NULL && PyDict_Size(kwargs) != 0)
        return PyErr_Format(PyExc_TypeError, "Hnsw takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "nnIII", &dim, &rows, &metric, &links, &effort))
        return NULL;
    fh_hnsw_options options = {.dim = dim < 0 ? 0 : (size_t)dim, .rows_max = rows < 0 ? 0 : (size_t)rows,
                               .metric = (fh_metric)metric, .links = links, .effort = effort, .seed = fh_os_random()};
    fh_hnsw *graph = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_hnsw_new(fh_heap(), fh_isa_best(), &options, &graph, &err);
    return fh_failed(s) ? py_raise(s, &err) : hnsw_wrap(type, graph);
}

/* open(path): a class method */
static PyObject *hnsw_open(PyObject *type, PyObject *args) {
    fh_hnsw *graph = NULL;
    if (!open_path(args, NULL, &graph))
        return NULL;
    FH_UNSAFE("py-object");
    return hnsw_wrap((PyTypeObject *)type, graph);
}

/* save(path) */
static PyObject *hnsw_save(PyObject *self, PyObject *args) {
    return save(NULL, hnsw_of(self)->graph, args);
}

/* copy(rows_max): another one with the vectors that are there */
static PyObject *hnsw_copy(PyObject *self, PyObject *number) {
    size_t rows = PyLong_AsSize_t(number);
    if (PyErr_Occurred() != NULL)
        return NULL;
    const fh_par *par = par_of(self);
    fh_hnsw *graph = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_hnsw_copy(hnsw_of(self)->graph, rows, par, &graph, &err);
    Py_END_ALLOW_THREADS
    return fh_failed(s) ? py_raise(s, &err) : hnsw_wrap(Py_TYPE(self), graph);
}

static void hnsw_dealloc(PyObject *self) {
    hnsw_object *h = hnsw_of(self);
    fh_hnsw_reader_free(h->reader);
    if (!h->writing) /* else a fork took it */
        fh_hnsw_writer_free(h->writer);
    fh_hnsw_free(h->graph);
    py_object_free(self);
}

/* forked(): in the child of a fork. A reader or writer that a thread was using may be half of one: it stays where it is. */
static PyObject *hnsw_forked(PyObject *self, PyObject *unused) {
    (void)unused;
    hnsw_object *h = hnsw_of(self);
    fh_err err;
    fh_err_clear(&err);
    h->writing = !fh_hnsw_after_fork(h->graph);
    if (h->reading && fh_failed(fh_hnsw_reader_new(h->graph, &h->reader, &err)))
        h->reader = NULL; /* each search asks for one of its own */
    h->reading = false;
    Py_RETURN_NONE;
}

static Py_ssize_t hnsw_length(PyObject *self) {
    return (Py_ssize_t)fh_hnsw_count(hnsw_of(self)->graph);
}

/* id_max(): the highest id that was ever there, or None */
static PyObject *hnsw_id_max(PyObject *self, PyObject *unused) {
    (void)unused;
    const fh_hnsw *graph = hnsw_of(self)->graph;
    if (fh_hnsw_rows(graph) == 0)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong(fh_hnsw_id_max(graph));
}

/* Takes the writer; false with an exception if another thread has it. */
static bool take_writer(hnsw_object *h) {
    if (h->writing) {
        PyErr_SetString(PyExc_RuntimeError, "another thread changes this index, or a fork cut its change short");
        return false;
    }
    h->writing = true;
    return true;
}

/* add(ids, vectors) */
static PyObject *hnsw_add(PyObject *self, PyObject *args) {
    hnsw_object *h = hnsw_of(self);
    batch b;
    if (!batch_open(args, &b))
        return NULL;
    if (!take_writer(h)) {
        batch_close(&b);
        return NULL;
    }
    const fh_par *par = par_of(self);
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_hnsw_add(h->graph, h->writer, par, py_buffer_u64s(&b.ids), py_buffer_f32s(&b.vectors), &err);
    Py_END_ALLOW_THREADS
    h->writing = false;
    batch_close(&b);
    return none_or(s, &err);
}

/* update(id, vector) */
static PyObject *hnsw_update(PyObject *self, PyObject *args) {
    hnsw_object *h = hnsw_of(self);
    unsigned long long id;
    PyObject *object;
    Py_buffer vector;
    if (!PyArg_ParseTuple(args, "KO", &id, &object) || !py_buffer_open(object, sizeof(float), &vector))
        return NULL;
    if (!take_writer(h)) {
        PyBuffer_Release(&vector);
        return NULL;
    }
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_hnsw_update(h->graph, h->writer, id, py_buffer_f32s(&vector), &err);
    Py_END_ALLOW_THREADS
    h->writing = false;
    PyBuffer_Release(&vector);
    return none_or(s, &err);
}

/* remove(id) */
static PyObject *hnsw_remove(PyObject *self, PyObject *id) {
    unsigned long long number = PyLong_AsUnsignedLongLong(id);
    return PyErr_Occurred() != NULL ? NULL : none_or(fh_hnsw_remove(hnsw_of(self)->graph, number), NULL);
}

static fh_status hnsw_read(PyObject *self, uint64_t id, fh_f32s out) {
    return fh_hnsw_get(hnsw_of(self)->graph, id, out);
}

/* get(id, dim) */
static PyObject *hnsw_get(PyObject *self, PyObject *args) {
    return vector_bytes(self, args, hnsw_read);
}

/* All queries with one reader: the object's, or where another thread has that, one of this call. */
static fh_status search_all(hnsw_object *h, fh_hnsw_reader *shared, answers *a, size_t dim, size_t effort, fh_err *err) {
    fh_hnsw_reader *own = NULL;
    if (shared == NULL)
        FH_TRY(fh_hnsw_reader_new(h->graph, &own, err));
    fh_status s = FH_DONE;
    for (size_t q = 0; q < a->count && !fh_failed(s); q++) {
        fh_f32s query = fh_f32s_sub(py_buffer_f32s(&a->queries), q * dim, dim);
        s = fh_hnsw_search(h->graph, shared != NULL ? shared : own, query, a->k, effort, NULL,
                           fh_hits_sub(a->hits, q * a->k, a->k), fh_sizes_at(a->counts, q), err);
    }
    fh_hnsw_reader_free(own);
    return s;
}

/* search(queries, k, dim, effort) */
static PyObject *hnsw_search(PyObject *self, PyObject *args) {
    hnsw_object *h = hnsw_of(self);
    PyObject *queries;
    Py_ssize_t k, dim, effort;
    answers a;
    if (!PyArg_ParseTuple(args, "Onnn", &queries, &k, &dim, &effort) ||
        !answers_open(queries, k, dim < 0 ? 0 : (size_t)dim, &a))
        return NULL;
    fh_hnsw_reader *reader = h->reading ? NULL : h->reader;
    h->reading = true;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = search_all(h, reader, &a, (size_t)dim, effort < 0 ? SIZE_MAX : (size_t)effort, &err);
    Py_END_ALLOW_THREADS
    if (reader != NULL)
        h->reading = false;
    PyObject *result = fh_failed(s) ? py_raise(s, &err) : answers_tuple(&a);
    answers_close(&a);
    return result;
}

/* check() */
static PyObject *hnsw_check(PyObject *self, PyObject *unused) {
    (void)unused;
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    Py_BEGIN_ALLOW_THREADS
    s = fh_hnsw_check(hnsw_of(self)->graph, &err);
    Py_END_ALLOW_THREADS
    return none_or(s, &err);
}

static PyMethodDef hnsw_methods[] = {
    {"add", hnsw_add, METH_VARARGS, NULL},
    {"update", hnsw_update, METH_VARARGS, NULL},
    {"remove", hnsw_remove, METH_O, NULL},
    {"get", hnsw_get, METH_VARARGS, NULL},
    {"search", hnsw_search, METH_VARARGS, NULL},
    {"check", hnsw_check, METH_NOARGS, NULL},
    {"save", hnsw_save, METH_VARARGS, NULL},
    {"open", hnsw_open, METH_VARARGS | METH_CLASS, NULL},
    {"copy", hnsw_copy, METH_O, NULL},
    {"id_max", hnsw_id_max, METH_NOARGS, NULL},
    {"forked", hnsw_forked, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot hnsw_slots[] = {
    {Py_tp_new, (void *)hnsw_new},
    {Py_tp_dealloc, (void *)hnsw_dealloc},
    {Py_tp_methods, hnsw_methods},
    {Py_sq_length, (void *)hnsw_length},
    {0, NULL},
};

PyType_Spec py_hnsw_spec = {"freehold._freehold.Hnsw", sizeof(hnsw_object), 0, Py_TPFLAGS_DEFAULT, hnsw_slots};
