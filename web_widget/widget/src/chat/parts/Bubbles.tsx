import { asEvent, asText, type Row } from "@jieli/protocol";
import type { ComponentChildren } from "preact";
import type { ChatSession } from "../session.ts";
import type { ChatState, Outgoing } from "../model.ts";
import { fill, useWords } from "../words/index.ts";
import { Answer } from "./Citations.tsx";
import { Avatar, Icon } from "./icons.tsx";
import { Markdown } from "./Markdown.tsx";

/** Longer texts wrap and stand without the lines beside them. */
const LONG_EVENT = 24;

const clockTime = (ts: number, locale: string) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }).format(ts);

function Line({ row, kind, name, first, children }: { row?: Row; kind: "bot" | "agent"; name: string; first: boolean; children: ComponentChildren }) {
  const { w, locale } = useWords();
  return (
    <div class={`line line-${kind}${first ? " first" : ""}`}>
      {first ? <Avatar name={name} kind={kind} /> : <span class="avatar-gap" />}
      <div class="stack">
        {first && (
          <div class="who">
            <b>{name}</b>
            <span class={`tag tag-${kind}`}>{kind === "bot" ? w.botTag : w.personTag}</span>
            {row && <time dateTime={new Date(row.ts).toISOString()}>{clockTime(row.ts, locale)}</time>}
          </div>
        )}
        {children}
      </div>
    </div>
  );
}

export function BotBubble({ row, first, latest, state, session }: { row: Row; first: boolean; latest: boolean; state: ChatState; session: ChatSession }) {
  const { w } = useWords();
  const { text, citations = [], answered, offer_person: offered } = asText(row);
  const thumb = state.thumbs[row.seq];
  const withBot = state.head?.status === "with_bot";
  return (
    <Line row={row} kind="bot" name={row.name || w.bot} first={first}>
      <div class="bubble bubble-bot">
        <Answer text={text} citations={citations} />
      </div>
      {offered && latest && withBot && (
        <div class="offer">
          <button type="button" class="button primary" disabled={state.asking} onClick={() => void session.requestHuman("offered")}>
            <Icon name="person" size={16} /> {state.asking ? w.asking : w.talkLong}
          </button>
        </div>
      )}
      {(citations.length > 0 || answered) && (
        <div class="thumbs">
          {[true, false].map((helpful) => (
            <button key={String(helpful)} type="button" aria-label={helpful ? w.helpful : w.unhelpful} title={helpful ? w.helpful : w.unhelpful} aria-pressed={thumb === helpful} onClick={() => { session.feedback(row.seq, helpful); }}>
              <Icon name={helpful ? "up" : "down"} size={15} />
            </button>
          ))}
          {thumb !== undefined && <small role="status">{w.thanks}</small>}
        </div>
      )}
    </Line>
  );
}

export function AgentBubble({ row, first }: { row: Row; first: boolean }) {
  const { w } = useWords();
  return (
    <Line row={row} kind="agent" name={row.name || w.personTag} first={first}>
      <div class="bubble bubble-agent">
        <Markdown text={asText(row).text} />
      </div>
    </Line>
  );
}

export function StreamBubble({ text }: { text: string }) {
  const { w } = useWords();
  return (
    <div aria-live="off" aria-busy="true" data-answer="">
      <Line kind="bot" name={w.bot} first>
        <div class="bubble bubble-bot streaming">
          <Markdown text={text} />
        </div>
      </Line>
    </div>
  );
}

/** Three dots: the bot thinks, or a person types. */
export function Dots({ kind, name, label }: { kind: "bot" | "agent"; name: string; label: string }) {
  return (
    <Line kind={kind} name={name} first>
      <div class="bubble bubble-bot dots" role="status" aria-label={label}>
        <i /> <i /> <i />
      </div>
    </Line>
  );
}

export function OwnBubble({ row, status }: { row: Row; status: "sent" | "seen" | null }) {
  const { w, locale } = useWords();
  return (
    <div class="line line-own">
      <div class="stack">
        <div class="bubble bubble-own" title={clockTime(row.ts, locale)}>
          {asText(row).text}
        </div>
        {status && (
          <div class="delivery">
            <Icon name="check" size={13} /> {status === "seen" ? w.seen : w.sent}
          </div>
        )}
      </div>
    </div>
  );
}

export function OutgoingBubble({ item, session }: { item: Outgoing; session: ChatSession }) {
  const { w } = useWords();
  const failed = item.state === "failed";
  return (
    <div class={`line line-own ${item.state}`}>
      <div class="stack">
        <div class="bubble bubble-own">{item.text}</div>
        <div class="delivery" role={failed ? "alert" : undefined}>
          {failed ? (
            <>
              <span class="bad">{item.error ?? w.failed}</span>
              <button type="button" class="text" onClick={() => { session.retry(item.cid); }}>
                {w.retry}
              </button>
              <button type="button" class="text" onClick={() => { session.discard(item.cid); }}>
                {w.discard}
              </button>
            </>
          ) : (
            w.sending
          )}
        </div>
      </div>
    </div>
  );
}

export function EventLine({ row }: { row: Row }) {
  const { w, locale } = useWords();
  const event = asEvent(row);
  const text = (locale === "en" ? event.text_en : event.text_zh) ?? "";
  const name = String(event.agent_name ?? "");
  if (event.event === "assigned" && name)
    return (
      <div class="joined">
        <Avatar name={name} kind="agent" size={44} />
        <b>{fill(w.agentHere, { name })}</b>
        <small>{w.statusAgent}</small>
      </div>
    );
  return text ? (
    <div class={[...text].length > (locale === "en" ? 2 * LONG_EVENT : LONG_EVENT) ? "event long" : "event"}>
      <span>{text}</span>
    </div>
  ) : null;
}
