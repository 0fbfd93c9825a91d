"""A report may not load anything, whatever a researcher or the data put into it."""

import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xmresearch.report.document import Document, Part
from xmresearch.report.render import to_html

OWN = """# Answer {{#sec-answer}}

![own]({0}/a.png) <span style="color: rgb(1, 2, 3)" id="styled">styled</span>

```{{=html}}
<img src="{0}/b.png"><link rel="stylesheet" href="{0}/c.css"><script src="{0}/d.js"></script><iframe src="{0}/e"></iframe>
<script>document.title = "ran"; fetch("{0}/f")</script><object data="{0}/g"></object><video src="{0}/h"></video>
<style>@import url("{0}/i.css"); body {{ background: url("{0}/j.png") }}</style><base href="{0}/k/">
<img id="inline" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E">
```
"""


@pytest.fixture
def served():
    """A server that notes what it is asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_nothing_from_outside_is_loaded_and_nothing_runs(served, tmp_path):
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    from playwright.sync_api import sync_playwright

    address, asked = served
    text = to_html(Document("Own", "", "", "en", [Part("markdown", text=OWN.format(address))]))
    policy = re.compile(r"<meta http-equiv=.Content-Security-Policy[^>]*>\n")
    (tmp_path / "report.html").write_text(text, "utf-8")
    (tmp_path / "open.html").write_text(policy.sub("", text), "utf-8")
    seen = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for name in ("report", "open"):
            page = browser.new_page()
            page.goto((tmp_path / f"{name}.html").as_uri(), wait_until="load")
            page.wait_for_timeout(1000)
            seen[name] = (page.title(), sorted(asked))
            assert page.evaluate("getComputedStyle(document.querySelector('#styled')).color") == "rgb(1, 2, 3)"
            assert page.evaluate("document.querySelector('#inline').naturalWidth") == 9
            assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") != "400"
        browser.close()
    assert seen["report"] == ("Own", [])
    assert seen["open"][0] == "ran"
    assert len(seen["open"][1]) >= 8, "the page would load them if it might"
