import type { ChatState } from "../model.ts";
import type { ChatSession } from "../session.ts";
import { useWords } from "../words/index.ts";
import { Avatar } from "./icons.tsx";

interface InboxTexts {
  title?: string;
  greeting?: string;
  suggestions?: string[];
}

/** The inbox's own texts in the reader's language. */
export function inboxTexts(state: ChatState, locale: string): InboxTexts {
  const texts = state.inbox?.texts as Record<string, InboxTexts | undefined> | undefined;
  return texts?.[locale] ?? {};
}

/** Greeting and suggested questions; the questions go once something was asked. */
export function Welcome({ state, session }: { state: ChatState; session: ChatSession }) {
  const { w, locale } = useWords();
  const texts = inboxTexts(state, locale);
  const asked = state.outgoing.length > 0 || state.rows.some((row) => row.from === "visitor");
  if (state.phase !== "ready")
    return (
      <div class="skeleton" aria-hidden="true">
        <i /> <i /> <i />
      </div>
    );
  return (
    <div class="welcome">
      <div class="line line-bot first">
        <Avatar name={w.bot} kind="bot" />
        <div class="stack">
          <div class="who">
            <b>{w.bot}</b>
            <span class="tag tag-bot">{w.botTag}</span>
          </div>
          <div class="bubble bubble-bot">{texts.greeting || w.greeting}</div>
        </div>
      </div>
      {!asked && !!texts.suggestions?.length && (
        <div class="suggestions">
          {texts.suggestions.map((question) => (
            <button key={question} type="button" onClick={() => { session.say(question); }}>
              {question}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
