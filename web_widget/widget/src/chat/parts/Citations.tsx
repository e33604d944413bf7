import type { Citation } from "@jieli/protocol";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { fill, useWords } from "../words/index.ts";
import { Icon } from "./icons.tsx";
import { Markdown, SafeLink, safeHref } from "./Markdown.tsx";

/** An answer with its sources: marks in the text and chips below open the quoted passage. */
export function Answer({ text, citations }: { text: string; citations: Citation[] }) {
  const { w } = useWords();
  const [open, setOpen] = useState<number | null>(null);
  const panel = useId();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (open !== null) box.current?.scrollIntoView?.({ block: "nearest", behavior: "smooth" });
  }, [open]);
  const shown = citations.find(({ n }) => n === open);
  const toggle = (n: number) => {
    setOpen(open === n ? null : n);
  };
  const cite = (n: number) => {
    const source = citations.find((one) => one.n === n);
    if (!source) return null;
    return (
      <button type="button" class="cite" aria-label={fill(w.source, { n, title: source.title })} aria-expanded={open === n} aria-controls={panel} onClick={() => { toggle(n); }}>
        {n}
      </button>
    );
  };
  return (
    <>
      <Markdown text={text} cite={cite} />
      {citations.length > 0 && (
        <div class="sources">
          <span class="sources-label">{w.sources}</span>
          {citations.map(({ n, title }) => (
            <button key={n} type="button" class="chip" aria-expanded={open === n} aria-controls={panel} aria-label={fill(w.source, { n, title })} onClick={() => { toggle(n); }}>
              <b>{n}</b>
              <span>{title}</span>
            </button>
          ))}
        </div>
      )}
      <div id={panel} ref={box}>
        {shown && (
          <figure class="quote">
            <figcaption>{shown.title}</figcaption>
            <blockquote>
              <Markdown text={shown.quote} />
            </blockquote>
            {safeHref(shown.url) ? (
              <SafeLink href={shown.url}>
                <Icon name="link" size={14} /> {w.openSource}
              </SafeLink>
            ) : (
              shown.path && <small>{shown.path}</small>
            )}
          </figure>
        )}
      </div>
    </>
  );
}
