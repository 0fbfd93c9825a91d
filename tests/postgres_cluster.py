"""A throwaway cluster of PostgreSQL on a socket of its own, with passwords."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER, PASSWORD, PORT = "analyst", "correct-horse-battery", "54321"


def programs():
    """Return the newest folder of the server's programs; None where it is not installed, or nobody may start it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    started = shutil.which("initdb")
    folder = found[-1].parent if found else Path(started).parent if started else None
    return None if folder is None or (os.getuid() == 0 and not _owner()) else folder


def _owner():
    """Return whom a server is started as where root runs the tests, which it refuses to be."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


class Cluster:
    """A server; `environment` is what its clients need."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.owner = {"user": _owner()} if os.getuid() == 0 else {}
        self.environment = {
            "PGHOST": str(folder), "PGPORT": PORT, "PGUSER": USER, "PGPASSWORD": PASSWORD, "PGPASSFILE": str(folder / "none"),
        }  # fmt: skip

    def call(self, program, *arguments):
        done = subprocess.run(
            [self.programs / program, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=60,
            **self.owner,
        )
        assert done.returncode == 0, done.stderr

    def start(self):
        options = f"-k {self.folder} -p {PORT} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB"
        self.call("pg_ctl", "-w", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "start")

    def stop(self, how="immediate"):
        self.call("pg_ctl", "-D", self.folder / "data", "-m", how, "stop")

    def execute(self, sql, rows=None):
        e = self.environment
        with psycopg.connect(
            host=e["PGHOST"], port=PORT, user=USER, password=PASSWORD, dbname="postgres"
        ) as connection:
            if rows is not None:
                with connection.cursor().copy(sql) as copy:
                    copy.write(rows)
                return None
            done = connection.execute(sql)
            return done.fetchall() if done.description else None

    def load(self, name, frame):
        """Make a table of a frame of numbers and texts."""
        kinds = {"i": "bigint", "f": "double precision", "b": "boolean", "M": "timestamp"}
        columns = ", ".join(f'"{c}" {kinds.get(frame[c].dtype.kind, "text")}' for c in frame)
        self.execute(f'DROP TABLE IF EXISTS "{name}"; CREATE TABLE "{name}" ({columns})')
        self.execute(f'COPY "{name}" FROM STDIN (FORMAT csv)', frame.to_csv(index=False, header=False))


@contextmanager
def cluster(programs):
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    made = Cluster(programs, folder)
    # ends the server with the tests, however they end: its standard input is closed then
    end = 'cat; "$1" -D "$2/data" -m immediate stop; rm -rf "$2"'
    keeper = subprocess.Popen(
        ["sh", "-c", end, "sh", programs / "pg_ctl", folder], stdin=subprocess.PIPE, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **made.owner,
    )  # fmt: skip
    try:
        (folder / "password").write_text(PASSWORD)
        for path in (folder, folder / "password"):
            if made.owner:
                shutil.chown(path, _owner())
        made.call(
            "initdb",
            "-D",
            folder / "data",
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            folder / "password",
            "-E",
            "UTF8",
            "--no-sync",
        )
        made.start()
        yield made
    finally:
        try:
            keeper.communicate(timeout=30)
        except subprocess.TimeoutExpired:  # a fork of the tests lives on and holds its input open
            made.stop()
            keeper.kill()
        shutil.rmtree(folder, ignore_errors=True)
