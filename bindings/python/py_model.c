/* py_model.c: a language model as two types: Model, a file on a device with an engine, and Generator, an answer in the making.
 *
 * One thread at a time runs an engine: `running` is changed with the GIL held, and who finds it set is refused. A Generator
 * keeps its Model alive. One that ends while a thread runs the engine leaves its generator in `ended`, which that thread
 * empties; there is a place for each sequence that the engine may have. A prompt is read in steps of 128 rows, between which
 * signals are looked at.
 *
 * Threading: py.h. */
#include "py.h"

#include "freehold/generate.h"

enum { SEQUENCES = 16, PROMPT_ROWS = 128 };

typedef struct model_object {
    PyObject_HEAD
    fh_os_map map;
    fh_gguf *gguf;
    fh_device *device;
    fh_model *model;
    fh_engine *engine;
    fh_generator *ended[SEQUENCES];
    size_t ended_count;
    bool running;
} model_object;

typedef struct generator_object {
    PyObject_HEAD
    PyObject *owner; /* its Model */
    fh_generator *generator;
    fh_u32s prompt; /* not read yet; else empty */
    bool done;
} generator_object;

static model_object *model_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (model_object *)self;
}

static generator_object *generator_of(PyObject *self) {
    FH_UNSAFE("py-object");
    return (generator_object *)self;
}

/* Takes the engine; false with an exception if another thread has it. */
static bool begin_run(model_object *m) {
    if (m->running) {
        PyErr_SetString(PyExc_RuntimeError, "another thread runs this model");
        return false;
    }
    m->running = true;
    return true;
}

static void end_run(model_object *m) {
    while (m->ended_count > 0)
        fh_generator_free(m->ended[--m->ended_count]);
    m->running = false;
}

/* --- Model -------------------------------------------------------------------------------------------------------------- */

static fh_status load(model_object *m, const fh_par *par, const char *path, uint64_t context, fh_err *err) {
    FH_TRY(fh_os_map_open(path, &m->map, err));
    fh_bytes bytes;
    FH_TRY(fh_bytes_wrap(fh_heap(), m->map.bytes, NULL, NULL, &bytes));
    fh_status s = fh_gguf_open(fh_heap(), bytes, &m->gguf, err);
    fh_bytes_drop(&bytes);
    FH_TRY(s);
    FH_TRY(fh_cpu_new(fh_heap(), par, fh_isa_best(), &m->device));
    FH_TRY(fh_model_load(fh_heap(), m->gguf, m->device, &m->model, err));
    fh_engine_options options = {.context = context, .rows_max = PROMPT_ROWS, .seqs_max = SEQUENCES};
    return fh_engine_new(fh_heap(), m->model, m->device, &options, &m->engine, err);
}

/* Model(path, context) */
static PyObject *model_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *path;
    unsigned long long context;
    if (kwargs != NULL && PyDict_Size(kwargs) != 0)
        return PyErr_Format(PyExc_TypeError, "Model takes no keyword arguments");
    if (!PyArg_ParseTuple(args, "O&K", PyUnicode_FSConverter, &path, &context))
        return NULL;
    PyObject *self = py_object_new(type);
    if (self != NULL) {
        model_object *m = model_of(self);
        const fh_par *par = &py_state_of_type(type)->pool.par;
        const char *name = PyBytes_AsString(path);
        fh_err err;
        fh_err_clear(&err);
        fh_status s;
        Py_BEGIN_ALLOW_THREADS
        s = load(m, par, name, context, &err);
        Py_END_ALLOW_THREADS
        if (fh_failed(s)) {
            py_raise(s, &err);
            Py_CLEAR(self);
        }
    }
    Py_DECREF(path);
    return self;
}

/* Nobody runs it: whoever does holds a reference. */
static void model_dealloc(PyObject *self) {
    model_object *m = model_of(self);
    end_run(m);
    fh_engine_free(m->engine);
    fh_model_free(m->model);
    fh_device_free(m->device);
    fh_gguf_close(m->gguf);
    fh_os_map_close(&m->map);
    py_object_free(self);
}

