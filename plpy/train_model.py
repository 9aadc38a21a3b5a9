"""The body of pgfeed._train_model: a process trains, and the session answers its queries.

CatBoost cannot be interrupted, and a session should not keep the memory that it takes. So the fit is in a process of
its own, which ends with the session. It has no connection: its statements run in this session, those of training as
pgfeed_owner, so that nobody has to let it in, and this session can be cancelled at any moment.
"""

import ctypes
import json
import os
import pickle
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
LENGTH = struct.Struct(">Q")
TICK_SECONDS = 0.02
TELL_SECONDS = 5
KEY = "pgfeed.training"
LOCK = "pg_catalog.hashtext('pgfeed.train_model')"
CODE = "loader/learning/child.py"
BUG = "XX000"
COUNT = re.compile(r", (\d+) of (\d+)$")
# What the process runs first: the text of child.py, which comes after its length.
START = (
    "import socket; stream = socket.socket(fileno=0).makefile('rwb');"
    " exec(stream.read(int(stream.readline()))); main(stream)"
)
# An operator of anybody's for oid = regprocedure would be taken before that of pg_catalog, which has to cast.
LIBRARY = """
    select p.prosrc from pg_catalog.pg_proc as p
    where p.oid = 'pgfeed._library()'::pg_catalog.regprocedure::pg_catalog.oid
"""
HOLDER = """
    select l.pid from pg_catalog.pg_locks as l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
        and l.objid::bigint = pg_catalog.hashtext('pgfeed.train_model')::bigint & 4294967295
        and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
"""


