import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { nobodyHere, type ChatState, type QueueView } from "../model.ts";
import type { ChatSession } from "../session.ts";
import { fill, useWords, type Words } from "../words/index.ts";
import { Icon } from "./icons.tsx";

const MINUTE_MS = 60_000;

/** How long it may take, in words; an honest "as soon as" when nobody can say. */
export function waitText({ low, high }: Pick<QueueView, "low" | "high">, w: Words): string {
  if (high === null) return w.waitUnknown;
  if (high <= MINUTE_MS) return w.waitShort;
  const [from, to] = [Math.floor((low ?? 0) / MINUTE_MS), Math.ceil(high / MINUTE_MS)];
  return from < 1 || from === to ? fill(w.waitUp, { high: to }) : fill(w.waitRange, { low: from, high: to });
}

/** Waiting for a person: place, time, and the two ways out. */
export function QueueCard({ state, session, leave }: { state: ChatState; session: ChatSession; leave: () => void }) {
  const { w } = useWords();
  const { queue } = state;
  const nobody = nobodyHere(state);
  const place = !queue ? w.queueTitle : queue.position <= 1 ? w.queueFirst : fill(w.queuePosition, { n: queue.position - 1 });
  return (
    <section class="card queue" aria-label={w.queueTitle}>
      <div class="queue-top">
        {!nobody && <span class="pulse" aria-hidden="true" />}
        <div role="status">
          <b>{nobody ? w.leaveTitle : place}</b>
          {!nobody && <p>{waitText(queue ?? { low: null, high: null }, w)}</p>}
        </div>
      </div>
      <p class="hint">{nobody ? w.leaveHint : w.queueHint}</p>
      <div class="actions">
        <button type="button" class="button" onClick={() => void session.stayWithBot()}>
          {w.stay}
        </button>
        <button type="button" class={nobody ? "button primary" : "button"} onClick={leave}>
          <Icon name="mail" size={16} /> {w.leave}
        </button>
      </div>
    </section>
  );
}

export function LeaveMessage({ session, done }: { session: ChatSession; done: () => void }) {
  const { w } = useWords();
  const [contact, setContact] = useState("");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!contact.trim() || !text.trim()) {
      setProblem(w.required);
      return;
    }
    setBusy(true);
    try {
      await session.leaveMessage(contact.trim(), text.trim());
      done();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : w.failed);
      setBusy(false);
    }
  };
  return (
    <form class="card" noValidate onSubmit={(event) => void submit(event)}>
      <b>{w.leaveTitle}</b>
      <p class="hint">{w.leaveHint}</p>
      <Labelled text={w.contact}>
        <input value={contact} maxLength={200} autoComplete="email" aria-invalid={!!problem && !contact.trim()} onInput={(event) => { setContact(event.currentTarget.value); }} />
      </Labelled>
      <Labelled text={w.leaveText}>
        <textarea rows={3} value={text} maxLength={8000} aria-invalid={!!problem && !text.trim()} onInput={(event) => { setText(event.currentTarget.value); }} />
      </Labelled>
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={done}>
          {w.cancel}
        </button>
        <button type="submit" class="button primary" disabled={busy}>
          {w.submit}
        </button>
      </div>
    </form>
  );
}

function Labelled({ text, children }: { text: string; children: ComponentChildren }) {
  return (
    <label class="labelled">
      <span>{text}</span>
      {children}
    </label>
  );
}

/** After the end: a rating with a word, and the way to a new conversation. */
export function Rating({ state, session }: { state: ChatState; session: ChatSession }) {
  const { w } = useWords();
  const [score, setScore] = useState(0);
  const [comment, setComment] = useState("");
  const [problem, setProblem] = useState("");
  const rated = state.head?.rated;
  const submit = (event: Event) => {
    event.preventDefault();
    session.rate(score, comment.trim()).catch((error: unknown) => {
      setProblem(error instanceof Error ? error.message : w.failed);
    });
  };
  return (
    <form class="card rating" onSubmit={submit}>
      <b>{rated ? w.rateDone : w.rateTitle}</b>
      {!rated && (
        <div class="stars" role="radiogroup" aria-label={w.rateTitle}>
          {[1, 2, 3, 4, 5].map((n) => (
            <label key={n} class={n <= score ? "star on" : "star"}>
              <input type="radio" name="score" value={n} checked={score === n} aria-label={fill(w.rateScore, { n })} onChange={() => { setScore(n); }} />
              <Icon name="star" size={30} fill={n <= score} />
            </label>
          ))}
        </div>
      )}
      {!rated && score > 0 && (
        <>
          <p class="hint">{w.rateWords.split(",")[score - 1]}</p>
          <textarea rows={2} value={comment} maxLength={1000} placeholder={w.rateComment} aria-label={w.rateComment} onInput={(event) => { setComment(event.currentTarget.value); }} />
        </>
      )}
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={() => { session.startNew(); }}>
          <Icon name="plus" size={16} /> {w.newChat}
        </button>
        {!rated && score > 0 && (
          <button type="submit" class="button primary">
            {w.submit}
          </button>
        )}
      </div>
    </form>
  );
}
