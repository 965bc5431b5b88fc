import aiohttp
import pytest
from aiohttp import web

from sandbox.faults import Fault, FaultQueue, cut


def test_a_fault_is_used_as_often_as_was_asked_and_then_gone():
    faults = FaultQueue()
    faults.add("chat.postMessage", Fault(status=500), times=2)

    assert [faults.next("chat.postMessage") for _ in range(3)] == [Fault(status=500), Fault(status=500), None]
    assert not faults


def test_a_fault_without_a_number_stays_until_it_is_cleared():
    faults = FaultQueue()
    faults.add("chat.*", Fault(drop=True), times=None)

    assert all(faults.next("chat.update") for _ in range(5))
    faults.clear("chat.*")
    assert faults.next("chat.update") is None


def test_faults_request_meets_matching_fault_oldest_first():
    faults = FaultQueue()
    faults.add("views.*", Fault(status=503))
    faults.add("GET /v1/organizations/*/apps", Fault(status=429, retry_after=2))
    faults.add("GET /v1/*", Fault(latency=1))

    assert faults.next("GET /v1/organizations/acme/apps") == Fault(status=429, retry_after=2)
    assert faults.next("GET /v1/organizations/acme/apps") == Fault(latency=1)
    assert faults.next("POST /v1/organizations/acme/apps") is None
    assert faults.next("views.open") == Fault(status=503)


def test_clearing_one_target_leaves_the_others():
    faults = FaultQueue()
    faults.add("a", Fault(status=500))
    faults.add("b", Fault(status=501))
    faults.clear("a")

    assert faults.next("a") is None
    assert faults.next("b") == Fault(status=501)
    faults.add("c", Fault())
    faults.clear()
    assert not faults


def test_faults_fired_are_recorded_in_order():
    faults = FaultQueue()
    faults.add("*", Fault(drop=True), times=None)
    faults.next("one")
    faults.next("two")

    assert faults.fired == [("one", Fault(drop=True)), ("two", Fault(drop=True))]


@pytest.mark.parametrize("times", [0, -1])
def test_a_fault_for_less_than_one_request_is_refused(times):
    with pytest.raises(ValueError, match="at least 1"):
        FaultQueue().add("*", Fault(), times=times)


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        (Fault(latency=1), False),
        (Fault(drop=True), False),
        (Fault(drop_after=True), False),
        (Fault(status=500), True),
        (Fault(error="fatal_error"), True),
        (Fault(code=5004), True),
        (Fault(body="<html>"), True),
    ],
)
def test_a_fault_knows_whether_it_replaces_the_work(fault, answers):
    assert fault.answers is answers


async def test_a_cut_connection_gives_the_caller_no_answer():
    async def handler(request):
        return cut(request)

    app = web.Application()
    app.router.add_route("*", "/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.post(f"http://{host}:{port}/")
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"http://{host}:{port}/")
    finally:
        await runner.cleanup()
