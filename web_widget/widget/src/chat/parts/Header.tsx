import { useEffect, useRef, useState } from "preact/hooks";
import type { Locale, Theme } from "../../shared/messages.ts";
import { nobodyHere, type ChatState } from "../model.ts";
import type { ChatSession } from "../session.ts";
import { useWords, type Words } from "../words/index.ts";
import { Avatar, Icon } from "./icons.tsx";
import { inboxTexts } from "./Welcome.tsx";

export interface Choices {
  theme: Theme;
  setTheme: (theme: Theme) => void;
  setLocale: (locale: Locale) => void;
  close: () => void;
}

function statusOf(state: ChatState, w: Words): string {
  if (state.head?.status === "queued") return nobodyHere(state) ? w.queueNobody : w.statusQueued;
  if (state.head?.status === "with_agent") return w.statusAgent;
  return state.head?.status === "resolved" ? w.statusResolved : w.statusBot;
}

export function Header({ state, session, choices }: { state: ChatState; session: ChatSession; choices: Choices }) {
  const { w, locale } = useWords();
  const agent = state.head?.status === "with_agent" ? state.head.agent : null;
  const title = inboxTexts(state, locale).title || w.title;
  return (
    <header class="header">
      <span class="brand">
        <Avatar name={agent?.name ?? title} kind={agent ? "agent" : "brand"} size={40} />
        <span class={`presence ${state.connection.state === "open" && !nobodyHere(state) ? "on" : ""}`} />
      </span>
      <div class="heading">
        <h1>{agent?.name || title}</h1>
        <p aria-live="polite">{statusOf(state, w)}</p>
      </div>
      <Menu state={state} session={session} choices={choices} />
      <button type="button" class="icon-button" aria-label={w.closeChat} title={w.closeChat} onClick={choices.close}>
        <Icon name="close" size={22} />
      </button>
    </header>
  );
}

function Menu({ state, session, choices }: { state: ChatState; session: ChatSession; choices: Choices }) {
  const { w, locale } = useWords();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>(".menu button")?.focus();
    const away = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    return () => {
      document.removeEventListener("pointerdown", away);
    };
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    setOpen(false);
    box.current?.querySelector("button")?.focus();
  };
  const running = state.head !== null && state.head.status !== "resolved";
  return (
    <div class="menu-box" ref={box} onKeyDown={onKeyDown}>
      <button type="button" class="icon-button" aria-label={w.menu} title={w.menu} aria-expanded={open} onClick={() => { setOpen(!open); }}>
        <Icon name="more" size={22} />
      </button>
      {open && (
        <div class="menu">
          <Choice label={w.language} value={locale} options={[["zh-CN", "中文"], ["en", "English"]]} choose={choices.setLocale} />
          <Choice label={w.theme} value={choices.theme} options={[["light", w.light], ["dark", w.dark], ["auto", w.auto]]} choose={choices.setTheme} />
          {state.head && (
            <button type="button" class="menu-item" onClick={() => { setOpen(false); if (running) void session.end(); else session.startNew(); }}>
              <Icon name={running ? "check" : "plus"} size={17} /> {running ? w.endChat : w.newChat}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Choice<T extends string>({ label, value, options, choose }: { label: string; value: T; options: [T, string][]; choose: (value: T) => void }) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map(([key, text]) => (
        <button key={key} type="button" aria-pressed={value === key} onClick={() => { choose(key); }}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}
