"""The socket: codes, methods, limits, streams that stall or vanish, foreign pages, metrics, manuals' examples."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from support.daemon import BUILD, ROOT, SANITIZED
from support.feeds import item, items
from support.wait import SLOW, wait_for

MANUAL = (ROOT / "man" / "feedd-events.7").read_text()


@pytest.fixture
def log(server, feedd):
    """A daemon with six events in its log, and a notifier of each answer."""
    feed = server.feed("/a.xml", items(*range(1, 7)))
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}},
                    notify={"all": {"file": feedd.directory / "all.jsonl"},
                            "some": {"file": feedd.directory / "some.jsonl", "where": "title LIKE '%3'"}}).start()
    feedd.wait_items(6)
    feedd.feed = feed
    return feedd


def connect(feedd, data=b""):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20 * SLOW)
    client.connect(feedd.socket)
    client.sendall(data)
    return client


def answer(client, size=65536):
    """All that comes until the daemon closes, or what came when it reset."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(size):
            data += piece
    client.close()
    return data


def stream(feedd, path="/v1/events", head=b""):
    return connect(feedd, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: feedd\r\n" + head + b"\r\n")


@pytest.mark.parametrize("method, path, status, allow", [
    ("GET", "/", 404, None), ("GET", "/v1/nothing", 404, None), ("GET", "/v1/feeds/", 404, None),
    ("GET", "/v1/feeds/nobody", 404, None), ("POST", "/v1/feeds/nobody/poll", 404, None),
    ("POST", "/v1/feeds/nobody/resume", 404, None), ("GET", "/v1/feeds/nobody/why", 404, None),
    ("POST", "/v1/notifiers/nobody/test", 404, None), ("GET", "/v1/notifiers/nobody/match", 404, None),
    ("GET", "/v1/events/9999/why", 404, None), ("GET", "/v1/events/x/why", 400, None),
    ("POST", "/v1/status", 405, "GET, HEAD"), ("DELETE", "/v1/feeds/a", 405, "GET, HEAD"),
    ("GET", "/v1/reload", 405, "POST"), ("PUT", "/v1/consumers/c/ack", 405, "POST"),
    ("GET", "/v1/events?after=x", 400, None), ("GET", "/v1/events?after=-1", 400, None),
    ("GET", "/v1/events?limit=0", 400, None), ("GET", "/v1/events?wait=maybe", 400, None),
    ("GET", "/v1/events?where=title%20%3D", 400, None), ("GET", "/v1/events?consumer=a%2Fb", 400, None),
    ("GET", "/v1/events?feed=nobody", 404, None), ("GET", "/v1/items?limit=x", 400, None),
    ("GET", "/v1/items?q=%00", 400, None), ("GET", "/v1/%zz", 400, None),
    ("POST", "/v1/consumers/c/ack", 400, None), ("POST", "/v1/consumers/c/ack?seq=x", 400, None),
    ("POST", "/v1/retry?seq=x", 400, None),
])
def test_faults_are_told(log, method, path, status, allow):
    got = log.request(method, path)
    assert got.status == status
    assert got.headers["Content-Type"] == "application/json"
    assert got.json()["error"]
    assert got.headers.get("Allow") == allow
    assert log.get("/v1/status").status == 200


def test_head_has_the_headers_alone(log):
    for path in ("/v1/status", "/v1/feeds", "/v1/items", "/metrics", "/v1/events", "/v1/events?consumer=head"):
        got = log.request("HEAD", path)
        assert got.status == 200
        assert got.body == b""
    assert log.get("/v1/consumers").json()["consumers"] == [], "a look makes no consumer"


def test_a_connection_serves_several_requests(log):
    request = b"GET /v1/status HTTP/1.1\r\nHost: feedd\r\n%s\r\n"
    client = connect(log, request % b"" + request % b"" + request % b"Connection: close\r\n")
    assert answer(client).count(b"HTTP/1.1 200 OK") == 3


def test_the_state_of_a_feed(log):
    feed = log.get("/v1/feeds/a").json()
    assert feed["state"] == "ok"
    assert feed["items"] == 6
    assert feed["last_error"] is None
    assert feed["last_poll"].endswith("Z") and feed["next_poll"] > feed["last_poll"]
    assert feed["interval"] > 0
    listed = log.get("/v1/feeds").json()["feeds"]
    assert [f["name"] for f in listed] == ["a"]
    assert log.get("/v1/feeds/a/why").json()["name"] == "a"


def test_pages_of_items_lead_on(log):
    titles, path = [], "/v1/items?limit=4"
    while path:
        page = log.request("GET", path).json()
        titles += [i["title"] for i in page["items"]]
        path = page.get("next_url", "").removeprefix("http://feedd")
    assert titles == [f"Article {n}" for n in range(6, 0, -1)]
    ids = [i["_feedd"]["item"] for i in log.get("/v1/items").json()["items"]]
    assert [i["title"] for i in log.get("/v1/items", after=ids[2]).json()["items"]] == ["Article 6", "Article 5"]


def test_an_event_explains_itself(log):
    wait_for(lambda: log.get("/v1/events/3/why").json()["notifiers"][0]["state"] == "delivered", "the delivery")
    why = log.get("/v1/events/3/why").json()
    assert why["title"] == "Article 3"
    assert {n["notify"]: n["state"] for n in why["notifiers"]} == {"all": "delivered", "some": "delivered"}
    other = {n["notify"]: n for n in log.get("/v1/events/4/why").json()["notifiers"]}
    assert other["some"]["state"] == "held back"
    assert other["some"]["by"] == "where"


def test_match_rehearses_a_notifier(log):
    lines = log.get("/v1/notifiers/some/match", since="7d").text.splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["Article 3"]
    assert log.get("/v1/notifiers/some/match", since="2099-01-01").text == ""
    assert log.get("/v1/notifiers/all/match").text.count("\n") == 6
    assert log.get("/v1/notifiers/all/match", since="soon").status == 400
    assert "Article 3" in log.ctl("match", "some", "--since", "7d", check=0).stdout


def test_acknowledgements_never_go_back_nor_ahead(log):
    assert log.post("/v1/consumers/c/ack", seq=4).status == 404
    log.get("/v1/events", consumer="c", wait=0, limit=1)
    assert log.post("/v1/consumers/c/ack", seq=4).json() == {"consumer": "c", "seq": 4}
    assert log.post("/v1/consumers/c/ack", seq=2).json()["seq"] == 4
    beyond = log.post("/v1/consumers/c/ack", seq=999)
    assert beyond.status == 400 and "ends with 6" in beyond.json()["error"]
    log.kill9()
    log.start()
    assert [c["seq"] for c in log.get("/v1/consumers").json()["consumers"]] == [4]


def test_after_now_begins_with_the_next(log):
    client = stream(log, "/v1/events?after=now&limit=1", b"Connection: close\r\n")
    client.recv(1)  # the stream stands
    log.feed.add(item(7))
    log.poll("a")
    assert b"Article 7" in answer(client)


def test_idle_streams_give_and_want_a_sign_of_life(log):
    """Every 15 seconds, also while nothing else happens: a comment to server-sent events, a look at the others."""
    events = stream(log, "/v1/events?after=now", b"Accept: text/event-stream\r\n")
    vanished = stream(log, "/v1/events?after=now")
    vanished.recv(1)
    vanished.close()
    data = b""
    while b"\n: " not in data:
        data += events.recv(1000)
    wait_for(lambda: log.get("/v1/status").json()["socket"]["streams"] == 1, "the end of the other stream")
    events.close()


def test_http_1_0_is_answered_without_chunks(log):
    head, body = answer(connect(log, b"GET /v1/events?limit=2 HTTP/1.0\r\n\r\n")).split(b"\r\n\r\n", 1)
    assert b"chunked" not in head
    assert [json.loads(line)["title"] for line in body.splitlines()] == ["Article 1", "Article 2"]


# limit: request-line, request-headers, request-body
@pytest.mark.parametrize("data, statuses", [
    (b"GET /v1/items?q=" + b"a" * 60000 + b" HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", {200, 400}),
    (b"GET /v1/items?q=" + b"a" * 70000 + b" HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", {414}),
    (b"GET / HTTP/1.1\r\nHost: f\r\nX: " + b"a" * 200000 + b"\r\n\r\n", {431}),
    (b"POST /v1/reload HTTP/1.1\r\nHost: f\r\nContent-Length: 9000000\r\n\r\n", {413}),
    (b"POST /v1/reload HTTP/1.1\r\nHost: f\r\nContent-Length: -1\r\n\r\n", {400}),
    (b"GET /v1/status HTTP/1.1\r\n\r\n", {400}),
], ids=["long", "too-long", "long-headers", "long-body", "negative", "no-host"])
def test_requests_have_limits(log, data, statuses):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20 * SLOW)
    client.connect(log.socket)
    with contextlib.suppress(BrokenPipeError):
        client.sendall(data)
    got = answer(client)
    assert int(got.split(b" ", 2)[1]) in statuses
    assert log.get("/v1/status").status == 200