class Training:
    """The process that trains, and this session's end of the stream.

    statement: what the process waits for; form: it without its values. Limits: bytes of memory, threads, niceness.
    """

    def __init__(self, memory, threads, nice):
        self.statement, self.form, self.columns, self.received = None, None, {}, bytearray()
        self.is_idle = True  # no transaction of the process is open
        self.memory, self.nice, self.session = memory, nice, os.getpid()
        self.socket, end = socket.socketpair()
        self.said = tempfile.TemporaryFile()
        environment = {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.defpath, "LANG": "C.UTF-8",
            "PGFEED_THREADS": str(threads or ""), "OPENBLAS_NUM_THREADS": str(threads or os.cpu_count()),
        }
        self.libc = ctypes.CDLL(None)
        try:
            self.process = subprocess.Popen(
                [interpreter(), "-P", "-s", "-B", "-c", START], stdin=end, stdout=self.said, stderr=self.said,
                env=environment, cwd="/", start_new_session=True, preexec_fn=self.limit,
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            end.close()
        self.socket.setblocking(False)

    def limit(self):
        """Limit the process that this runs in, between fork and exec; it ends with the session from here on."""
        self.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.session:
            os._exit(1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (self.memory, self.memory))
        os.nice(self.nice)

    def write(self, plpy, data):
        """Send bytes, and let the session be cancelled meanwhile."""
        view = memoryview(data)
        while view:
            if select.select([], [self.socket], [], TICK_SECONDS)[1]:
                view = view[self.socket.send(view):]
            else:
                plpy.execute("select")

    def send(self, plpy, value):
        """Send an answer."""
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self.write(plpy, LENGTH.pack(len(data)) + data)

    def read(self, plpy, count):
        """Return so many bytes; nothing when the process has ended. The session can be cancelled meanwhile."""
        while len(self.received) < count:
            if select.select([self.socket], [], [], TICK_SECONDS)[0]:
                data = self.socket.recv(1 << 20)
                if not data:
                    return None
                self.received += data
            else:
                plpy.execute("select")
                if self.is_idle:
                    plpy.commit()  # no snapshot is held while nothing is read
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def message(self, plpy):
        """Return the next message of the process; None when it has ended."""
        header = self.read(plpy, LENGTH.size)
        data = header and self.read(plpy, LENGTH.unpack(header)[0])
        return json.loads(data) if data else None

    def end(self):
        """End the process and what belongs to it."""
        self.process.kill()
        self.process.wait()
        self.socket.close()
        self.said.close()

    def last_words(self):
        """Return the last line that the process has printed."""
        self.said.seek(max(self.said.seek(0, os.SEEK_END) - 2000, 0))
        return (self.said.read().decode(errors="replace").strip().splitlines() or [""])[-1]


def interpreter():
    """Return the program of the Python that this session runs in."""
    version = "python{}.{}".format(*sys.version_info)
    for folder in (sys.base_exec_prefix, "/usr", "/usr/local"):
        path = os.path.join(folder, "bin", version)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(version)


def _train_model(plpy, shared, variant, recipe, until, seed):
    """Train a variant, store the model, and return its version and the error: its code, message and hint, if any.

    shared: where _answer_training() finds the process. It commits, as training does, so that no lock and no snapshot
    is held while a model is fitted. A bug raises.
    """
    try:
        return trained(plpy, shared, variant, recipe, until, seed), None
    except (plpy.Error, plpy.SPIError) as error:
        if error.sqlstate == BUG:
            raise
        hint = error.spidata[2] if isinstance(error, plpy.SPIError) else error.hint
        return None, [error.sqlstate, str(error), hint]


def trained(plpy, shared, variant, recipe, until, seed):
    """Train a variant, store the model, and return its version."""
    require_transaction(plpy)
    day = plpy.execute(plpy.prepare("select pg_catalog.to_char($1, 'YYYY-MM-DD') as day", ["date"]), [until])[0]["day"]
    limits = plpy.execute("select memory, threads, nice from pgfeed._training_limits()")[0]
    if not plpy.execute(f"select pg_catalog.pg_try_advisory_lock({LOCK}) as is_free")[0]["is_free"]:
        holder = plpy.execute(HOLDER)
        plpy.error(
            f"a model is being trained by session {holder[0]['pid']}" if holder else "a model is being trained",
            hint="Wait until it is done; select * from pgfeed.health() says how far it is. Or end it: select"
            f" pg_cancel_backend({holder[0]['pid'] if holder else 'PID'})", sqlstate="55006",
        )
    name = plpy.execute("select pg_catalog.current_setting('application_name') as name")[0]["name"]
    plpy.commit()
    try:
        texts = json.loads(plpy.execute("select pgfeed._learning() as texts")[0]["texts"])
        library = plpy.execute(LIBRARY)[0]["prosrc"]
        try:
            training = shared[KEY] = Training(**limits)
        except FileNotFoundError as error:
            plpy.error(
                f"the server has no program {error}", hint="Install it there, or train from outside: pgfeed train"
                f" {variant}", sqlstate="55000",
            )
        job = {"variant": variant, "recipe": recipe, "until": day, "seed": seed, "memory": limits["memory"]}
        code = texts[CODE].encode()
        job |= {"library": library, "texts": texts}
        training.write(plpy, b"%d\n" % len(code) + code + json.dumps(job).encode() + b"\n")
        return answer(plpy, training, variant)
    finally:
        if training := shared.pop(KEY, None):
            training.end()
        plpy.rollback()
        rename(plpy, name)
        plpy.execute(f"select pg_catalog.pg_advisory_unlock({LOCK})")
        plpy.commit()


def require_transaction(plpy):
    """Raise where nothing can be committed or written."""
    if plpy.execute("select pg_catalog.pg_is_in_recovery() as is_standby")[0]["is_standby"]:
        plpy.error("a standby cannot train", hint="Call it on the primary.", sqlstate="25006")
    try:
        plpy.commit()
    except plpy.spiexceptions.InvalidTransactionTermination:
        plpy.error(
            "train_model() commits as it goes, and cannot inside a transaction block",
            hint="End the transaction first; with a driver switch autocommit on.", sqlstate="25001",
        )


def answer(plpy, training, variant):
    """Do what the process asks until it has a version, which is returned, or fails."""
    told, begun, last = None, 0.0, 0.0
    while message := training.message(plpy):
        if "sql" in message:
            training.statement, training.form, training.is_idle = message["sql"], message["form"], False
            plpy.execute("select pgfeed._answer_training()")
        elif "commit" in message:
            (plpy.commit if message["commit"] else plpy.rollback)()
            training.is_idle = True
        elif "progress" in message:
            step = message["progress"]
            rename(plpy, f"pgfeed training {variant}: {step}")
            now = time.monotonic()
            if told != (told := COUNT.sub("", step)):
                begun = last = now
                plpy.notice(told)
            elif now - last >= TELL_SECONDS:
                last = now
                plpy.notice(step + left(step, now - begun))
        elif "version" in message:
            return message["version"]
        else:
            fail(plpy, message["error"])
    status = training.process.wait()
    return fail(plpy, {
        "what": f"the training process ended with {f'signal {-status}' if status < 0 else f'exit code {status}'}",
        "cause": training.last_words(), "kind": "memory",
    })


def left(step, seconds):
    """Return how long a step that has taken so many seconds will still take, in words; nothing if that is unknown."""
    done, total = map(int, COUNT.search(step).groups()) if COUNT.search(step) else (0, 0)
    return f", about {seconds * (total - done) / done:.0f} s left" if done else ""


def rename(plpy, name):
    """Let pg_stat_activity, where health() looks, say what the session does."""
    plpy.execute(plpy.prepare("select pg_catalog.set_config('application_name', $1, false)", ["text"]), [name])


def fail(plpy, error):
    """Raise what ended the training."""
    kind = error["kind"]
    if kind == "memory":
        limit = plpy.execute("select pg_catalog.pg_size_pretty(memory) as size from pgfeed._training_limits()")
        plpy.error(
            ": ".join(filter(None, (error["what"], error.get("cause")))), sqlstate="53200",
            hint=f"It may take {limit[0]['size']}: set pgfeed.training_memory = '4GB', or give a recipe with fewer"
            " max_days.",
        )
    if kind == "known":
        plpy.error(error["what"], hint=f"Next: {error['next'] or 'select * from pgfeed.health()'}", sqlstate="55000")
    plpy.error(error["what"], detail=error["detail"], sqlstate=BUG)
