import { MAX_TEXT } from "@jieli/protocol";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatState } from "../model.ts";
import type { ChatSession } from "../session.ts";
import { fill, useWords } from "../words/index.ts";
import { Icon } from "./icons.tsx";

const COUNTER_FROM = MAX_TEXT - 500;
const TYPING_EVERY_MS = 2_000;
const TYPING_STOP_MS = 4_000;
const MAX_HEIGHT_PX = 132;

export function Composer({ state, session, focus }: { state: ChatState; session: ChatSession; focus: number }) {
  const { w } = useWords();
  const [text, setText] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const told = useRef(0);
  const stop = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const later = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const status = state.head?.status ?? "with_bot";
  const ready = state.phase === "ready";
  const length = Array.from(text).length;
  const over = length - MAX_TEXT;
  const sendable = ready && over <= 0 && text.trim() !== "";

  useEffect(() => {
    if (focus) area.current?.focus();
  }, [focus]);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, MAX_HEIGHT_PX)}px`;
  }, [text]);

  const quiet = () => {
    clearTimeout(stop.current);
    clearTimeout(later.current);
    if (told.current) session.typing(false, "");
    told.current = 0;
  };
  const send = () => {
    if (!sendable) return;
    quiet();
    session.say(text.trim());
    setText("");
    area.current?.focus();
  };
  const onInput = (value: string) => {
    setText(value);
    clearTimeout(stop.current);
    stop.current = setTimeout(quiet, TYPING_STOP_MS);
    clearTimeout(later.current);
    const tell = () => {
      told.current = Date.now();
      session.typing(true, value.slice(0, MAX_TEXT));
    };
    const wait = told.current + TYPING_EVERY_MS - Date.now();
    if (wait <= 0) tell();
    else later.current = setTimeout(tell, wait);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter belongs to it; some report only the old key code 229.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  const placeholder = status === "with_bot" ? w.placeholder : status === "resolved" ? w.placeholderResolved : w.placeholderAgent;
  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <div class={`field ${over > 0 ? "over" : ""}`}>
        <textarea ref={area} rows={1} value={text} placeholder={placeholder} aria-label={placeholder} aria-invalid={over > 0} enterkeyhint="send" onInput={(event) => { onInput(event.currentTarget.value); }} onKeyDown={onKeyDown} />
        <button type="submit" class="send" aria-label={w.send} title={w.send} disabled={!sendable}>
          <Icon name="send" size={19} />
        </button>
      </div>
      <div class="under">
        {status === "with_bot" || status === "resolved" ? (
          <button type="button" class="talk" disabled={!ready || state.asking} onClick={() => void session.requestHuman()}>
            <Icon name="person" size={15} /> {state.asking ? w.asking : w.talk}
          </button>
        ) : (
          <span />
        )}
        {length > COUNTER_FROM ? (
          <span class={over > 0 ? "count bad" : "count"} role="status">
            {over > 0 ? fill(w.tooLong, { n: over }) : `${length} / ${MAX_TEXT}`}
          </span>
        ) : (
          <span class="powered">{w.poweredBy}</span>
        )}
      </div>
    </form>
  );
}