/* encode(text, add_special, parse_special): the ids as bytes */
static PyObject *model_encode(PyObject *self, PyObject *args) {
    const char *at;
    Py_ssize_t size;
    int special, parse;
    PyObject *text;
    if (!PyArg_ParseTuple(args, "Upp", &text, &special, &parse))
        return NULL;
    at = PyUnicode_AsUTF8AndSize(text, &size);
    if (at == NULL)
        return NULL;
    const fh_tokenizer *tok = fh_model_tokenizer_view(model_of(self)->model);
    fh_encode_options options = {.add_special = special != 0, .parse_special = parse != 0};
    fh_ids ids;
    fh_ids_init(&ids, fh_heap(), 0);
    fh_err err;
    fh_err_clear(&err);
    fh_status s;
    FH_UNSAFE("py-text");
    fh_span view = {(const uint8_t *)at, (size_t)size};
    Py_BEGIN_ALLOW_THREADS
    s = fh_tokenizer_encode(tok, view, options, &ids, &err);
    Py_END_ALLOW_THREADS
    void *out = NULL;
    PyObject *bytes = fh_failed(s) ? py_raise(s, &err) : py_bytes_new(ids.count, sizeof(uint32_t), &out);
    if (bytes != NULL && ids.count != 0)
        fh_span_copy((fh_mspan){(uint8_t *)out, ids.count * sizeof(uint32_t)},
                     fh_span_of_mut(fh_u32s_bytes(fh_ids_view(&ids))));
    fh_ids_deinit(&ids);
    return bytes;
}

static PyObject *id_or_none(uint32_t id) {
    if (id == FH_NO_TOKEN)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(id);
}

/* facts(): (architecture, parameters, context, vocabulary, bos, eos) */
static PyObject *model_facts(PyObject *self, PyObject *unused) {
    (void)unused;
    const model_object *m = model_of(self);
    const fh_model_shape *shape = fh_model_shape_view(m->model);
    const fh_tokenizer *tok = fh_model_tokenizer_view(m->model);
    return Py_BuildValue("(sKKINN)", fh_arch_name(shape->arch), (unsigned long long)shape->params,
                         (unsigned long long)fh_engine_stats_get(m->engine).sequence_max, (unsigned)shape->vocab,
                         id_or_none(fh_tokenizer_bos(tok)), id_or_none(fh_tokenizer_eos(tok)));
}

/* --- Generator ---------------------------------------------------------------------------------------------------------- */

/* Copies the prompt, and opens a sequence. */
static fh_status begin(generator_object *g, fh_u32s ids, const fh_generate_options *options, fh_err *err) {
    model_object *m = model_of(g->owner);
    FH_TRY(fh_u32s_new(fh_heap(), ids.count, &g->prompt));
    for (size_t i = 0; i < ids.count; i++)
        fh_u32s_set(g->prompt, i, fh_u32s_get(ids, i));
    return fh_generator_new(fh_heap(), m->model, m->engine, options, &g->generator, err);
}

/* generator(ids, tokens_max, temperature, top_k, top_p, min_p, repeat_penalty, repeat_last, seed, ignore_end, stops): a method
 * of Model */
static PyObject *model_generator(PyObject *self, PyObject *args) {
    model_object *m = model_of(self);
    fh_generate_options o = {.tokens_max = 0};
    unsigned long long tokens_max, seed;
    int ignore_end;
    PyObject *ids, *stops;
    Py_buffer prompt;
    py_texts texts;
    if (!PyArg_ParseTuple(args, "OKfIfffIKpO", &ids, &tokens_max, &o.sampling.temperature, &o.sampling.top_k, &o.sampling.top_p,
                          &o.sampling.min_p, &o.sampling.repeat_penalty, &o.sampling.repeat_last, &seed, &ignore_end, &stops) ||
        !begin_run(m))
        return NULL;
    PyObject *made = NULL;
    if (py_buffer_open(ids, sizeof(uint32_t), &prompt)) {
        if (py_texts_open(stops, false, &texts)) {
            o.tokens_max = tokens_max;
            o.sampling.seed = seed;
            o.ignore_end = ignore_end != 0;
            o.stops = texts.views;
            made = py_object_new(py_state_of_type(Py_TYPE(self))->generator_type);
            if (made != NULL) {
                generator_object *g = generator_of(made);
                Py_INCREF(self);
                g->owner = self;
                fh_err err;
                fh_err_clear(&err);
                fh_status s = begin(g, py_buffer_u32s(&prompt), &o, &err);
                if (fh_failed(s)) {
                    py_raise(s, &err);
                    Py_CLEAR(made);
                }
            }
            py_texts_close(&texts);
        }
        PyBuffer_Release(&prompt);
    }
    end_run(m);
    return made;
}

