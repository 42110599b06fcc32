"""The embedded PostgreSQL starts, is shared, survives what happens to servers, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest

from config import embedded


def test_it_runs_inside_the_block_and_not_after(data: Path) -> None:
    with embedded.running(data) as url:
        assert url == embedded.url(data)
        with psycopg.connect(url) as connection:
            shown = connection.execute("SHOW listen_addresses").fetchone(), connection.execute("SHOW fsync").fetchone()
        assert shown == (("",), ("on",))
    assert not embedded.is_running(data)


def test_the_last_to_leave_stops_it(made: Path) -> None:
    with embedded.running(made):
        with embedded.running(made):
            pid = _pid(made)
        assert _pid(made) == pid
    assert not embedded.is_running(made)


def test_another_program_finds_it_running(made: Path) -> None:
    code = "import sys; from pathlib import Path; from config import embedded\n"
    code += "with embedded.running(Path(sys.argv[1])): pass"
    with embedded.running(made):
        pid = _pid(made)
        subprocess.run([sys.executable, "-c", code, str(made)], check=True)
        assert _pid(made) == pid


def test_committed_rows_survive_kill_9(made: Path) -> None:
    with embedded.running(made) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        _kill_9(made)
        embedded.ensure_running(made)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_what_a_dead_server_left_running_is_waited_for(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that write to the same files would spoil them."""
    with closing(psycopg.connect(embedded.ensure_running(made), autocommit=True)) as busy:
        left_over = psutil.Process(busy.info.backend_pid)
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        _kill_9(made)

        def end_it(seconds: float) -> None:
            with suppress(psutil.NoSuchProcess):
                left_over.kill()

        monkeypatch.setattr(embedded, "time", SimpleNamespace(sleep=end_it, monotonic=time.monotonic))
        embedded.ensure_running(made)
    assert "pre-existing shared memory block" in (made / "postgres" / "server.log").read_text()


def test_a_pid_file_that_names_another_program_is_no_server(made: Path) -> None:
    embedded.ensure_running(made)
    pid_file = made / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    _kill_9(made)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    embedded.ensure_running(made)
    assert _pid(made) != os.getpid()


def test_a_long_path_has_its_socket_elsewhere(data: Path) -> None:
    deep = data / ("long name " * 12)
    with embedded.running(deep) as url:
        assert "%2Ftmp%2Fpreceptor-" in url
        psycopg.connect(url).close()
    _socket_folder(deep).rmdir()


def test_a_socket_folder_that_somebody_laid_there_is_refused(data: Path) -> None:
    deep = data / ("long name " * 12)
    folder = _socket_folder(deep)
    folder.symlink_to(data)
    try:
        with pytest.raises(embedded.EmbeddedError, match="somebody else"):
            embedded.ensure_running(deep)
    finally:
        folder.unlink()


def test_data_of_another_version_is_left_alone(made: Path) -> None:
    version = made / "postgres" / "data" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(embedded.EmbeddedError, match="was made by PostgreSQL 9"):
        embedded.ensure_running(made)


def _socket_folder(data: Path) -> Path:
    return Path(str(psycopg.conninfo.conninfo_to_dict(embedded.url(data))["host"]))


def _pid(data: Path) -> int:
    return int((data / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


def _kill_9(data: Path) -> None:
    server = psutil.Process(_pid(data))
    server.kill()
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
