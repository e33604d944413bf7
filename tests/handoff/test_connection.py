"""The socket machine without a socket: greetings, limits, heartbeat, outbox."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff import protocol
from handoff.connection import Connection, Limits, Rate, encoded
from handoff.protocol import Delta, Frame, Hello, Msg, Pong, Send, Sub

HELLO = '{"t":"hello","v":1,"ticket":"x","lang":"en"}'
FREE = Limits(sends=Rate(10_000, 1.0), frames=Rate(10_000, 1.0))


def fresh(**fields: Any) -> Connection:
    return Connection(now=0.0, **fields)


def welcomed(limits: Limits = FREE) -> Connection:
    connection = fresh(limits=limits)
    assert isinstance(connection.receive(HELLO, 0.0), Hello)
    connection.welcome()
    return connection


def out(connection: Connection) -> list[dict[str, Any]]:
    """Everything that would be written."""
    written = []
    while (frame := connection.head()) is not None:
        written.append(json.loads(frame.text))
        connection.written(0.0)
    return written


def code(connection: Connection) -> int | None:
    """The close code, None while the socket stays."""
    return None if connection.closing is None else connection.closing.code


def send(text: str = "你好", cid: str = "c1", **fields: Any) -> str:
    return json.dumps({"t": "send", "cid": cid, "conv": "k", "body": {"text": text}} | fields)


def row(seq: int, text: str = "x") -> Frame:
    return Msg(conv="k", seq=seq, id=str(seq), from_="bot", kind="text", body={"text": text}, ts=0)


class TestGreeting:
    def test_hello_reaches_the_application(self) -> None:
        connection = fresh()
        hello = connection.receive(HELLO, 0.0)
        assert isinstance(hello, Hello) and hello.ticket == "x"
        assert connection.state == "checking" and connection.language == "en"

    @pytest.mark.parametrize("frame", [send(), '{"t":"ping"}', '{"t":"nope"}', '{"t":"sub","conv":"k"}'])
    def test_anything_else_first_hangs_up(self, frame: str) -> None:
        connection = fresh()
        assert connection.receive(frame, 0.0) is None
        assert connection.closing is not None
        assert (connection.closing.code, connection.closing.name) == (4502, "hello_first")

    def test_a_second_frame_while_the_ticket_is_looked_at_hangs_up(self) -> None:
        connection = fresh()
        connection.receive(HELLO, 0.0)
        connection.receive(send(), 0.0)
        assert code(connection) == 4502

    def test_another_version_hangs_up_in_words(self) -> None:
        connection = fresh()
        connection.receive('{"t":"hello","v":99,"ticket":"x","lang":"en"}', 0.0)
        assert connection.closing is not None and connection.closing.name == "bad_version"
        assert out(connection)[-1]["text"].startswith("This protocol version")

    def test_silence_hangs_up_after_five_seconds(self) -> None:
        connection = fresh()
        connection.tick(4.9)
        assert code(connection) is None
        connection.tick(5.1)
        assert code(connection) == 4500


class TestBadInput:
    @pytest.mark.parametrize(
        ("frame", "expected"),
        [
            ('{"t":"nope","cid":"c9"}', "unknown_frame"),
            ('{"t":"send","cid":"c9"}', "bad_frame"),
            ('{"t":"send","cid":"c9","conv":7,"body":{"text":"x"}}', "bad_frame"),
            ("[1,2]", "unknown_frame"),
            ("12", "unknown_frame"),
            (HELLO, "bad_frame"),
            ('{"t":"read","conv":"k","seq":-1}', "bad_frame"),
            ('{"t":"sub","conv":"' + "k" * 65 + '"}', "not_found"),
            (send(""), "text_empty"),
            (send(" \n\t"), "text_empty"),
            (send("字" * 8_001), "text_too_long"),
            (send(cid=""), "bad_frame"),
            (send(cid="c" * 65), "bad_frame"),
            (send(body={"text": "x", "attachments": [{"url": "javascript:1"}]}), "attachments_refused"),
        ],
    )
    def test_it_is_refused_with_a_stable_code_and_the_socket_stays(self, frame: str, expected: str) -> None:
        connection = welcomed()
        assert connection.receive(frame, 1.0) is None
        nack = out(connection)[-1]
        assert (nack["t"], nack["code"]) == ("nack", expected) and nack["text"]
        assert code(connection) is None

    @pytest.mark.parametrize(
        "frame",
        [
            "{",
            "",
            "\x00",
            '{"t":"ping"',
            '{"t":"send","cid":"\\ud800"}',
            "NaN",
            "{'t':1}",
            "[" * 60_000,
            "0:",
        ],
    )
    def test_what_is_no_json_hangs_up(self, frame: str) -> None:
        connection = welcomed()
        assert connection.receive(frame, 1.0) is None
        assert connection.closing is not None and connection.closing.name == "bad_json"

    def test_binary_hangs_up(self) -> None:
        connection = welcomed()
        assert connection.receive(b'{"t":"ping"}', 1.0) is None
        assert connection.closing is not None and connection.closing.name == "binary_frame"

    def test_nothing_is_accepted_after_the_goodbye(self) -> None:
        connection = welcomed()
        connection.close(4001)
        assert connection.receive(send(), 1.0) is None
        assert [frame["t"] for frame in out(connection)] == ["bye"]

    @given(st.text() | st.binary())
    @settings(max_examples=300, deadline=None)
    def test_no_input_breaks_it(self, data: str | bytes) -> None:
        connection = welcomed()
        connection.receive(data, 1.0)
        for frame in out(connection):
            protocol.decode_server(json.dumps(frame))

    def test_the_longest_text_passes(self) -> None:
        frame = welcomed().receive(send("字" * 8_000), 1.0)
        assert isinstance(frame, Send)


class TestRates:
    def test_twenty_sends_in_ten_seconds_then_a_nack_with_the_time_to_wait(self) -> None:
        connection = welcomed(Limits())
        assert all(connection.receive(send(cid=f"c{n}"), 0.0) for n in range(20))
        assert connection.receive(send(cid="c20"), 0.0) is None
        nack = out(connection)[-1]
        assert nack["code"] == "rate_limited"
        assert 0 < nack["retry_ms"] <= 501
        assert connection.receive(send(cid="c20"), nack["retry_ms"] / 1000) is not None

    def test_a_flood_hangs_up(self) -> None:
        connection = welcomed(Limits())
        for _ in range(200):
            connection.receive('{"t":"pong"}', 0.0)
        assert code(connection) == 4102


class TestHeartbeat:
    def test_a_ping_is_answered_here(self) -> None:
        connection = welcomed()
        assert connection.receive('{"t":"ping","n":7}', 1.0) is None
        assert out(connection) == [{"t": "pong", "n": 7}]

    def test_silence_is_pinged_and_then_given_up(self) -> None:
        connection = welcomed()
        connection.tick(25.1)
        assert out(connection) == [{"t": "ping", "n": 1}]
        connection.tick(35.0)
        assert code(connection) is None
        connection.tick(35.2)
        assert code(connection) == 4100

    def test_any_frame_is_life(self) -> None:
        connection = welcomed()
        connection.tick(25.1)
        out(connection)
        connection.receive(protocol.encode(Pong(n=1)).decode(), 30.0)
        connection.tick(54.0)
        assert (code(connection), out(connection)) == (None, [])


class TestOutbox:
    def test_frames_leave_in_order(self) -> None:
        connection = welcomed()
        for seq in range(1, 6):
            connection.send(row(seq))
        assert [frame["seq"] for frame in out(connection)] == [1, 2, 3, 4, 5]

    def test_what_is_ephemeral_is_dropped_at_half(self) -> None:
        connection = welcomed()
        for seq in range(128):
            connection.send(row(seq))
        connection.push(encoded(Delta(conv="k", stream="s", n=0, text="…")), droppable=True)
        assert (connection.backlog, connection.dropped) == (128, 1)

    def test_the_257th_frame_closes_a_reader_that_does_not_read(self) -> None:
        connection = welcomed()
        for seq in range(257):
            connection.send(row(seq))
        assert code(connection) == 4101
        assert [frame["t"] for frame in out(connection)] == ["bye"]

    def test_so_does_a_mebibyte(self) -> None:
        connection = welcomed()
        for seq in range(20):
            connection.send(row(seq, "字" * 20_000))
        assert code(connection) == 4101

    def test_and_ten_seconds_without_progress(self) -> None:
        connection = welcomed()
        connection.receive('{"t":"pong"}', 100.0)
        connection.tick(100.0)
        connection.send(row(1))
        connection.receive('{"t":"pong"}', 109.0)
        connection.tick(109.0)
        assert code(connection) is None
        connection.receive('{"t":"pong"}', 110.5)
        connection.tick(110.5)
        assert code(connection) == 4101

    @given(st.lists(st.booleans(), max_size=600))
    @settings(max_examples=50, deadline=None)
    def test_its_bounds_hold(self, droppable: list[bool]) -> None:
        connection = welcomed()
        for number, loose in enumerate(droppable):
            connection.push(encoded(row(number)), droppable=loose)
        assert connection.backlog <= protocol.MAX_OUTBOX_FRAMES


def test_sub_reaches_the_application() -> None:
    assert isinstance(welcomed().receive('{"t":"sub","conv":"k","after":3}', 1.0), Sub)
