"""The report over HTTP: for whoever may see all of a tenant, safe to show, narrowed by period and scope like the pages."""

import time
from pathlib import Path

from farthing.model.record import Record
from farthing.store import Store
from unit.dashboard.visitors import Sketches, a_place


async def _filled(store: Store) -> None:
    now_us = time.time_ns() // 1000
    await store.write(
        [
            Record(id=f"{no}", started_us=now_us, wire="openai.chat", feature=feature, cost=10**9, cost_state="computed", tenant=tenant)
            for no, (feature, tenant) in enumerate((("chat", "default"), ("<b>agent</b>", "default"), ("rival", "acme")))
        ]
    )  # fmt: skip


async def test_roles_and_tenants(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=_filled, studio=Sketches()) as place:
        viewer, own = await place.add_key("viewer", role="viewer"), await place.add_key("own")
        other = await place.add_key("other", role="viewer", tenant="acme")
        await place.visitor(own).open("/report", 403)
        text = await place.visitor(viewer).open("/report?period=month")
        assert "2 calls cost $2.00" in text and "&lt;b&gt;agent&lt;/b&gt;" in text and "rival" not in text
        assert "1 call cost $1.00" in (acme := await place.visitor(other).open("/report")) and "Tenant acme" in acme
        assert "Report of this month" in await place.visitor(viewer).open("/")
        assert "Report of this month" not in await place.visitor(own).open("/")


async def test_it_may_load_nothing_and_has_a_name(tmp_path: Path) -> None:
    async with a_place(tmp_path, before=_filled, studio=Sketches()) as place:
        answer = await place.visitor().web.get("/report?period=2026-01")
        assert answer.headers["content-disposition"] == 'inline; filename="farthing-report-2026-01.html"'
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-") and "script" not in policy
        assert "January 2026: 0 calls cost $0.00" in answer.text
        narrow = await place.visitor().open("/report?period=month&feature=chat")
        assert "feature chat" in narrow and "1 call cost $1.00" in narrow
        await place.visitor().open("/report?period=never", 400)