# limit: request-body
def test_an_endless_body_is_cut_off(log):
    client = connect(log, b"POST /v1/reload HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(OSError):
        for _ in range(1000):
            client.sendall(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
    assert log.get("/v1/status").status == 200


def test_a_socket_of_somebody_else_is_left_alone(log):
    os.unlink(log.socket)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(log.socket)
        log.stop()
        assert os.path.exists(log.socket)


# limit: parameters
def test_more_parameters_than_memory(log):
    """The library has no room to count them: no answer, but nobody else notices, and nothing is left of it at the stop."""
    target = b"/v1/items?" + b"&".join(b"a%d=b" % n for n in range(5000))
    crowd = [stream(log, target.decode()) for _ in range(log.get("/v1/status").json()["socket"]["max_clients"])]
    log.ctl("status", check=0)
    last = stream(log, target.decode())
    log.stop()
    for client in [*crowd, last]:
        client.close()


def test_foreign_pages_are_refused_on_tcp(server, feedd):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    feedd.configure(top={"listen": f"127.0.0.1:{port}"}).start()

    def ask(method="GET", path="/v1/status", **headers):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code

    assert ask() == 200
    assert ask(Host="localhost") == 200
    assert ask(Host="rebound.example") == 403
    assert ask(Host=f"rebound.example:{port}") == 403
    assert ask("POST", "/v1/reload") == 200
    assert ask("POST", "/v1/reload", Origin="http://evil.example") == 403
    assert ask("POST", "/v1/reload", Origin="null") == 403
    assert ask("POST", "/v1/reload", Origin=f"http://127.0.0.1:{port}") == 200
    assert re.search(r"127\.0\.0\.1 port \d+ asks for POST /v1/reload", feedd.log)
    assert len(re.findall("asks for POST /v1/reload", feedd.log)) == 2
    # An image of a foreign page comes without an Origin; it could make consumers, and hold streams.
    path = "/v1/events?consumer=made&wait=0"
    assert ask(path=path, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert ask(path=path, **{"Sec-Fetch-Site": "same-site"}) == 403
    assert feedd.get("/v1/consumers").json() == {"consumers": []}
    assert ask(path=path, **{"Sec-Fetch-Site": "none"}) == 200
    assert ask(path=path, **{"Sec-Fetch-Site": "same-origin"}) == 200


def test_listen_on_localhost(feedd):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    feedd.configure(top={"listen": f"localhost:{port}"}).start()
    assert urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/status", timeout=20).status == 200


# limit: clients
def test_new_consumers_are_streams_like_others(log):
    """They wait for their cursor, all at once, and are counted when they have it."""
    limit = log.get("/v1/status").json()["socket"]["max_clients"]
    clients = [connect(log) for _ in range(limit)]
    try:
        for n, client in enumerate(clients):
            client.sendall(f"GET /v1/events?after=now&consumer=c{n} HTTP/1.1\r\nHost: feedd\r\n\r\n".encode())
        heads = [client.recv(12) for client in clients]
        assert heads.count(b"HTTP/1.1 200") == limit * 3 // 4
        log.ctl("status", check=0)
    finally:
        for client in clients:
            client.close()


def test_who_asks_is_logged(log):
    for ask in (["reload"], ["retry"], ["test", "all"], ["resume", "a"], ["accept-move", "a"], ["release", "a"]):
        log.ctl(*ask)
    log.ctl("poll", "a", check=0)
    assert len(re.findall(rf"uid={os.geteuid()} pid=\d+ asks for POST /v1/", log.log)) == 6
    assert "/v1/feeds/a/accept-move" in log.log and "/poll" not in log.log


def test_the_socket_is_for_its_group(log):
    assert stat.S_IMODE(os.stat(log.socket).st_mode) == 0o660


# limit: clients
def test_streams_leave_room_for_others(log):
    limit = log.get("/v1/status").json()["socket"]["max_clients"]
    clients = [stream(log, "/v1/events?after=now") for _ in range(limit)]
    try:
        heads = [client.recv(12) for client in clients]
        assert heads.count(b"HTTP/1.1 200") == limit * 3 // 4
        assert heads.count(b"HTTP/1.1 503") == limit - limit * 3 // 4
        log.ctl("status", check=0)
    finally:
        for client in clients:
            client.close()
    # Those that have gone are seen when they are written to, or at the next look.
    log.feed.add(item(8))
    log.poll("a")
    wait_for(lambda: log.get("/v1/status").json()["socket"]["streams"] == 0, "the end of the streams", 40)


def test_silent_clients_do_not_keep_others_out(log):
    limit = log.get("/v1/status").json()["socket"]["max_clients"]
    silent = [connect(log) for _ in range(limit + 20)]
    try:
        begun = time.monotonic()
        log.ctl("status", check=0)
        assert time.monotonic() - begun < 15 * SLOW
    finally:
        for client in silent:
            client.close()


# limit: event-slice
def test_a_stream_that_does_not_read_costs_little_and_loses_nothing(server, feedd):
    feed = server.feed("/a.xml", [item(n, html="x" * 20000) for n in range(1, 500)])
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}}).start()
    feedd.wait_items(499)

    def resident():
        text = pathlib.Path(f"/proc/{feedd.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    before = resident()
    mute = [stream(feedd, "/v1/events?wait=0", b"Connection: close\r\n") for _ in range(10)]
    assert len(feedd.events()) == 499
    if not SANITIZED:
        assert resident() - before < 20 * 1024
    text = answer(mute[0]).decode()
    assert [f"Article {n}" for n in range(1, 500)] == re.findall(r'"title":"(Article \d+)"', text)
    for client in mute[1:]:
        client.close()


# limit: event-slice
def test_long_events_come_whole_in_either_form(server, feedd):
    texts = {1: "short", 2: "y" * 2_500_000, 3: "z" * 1_200_000, 4: "short"}
    feed = server.feed("/a.xml", [item(n, html=text) for n, text in texts.items()])
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}}).start()
    feedd.wait_items(4)
    lines = feedd.get("/v1/events", wait=0).text.splitlines()
    assert [json.loads(line)["content_html"] for line in lines] == list(texts.values())
    blocks = feedd.get("/v1/events", wait=0, limit=3, headers={"Accept": "text/event-stream"}).text.strip().split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == ["id: 1", "id: 2", "id: 3"]
    assert [block.split("\ndata: ")[1] for block in blocks] == lines[:3]
    filtered = feedd.get("/v1/events", wait=0, where="content_html LIKE 'y%'").text.splitlines()
    assert filtered == lines[1:2]


