import Markdown, { type Components } from "react-markdown";
import remarkBreaks from "remark-breaks";
import remarkGfm from "remark-gfm";

const ALLOWED = [
  "p", "br", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "a",
  "h1", "h2", "h3", "h4", "hr", "table", "thead", "tbody", "tr", "th", "td",
] as const;

/** http, https and mailto; everything else is no link. */
export function safeUrl(url: string): string {
  return /^(https?:\/\/|mailto:)/i.test(url.trim()) ? url : "";
}

const components: Components = {
  a: ({ href, children }) => {
    if (!href) return <>{children}</>;
    const host = href.startsWith("mailto:") ? null : new URL(href, location.href).host;
    return (
      <a href={href} target="_blank" rel="noopener nofollow noreferrer" title={host ?? href}>{children}</a>
    );
  },
};

/** Text of visitors, bot and knowledge base: Markdown from an allow-list, never HTML, never images. */
export function SafeText({ text }: { text: string }) {
  return (
    <div className="md">
      <Markdown skipHtml={false} allowedElements={[...ALLOWED]} unwrapDisallowed urlTransform={safeUrl} remarkPlugins={[remarkGfm, remarkBreaks]} components={components}>
        {text}
      </Markdown>
    </div>
  );
}

/** What a person typed: shown as typed, line by line. */
export function PlainText({ text }: { text: string }) {
  return <div className="plain">{text}</div>;
}