/* The engine may be running for another generator. */
static void generator_dealloc(PyObject *self) {
    generator_object *g = generator_of(self);
    if (g->owner != NULL) {
        model_object *m = model_of(g->owner);
        if (!m->running)
            fh_generator_free(g->generator);
        else if (g->generator != NULL)
            m->ended[m->ended_count++] = g->generator;
    }
    fh_u32s_free(fh_heap(), &g->prompt);
    Py_CLEAR(g->owner);
    py_object_free(self);
}

/* What a step needs to look at signals: the thread's state while it has no GIL. */
typedef struct released {
    PyThreadState *thread;
} released;

static bool look_at_signals(void *ctx, uint64_t done, uint64_t total) {
    released *r = ctx;
    (void)done;
    (void)total;
    PyEval_RestoreThread(r->thread);
    bool go_on = PyErr_CheckSignals() == 0;
    r->thread = PyEval_SaveThread();
    return go_on;
}

static fh_status next(generator_object *g, released *r, fh_generated *out, fh_err *err) {
    if (g->prompt.count != 0) {
        FH_TRY(fh_generator_prompt(g->generator, g->prompt, look_at_signals, r, err));
        fh_u32s_free(fh_heap(), &g->prompt);
    }
    return fh_generator_next(g->generator, out, err);
}

/* step(): (new text, its token or None, why it ended or None); None once it has ended */
static PyObject *generator_step(PyObject *self, PyObject *unused) {
    (void)unused;
    generator_object *g = generator_of(self);
    model_object *m = model_of(g->owner);
    if (g->done)
        Py_RETURN_NONE;
    if (!begin_run(m))
        return NULL;
    fh_generated out = {.done = false};
    fh_err err;
    fh_err_clear(&err);
    released r = {PyEval_SaveThread()};
    fh_status s = next(g, &r, &out, &err);
    if (!fh_failed(s) && fh_os_map_lost(m->map))
        s = fh_fail(&err, FH_IO, FH_NO_OFFSET, "the model's file was truncated while it was in use");
    PyEval_RestoreThread(r.thread);
    PyObject *result = NULL;
    if (fh_failed(s)) {
        py_raise(s, &err);
    } else {
        g->done = out.done;
        result = Py_BuildValue("(NNz)", py_string_of(out.text), id_or_none(out.token),
                               out.done ? fh_finish_name(out.finish) : NULL);
    }
    end_run(m);
    return result;
}

static PyMethodDef generator_methods[] = {
    {"step", generator_step, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot generator_slots[] = {
    {Py_tp_dealloc, (void *)generator_dealloc},
    {Py_tp_methods, generator_methods},
    {0, NULL},
};

PyType_Spec py_generator_spec = {"freehold._freehold.Generator", sizeof(generator_object), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, generator_slots};

/* --- the type Model ------------------------------------------------------------------------------------------------------- */

static PyMethodDef model_methods[] = {
    {"encode", model_encode, METH_VARARGS, NULL},
    {"facts", model_facts, METH_NOARGS, NULL},
    {"generator", model_generator, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot model_slots[] = {
    {Py_tp_new, (void *)model_new},
    {Py_tp_dealloc, (void *)model_dealloc},
    {Py_tp_methods, model_methods},
    {0, NULL},
};

PyType_Spec py_model_spec = {"freehold._freehold.Model", sizeof(model_object), 0, Py_TPFLAGS_DEFAULT, model_slots};