def test_ten_thousand_events_reach_a_new_client(server, feedd):
    feeds = {}
    for name in ("a", "b", "c"):
        feed = server.feed(f"/{name}.xml", [item(n, html=f"{name} {n}") for n in range(1, 3400)])
        feeds[name] = {"url": feed.url, "backlog": "all"}
    feedd.configure(feeds=feeds).start()
    wait_for(lambda: feedd.get("/v1/status").json()["events"] == 3 * 3399, "all events", 60)
    text = feedd.get("/v1/events", wait=0).text
    seqs = [int(n) for n in re.findall(r'"_feedd":{"seq":(\d+)', text)]
    assert seqs == list(range(1, 3 * 3399 + 1))


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (package prometheus) is not installed")
def test_metrics_please_promtool(log):
    subprocess.run(["promtool", "check", "metrics"], input=log.get("/metrics").text, text=True, check=True, timeout=20)


def test_metrics_tell_every_lag(log):
    log.get("/v1/events", consumer="slow", after=2, wait=0)
    text = log.get("/metrics").text
    assert 'feedd_lag_events{consumer="slow"} 4' in text
    assert 'feedd_lag_events{notifier="all"}' in text
    names = re.findall(r"^# TYPE (\w+) ", text, re.M)
    assert len(names) == len(set(names)), "each metric is described once"
    series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series)), "no series stands twice"


