"""The full set, downloaded and cached. A server of the tests' own stands for the network."""

from __future__ import annotations

import errno
import gzip
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from digit_files import NAMES, nothing_set, the_small_set  # noqa: F401

from course import datasets, idx
from course.datasets import DatasetError, full_mnist


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body, promised = self.server.answers.get(self.path, (404, b"", 0))
        self.server.asked.append(self.path)
        self.send_response(status)
        if promised is not None:
            self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """A web server on this machine. `answers`: path to (status, body, promised length or None for none)."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers, server.asked = {}, []
        server.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def serve(server, arrays, folder="/mnist", change=lambda body: body, promise=len):
    for name, array in arrays.items():
        body = gzip.compress(idx.idx_bytes(array))
        server.answers[f"{folder}/{name}.gz"] = (200, change(body), promise(body))


def cached(tmp_path) -> list[str]:
    return sorted(path.relative_to(tmp_path / "cache").as_posix()
                  for path in (tmp_path / "cache").rglob("*") if path.is_file())


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("promise", [len, lambda body: None], ids=["with length", "without length"])
def test_the_set_is_downloaded_once_and_then_cached(tmp_path, small, server, capfd, slash, promise):
    serve(server, small, promise=promise)
    mirrors = [server.address + "/mnist" + slash]
    first = full_mnist("train", mirrors=mirrors)
    assert np.array_equal(first.images, small[NAMES[0]]) and np.array_equal(first.labels, small[NAMES[1]])
    assert cached(tmp_path) == [f"mnist/{name}.gz" for name in sorted(NAMES[:2])]
    out, err = capfd.readouterr()
    assert out == "" and NAMES[0] in err  # progress, and not among a program's results
    assert len(server.asked) == 2
    assert np.array_equal(full_mnist("train", mirrors=mirrors).images, first.images)
    assert len(server.asked) == 2
    assert len(full_mnist("test", mirrors=mirrors)) == 30
    assert len(server.asked) == 4


def test_the_default_cache_is_in_the_home_folder(tmp_path, monkeypatch, small, server):
    monkeypatch.delenv("TEROX_CACHE")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    serve(server, small)
    full_mnist("test", mirrors=[server.address + "/mnist"])
    assert (tmp_path / ".cache" / "terox" / "mnist" / f"{NAMES[2]}.gz").is_file()

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(DatasetError, match="Set TEROX_CACHE"):
        full_mnist("test")


OTHER = idx.gzip_bytes(idx.idx_bytes(np.zeros(3, np.uint8)))  # whole, and not what was asked for


@pytest.mark.parametrize("damage", [lambda body: body[:50], lambda body: b"", lambda body: OTHER])
def test_a_damaged_cache_mends_itself(tmp_path, small, server, damage):
    serve(server, small)
    mirrors = [server.address + "/mnist"]
    full_mnist("train", mirrors=mirrors)
    path = tmp_path / "cache" / "mnist" / f"{NAMES[0]}.gz"
    path.write_bytes(damage(path.read_bytes()))
    assert np.array_equal(full_mnist("train", mirrors=mirrors).images, small[NAMES[0]])
    assert len(server.asked) == 3


def other_content(body: bytes) -> bytes:
    array = np.frombuffer(gzip.decompress(body), np.uint8).copy()
    array[-1] ^= 1
    return gzip.compress(array.tobytes())


BAD_ANSWERS = {
    "wrong checksum": (other_content, len, "wrong checksum"),
    "breaks half way": (lambda body: body[: len(body) // 2], len, r"broke after [\d,]+ (of [\d,]+ )?bytes"),
    "breaks half way, no length": (lambda body: body[: len(body) // 2], lambda body: None, "truncated"),
    "breaks at once": (lambda body: b"", len, "broke after 0"),
    "a web page": (lambda body: b"<html>Please log in</html>", lambda body: None, "no IDX file"),
    "empty": (lambda body: b"", lambda body: 0, "empty"),
    "too much": (lambda body: bytes(200_000), lambda body: None, "more than 100,000 bytes"),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_a_bad_download_is_an_error_and_leaves_nothing(tmp_path, monkeypatch, small, server, kind):
    change, promise, problem = BAD_ANSWERS[kind]
    monkeypatch.setattr(datasets, "MAX_DOWNLOAD", 100_000)
    serve(server, small, change=change, promise=promise)
    with pytest.raises(DatasetError, match=problem) as caught:
        full_mnist("train", mirrors=[server.address + "/mnist"])
    message = str(caught.value)
    assert NAMES[0] in message and server.address in message and "TEROX_DATA" in message
    assert "truncated.." not in message and ".part" not in message
    assert cached(tmp_path) == []


def test_the_next_mirror_is_tried_where_one_fails(tmp_path, small, server):
    serve(server, small, "/wrong", change=other_content)
    serve(server, small, "/good")
    mirrors = ["nonsense", *(server.address + path for path in ("/absent", "/wrong", "/good"))]
    assert np.array_equal(full_mnist("train", mirrors=mirrors).images, small[NAMES[0]])
    assert cached(tmp_path) == [f"mnist/{name}.gz" for name in sorted(NAMES[:2])]


def test_no_network_says_what_was_tried_and_what_to_do(tmp_path, monkeypatch, small, server):
    monkeypatch.setattr(datasets, "TIMEOUT", 2.0)
    mirrors = ["http://127.0.0.1:1/mnist", server.address + "/absent", "nonsense"]
    with pytest.raises(DatasetError) as caught:
        full_mnist("train", mirrors=mirrors)
    message = str(caught.value)
    for text in ("127.0.0.1:1/mnist/train-images-idx3-ubyte.gz", "no connection", "answered 404", "nonsense",
                 "Check the network", "TEROX_DATA"):
        assert text in message
    assert cached(tmp_path) == []
    with pytest.raises(DatasetError, match="no mirror is named"):
        full_mnist("train", mirrors=[])


def test_a_silent_server_is_given_up(tmp_path, monkeypatch, small):
    import socket

    monkeypatch.setattr(datasets, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DatasetError, match="no connection.*timed out"):
            full_mnist("train", mirrors=[address])
    assert cached(tmp_path) == []


def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch, small, server):
    serve(server, small)

    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "sha256", interrupted)
    with pytest.raises(KeyboardInterrupt):
        full_mnist("train", mirrors=[server.address + "/mnist"])
    assert cached(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_an_error_of_the_folder(tmp_path, monkeypatch, small, server):
    serve(server, small)
    mirrors = [server.address + "/mnist"] * 2
    file = tmp_path / "file"
    file.write_bytes(b"x")
    for given in (file, file / "below"):
        monkeypatch.setenv("TEROX_CACHE", str(given))
        with pytest.raises(DatasetError, match="cannot be written") as caught:
            full_mnist("train", mirrors=mirrors)
        assert str(given) in str(caught.value) and "TEROX_CACHE" in str(caught.value)
    assert server.asked == []  # nothing is fetched that cannot be kept
    monkeypatch.setenv("TEROX_CACHE", str(tmp_path / "cache"))

    def read_only(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", read_only)
        with pytest.raises(DatasetError, match="cannot be written: Permission denied"):
            full_mnist("train", mirrors=mirrors)
    assert cached(tmp_path) == []

    def full_disk(address, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "_fetch", full_disk)
        with pytest.raises(DatasetError, match="No space left on device. Free some"):
            full_mnist("train", mirrors=mirrors)
    assert cached(tmp_path) == []
