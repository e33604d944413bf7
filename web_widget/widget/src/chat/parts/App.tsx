import { useEffect, useState } from "preact/hooks";
import type { ChatState } from "../model.ts";
import type { ChatSession } from "../session.ts";
import { LocaleContext, useWords } from "../words/index.ts";
import type { Locale } from "../../shared/messages.ts";
import { LeaveMessage, QueueCard, Rating } from "./Cards.tsx";
import { Composer } from "./Composer.tsx";
import { Header, type Choices } from "./Header.tsx";
import { Thread } from "./Thread.tsx";

const FOCUSABLE = 'button:not(:disabled),a[href],input,textarea,[tabindex="0"]';
/** Short interruptions are healed before anybody needs to read about them. */
const BANNER_DELAY_MS = 1_500;

export function useStore(session: ChatSession): ChatState {
  const [state, setState] = useState(session.value);
  useEffect(() => {
    setState(session.value);
    return session.follow(() => {
      setState(session.value);
    });
  }, [session]);
  return state;
}

/** Keeps the Tab key inside the chat. */
function trap(event: KeyboardEvent): void {
  const all = [...document.querySelectorAll<HTMLElement>(FOCUSABLE)];
  const [first, last] = [all[0], all.at(-1)];
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last?.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first?.focus();
  }
}

export interface AppProps {
  session: ChatSession;
  locale: Locale;
  choices: Choices;
  /** Counts the times the chat was opened. */
  opened: number;
}

export function App({ session, locale, choices, opened }: AppProps) {
  return (
    <LocaleContext.Provider value={locale}>
      <Chat session={session} choices={choices} opened={opened} />
    </LocaleContext.Provider>
  );
}

function Chat({ session, choices, opened }: Omit<AppProps, "locale">) {
  const state = useStore(session);
  const [leaving, setLeaving] = useState(false);
  const status = state.head?.status;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.isComposing) choices.close();
    if (event.key === "Tab") trap(event);
  };
  return (
    <div class="chat" onKeyDown={onKeyDown}>
      <Header state={state} session={session} choices={choices} />
      <Banner state={state} session={session} />
      <Thread state={state} session={session} />
      {leaving ? (
        <LeaveMessage session={session} done={() => { setLeaving(false); }} />
      ) : status === "queued" ? (
        <QueueCard state={state} session={session} leave={() => { setLeaving(true); }} />
      ) : status === "resolved" ? (
        <Rating key={state.head?.id} state={state} session={session} />
      ) : null}
      <Composer state={state} session={session} focus={opened} />
    </div>
  );
}

function Banner({ state, session }: { state: ChatState; session: ChatSession }) {
  const { w } = useWords();
  const { connection, phase } = state;
  const broken = phase === "failed" || connection.state === "waiting" || (phase === "ready" && connection.state === "connecting");
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!broken) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => { setLate(true); }, BANNER_DELAY_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [broken]);
  if (connection.state === "closed") {
    const replaced = connection.reason === "replaced";
    return (
      <div class="banner" role="alert">
        <span>{replaced ? w.replaced : w.closed}</span>
        <button type="button" class="text" onClick={session.reconnect}>
          {replaced ? w.useHere : w.again}
        </button>
      </div>
    );
  }
  if (state.problem)
    return (
      <div class="banner" role="alert">
        <span>{state.problem}</span>
        <button type="button" class="text" onClick={session.dismiss}>
          {w.close}
        </button>
      </div>
    );
  return broken && late ? (
    <div class="banner" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{phase === "failed" ? w.startFailed : w.offline}</span>
    </div>
  ) : null;
}