def example(name):
    """An example of the manual, as mandoc prints it."""
    text = MANUAL.split(f'.\\" example: {name}\n')[1]
    text = text.split(".Bd -literal -offset indent\n")[1].split("\n.Ed")[0]
    return text.replace("\\e", "\\") + "\n"


@contextlib.contextmanager
def running(feedd, command):
    process = subprocess.Popen(command, cwd=feedd.directory, stdout=subprocess.PIPE, text=True, start_new_session=True,
                               env={**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "FEEDD_SOCKET": feedd.socket})
    try:
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        process.stdout.close()


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def cursor(feedd, name):
    return next((c["seq"] for c in feedd.get("/v1/consumers").json()["consumers"] if c["name"] == name), 0)


@pytest.mark.parametrize("name, file, consumer", [("shell", "titles.txt", "titles"), ("curl", "urls.txt", "web")])
def test_the_manual_s_shell_examples(log, name, file, consumer):
    if not shutil.which("jq") or not shutil.which("curl"):
        pytest.skip("jq and curl are needed")
    with running(log, ["bash", "-c", example(name)]):
        wait_for(lambda: cursor(log, consumer) == 6, "six acknowledgements")
    with running(log, ["bash", "-c", example(name)]):
        log.feed.add(item(7))
        log.poll("a")
        wait_for(lambda: cursor(log, consumer) == 7, "the seventh")
    assert len(lines_of(log.directory / file)) == 7


