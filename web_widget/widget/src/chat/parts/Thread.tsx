import { asEvent, type Row } from "@jieli/protocol";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatState } from "../model.ts";
import type { ChatSession } from "../session.ts";
import { fill, useWords } from "../words/index.ts";
import { AgentBubble, BotBubble, Dots, EventLine, OutgoingBubble, OwnBubble, StreamBubble } from "./Bubbles.tsx";
import { Icon } from "./icons.tsx";
import { Welcome } from "./Welcome.tsx";

const NEAR_PX = 90;
const ABOVE_PX = 12;
const QUIET_EVENTS = new Set(["opened", "rated", "offered_person"]);

function dayOf(ts: number, locale: string, words: { today: string; yesterday: string }): string {
  const day = new Date(ts).toDateString();
  const now = Date.now();
  if (day === new Date(now).toDateString()) return words.today;
  if (day === new Date(now - 86_400_000).toDateString()) return words.yesterday;
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(ts);
}

const visible = (row: Row) => row.kind === "text" || row.kind === "bot_failed" || (row.kind === "event" && !QUIET_EVENTS.has(asEvent(row).event));

/** Where the thread comes to rest: at its end, but never past the beginning of an answer that is still being read. */
export function restAt(end: number, answerTop: number | null): number {
  return answerTop === null ? end : Math.max(0, Math.min(end, answerTop - ABOVE_PX));
}

/** The conversation: keeps to the newest unless the reader has scrolled up, and loads older rows on the way up. */
export function Thread({ state, session }: { state: ChatState; session: ChatSession }) {
  const { w, locale } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  const [away, setAway] = useState(false);
  const rows = state.rows.filter(visible);
  const oldest = rows[0]?.seq;
  const oldestShown = useRef(oldest);

  const lastRow = rows.at(-1);
  const fresh = lastRow?.from === "bot" && lastRow.kind === "text" && !state.outgoing.length ? (lastRow.stream ?? String(lastRow.seq)) : null;
  const answer = state.stream?.id ?? fresh;
  const reading = useRef(answer);
  reading.current = answer;
  const released = useRef<string | null>(null); // the answer whose end the reader has gone to
  const ours = useRef(-1);
  const settle = () => {
    const element = box.current;
    if (!element) return;
    const held = reading.current !== null && reading.current !== released.current ? element.querySelector("[data-answer]") : null;
    const top = held ? held.getBoundingClientRect().top - element.getBoundingClientRect().top + element.scrollTop : null;
    element.scrollTop = restAt(element.scrollHeight - element.clientHeight, top);
    ours.current = element.scrollTop;
    if (held) setAway(element.scrollHeight - element.scrollTop - element.clientHeight > NEAR_PX);
  };
  const sending = state.outgoing.length;
  useEffect(() => {
    if (sending) setAway(false);
  }, [sending]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (oldestShown.current !== oldest && oldestShown.current !== undefined) element.scrollTop += element.scrollHeight - height.current;
    else if (!away) settle();
    oldestShown.current = oldest;
    height.current = element.scrollHeight;
  });

  const follows = useRef(true);
  follows.current = !away;
  useEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      if (follows.current) settle();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const far = element.scrollHeight - element.scrollTop - element.clientHeight > NEAR_PX;
    setAway(far);
    if (!far && Math.abs(element.scrollTop - ours.current) > 2) released.current = answer;
    if (element.scrollTop < NEAR_PX) void session.older();
  };
  const lastOwn = rows.findLast((row) => row.from === "visitor");
  const lastBot = rows.findLast((row) => row.from === "bot");
  const items = rows.map((row, index) => {
    const before = rows[index - 1];
    const newDay = !before || new Date(before.ts).toDateString() !== new Date(row.ts).toDateString();
    const first = newDay || before.kind !== row.kind || before.from !== row.from || before.name !== row.name;
    return (
      <div key={row.seq} class="item" data-seq={row.seq} data-answer={!state.stream && fresh && row === lastRow ? "" : undefined}>
        {newDay && <div class="day">{dayOf(row.ts, locale, w)}</div>}
        {row.kind === "event" && <EventLine row={row} />}
        {row.kind === "bot_failed" && <div class="event">{w.cutOff}</div>}
        {row.kind === "text" && row.from === "visitor" && (
          <OwnBubble row={row} status={row !== lastOwn || state.outgoing.length ? null : row.seq <= state.seen ? "seen" : "sent"} />
        )}
        {row.kind === "text" && row.from === "bot" && <BotBubble row={row} first={first} latest={row === lastBot} state={state} session={session} />}
        {row.kind === "text" && row.from === "agent" && <AgentBubble row={row} first={first} />}
      </div>
    );
  });
  return (
    <div class="thread-box">
      <div class="thread" ref={box} role="log" aria-live="polite" aria-relevant="additions" aria-label={w.log} tabIndex={0} onScroll={onScroll}>
        {state.more ? (
          <button type="button" class="text older" onClick={() => void session.older()}>
            {w.older}
          </button>
        ) : (
          <Welcome state={state} session={session} />
        )}
        {items}
        {state.outgoing.map((item) => (
          <OutgoingBubble key={item.cid} item={item} session={session} />
        ))}
        {state.stream && <StreamBubble text={state.stream.text} />}
        {state.thinking && !state.stream && state.connection.state === "open" && <Dots kind="bot" name={w.bot} label={w.thinking} />}
        {state.typing !== null && <Dots kind="agent" name={state.typing} label={fill(w.typing, { name: state.typing })} />}
      </div>
      {away && (
        <button type="button" class="jump" aria-label={w.jump} onClick={() => box.current?.scrollTo({ top: box.current.scrollHeight, behavior: "smooth" })}>
          <Icon name="arrow" size={18} />
        </button>
      )}
    </div>
  );
}
