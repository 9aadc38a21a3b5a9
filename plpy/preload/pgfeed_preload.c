/*
 * For shared_preload_libraries: starts Python in the postmaster and imports what serving needs, so that every
 * session is forked with it: its first call is fast, and the sessions share that memory.
 *
 * PL/Python starts Python at a session's first call, by PyImport_AppendInittab() and Py_Initialize(). The second does
 * nothing where Python runs. The first is fatal there from Python 3.12 on, so this library, which is loaded before
 * PL/Python, gives it another one with the same effect.
 *
 * sum_cells.c beside it is in the same library, for what the sessions compute.
 *
 * Build: see build_preload in ./run.
 */
#include "postgres.h"

#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>

#include "fmgr.h"
#include "miscadmin.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "pgfeed_preload knows PL/Python of PostgreSQL 15 to 18"
#endif

/* Of Python's stable interface, so that its headers are not needed. */
typedef struct _object PyObject;
extern void Py_InitializeEx(int install_signal_handlers);
extern int	Py_IsInitialized(void);
extern int	PyRun_SimpleStringFlags(const char *command, void *flags);
extern PyObject *PyImport_GetModuleDict(void);
extern int	PyDict_SetItemString(PyObject *dictionary, const char *key, PyObject *value);
extern void PyOS_BeforeFork(void);
extern void PyOS_AfterFork_Child(void);

PG_MODULE_MAGIC;

void		_PG_init(void);
PGDLLEXPORT int PyImport_AppendInittab(const char *name, PyObject *(*make) (void));

static const char imports[] =
"import gc, json, numpy\n"
#include "import_catboost.h"	/* plpy/import_catboost.py as a string */
"import_catboost()\n"
"gc.collect()\n"
"gc.freeze()\n";

/* Random numbers that are drawn from one state in every session would be the same ones. */
static const char reseed[] =
"import sys\n"
"if 'numpy.random' in sys.modules: sys.modules['numpy.random'].seed()\n";

static int
count_threads(void)
{
	DIR		   *folder = opendir("/proc/self/task");
	struct dirent *entry;
	int			count = 0;

	if (folder == NULL)
		return 1;
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

/* What PL/Python calls, once in a session, instead of Python's own. */
int
PyImport_AppendInittab(const char *name, PyObject *(*make) (void))
{
	PyObject   *module;

	if (!Py_IsInitialized())
	{
		int			(*original) (const char *, PyObject *(*) (void)) = dlsym(RTLD_NEXT, "PyImport_AppendInittab");

		return original(name, make);
	}
	/* The fork was the postmaster's: what Python does about one is done here. */
	PyOS_BeforeFork();
	PyOS_AfterFork_Child();
	module = make();
	if (module == NULL || PyDict_SetItemString(PyImport_GetModuleDict(), name, module) != 0)
		return -1;
	return PyRun_SimpleStringFlags(reseed, NULL);
}

void
_PG_init(void)
{
	char		path[MAXPGPATH];
	char	   *ctype;

	if (!process_shared_preload_libraries_in_progress)
		return;
	snprintf(path, sizeof(path), "%s/plpython3%s", pkglib_path, DLSUFFIX);
	if (dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL)
	{
		ereport(WARNING,
				(errmsg("pgfeed_preload does nothing: PL/Python was loaded before it"),
				 errhint("Name pgfeed_preload first in shared_preload_libraries.")));
		return;
	}
	ctype = pstrdup(setlocale(LC_CTYPE, NULL));
	Py_InitializeEx(0);
	if (PyRun_SimpleStringFlags(imports, NULL) != 0)
		ereport(WARNING,
				(errmsg("pgfeed_preload could not import what serving needs"),
				 errdetail("The lines above say why. Each session will try it itself.")));
	setlocale(LC_CTYPE, ctype);
	if (count_threads() > 1)
		ereport(FATAL,
				(errmsg("pgfeed_preload started a thread in the postmaster, which must have none"),
				 errhint("Start the server with OPENBLAS_NUM_THREADS=1, or leave pgfeed_preload out of shared_preload_libraries.")));
}