def test_the_manual_s_python_example(log):
    with running(log, [sys.executable, "-c", example("python")]) as process:
        assert [process.stdout.readline().strip() for _ in range(6)] == [f"{n} Article {n}" for n in range(1, 7)]
        wait_for(lambda: cursor(log, "python") == 6, "the acknowledgements")


def test_the_manual_s_hook(server, feedd):
    feed, hook, kept = server.feed("/a.xml", items(1, 2, 3)), feedd.directory / "keep.py", feedd.directory / "kept"
    hook.write_text(example("hook"))
    hook.chmod(0o755)
    feedd.configure(feeds={"a": {"url": feed.url, "backlog": "all"}},
                    notify={"keep": {"exec": [hook, kept], "batch": 2, "batch_wait": "1s"}}).start()
    wait_for(lambda: kept.exists() and len([f for f in kept.iterdir() if f.read_text().rstrip().endswith("}")]) == 3, "three files")
    assert json.loads((kept / "2.json").read_text())["title"] == "Article 2"


def test_the_manual_s_signature():
    names = {}
    exec(compile(example("verify"), "feedd-events.7", "exec"), names)
    secret, body, stamp = "whsec_" + base64.b64encode(b"key" * 8).decode(), b'{"a":1}', str(int(time.time()))
    mac = hmac.new(b"key" * 8, f"feedd-1.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {"webhook-id": "feedd-1", "webhook-timestamp": stamp, "webhook-signature": "v1," + base64.b64encode(mac).decode()}
    assert names["is_ours"](secret, headers, body)
    assert not names["is_ours"](secret, headers, body + b" ")
    assert not names["is_ours"](secret, {**headers, "webhook-timestamp": str(int(stamp) - 600)}, body)
