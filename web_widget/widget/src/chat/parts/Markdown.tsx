import { lexer, type Token, type Tokens } from "marked";
import { Fragment, type ComponentChildren } from "preact";

const SCHEMES = new Set(["http:", "https:", "mailto:"]);

/** The address when it may be linked to, else null. Relative addresses are refused: they would point at the chat. */
export function safeHref(href: string | null | undefined): string | null {
  if (!href) return null;
  try {
    const url = new URL(href);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function SafeLink({ href, children }: { href: string | null | undefined; children: ComponentChildren }) {
  const safe = safeHref(href);
  if (!safe) return <>{children}</>;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

interface Marks {
  /** Makes the button for a source number in the text, or null when there is no such source. */
  cite?: (n: number) => ComponentChildren;
}

/** Markdown as elements from a fixed list: no HTML, no images, no styles. HTML in the text is shown as text. */
export function Markdown({ text, cite }: { text: string } & Marks) {
  return <div class="md">{blocks(lexer(text, { gfm: true, breaks: true }), { cite })}</div>;
}

function blocks(tokens: Token[], marks: Marks): ComponentChildren {
  return tokens.map((token, index) => <Fragment key={index}>{block(token, marks)}</Fragment>);
}

function block(token: Token, marks: Marks): ComponentChildren {
  switch (token.type) {
    case "paragraph":
      return <p>{inlines(token.tokens ?? [], marks)}</p>;
    case "heading":
      return <p class="md-h">{inlines(token.tokens ?? [], marks)}</p>;
    case "list": {
      const list = token as Tokens.List;
      const items = list.items.map((item, index) => <li key={index}>{blocks(item.tokens, marks)}</li>);
      return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
    }
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [], marks)}</blockquote>;
    case "code":
      return (
        <pre tabIndex={0}>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case "table":
      return table(token as Tokens.Table, marks);
    case "hr":
      return <hr />;
    case "space":
    case "def":
      return null;
    default:
      return inline(token, marks);
  }
}

function table({ header, rows }: Tokens.Table, marks: Marks): ComponentChildren {
  return (
    <div class="md-table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index}>{inlines(cell.tokens, marks)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, index) => (
                <td key={index}>{inlines(cell.tokens, marks)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(tokens: Token[], marks: Marks): ComponentChildren {
  return tokens.map((token, index) => <Fragment key={index}>{inline(token, marks)}</Fragment>);
}

function inline(token: Token, marks: Marks): ComponentChildren {
  switch (token.type) {
    case "strong":
      return <strong>{inlines(token.tokens ?? [], marks)}</strong>;
    case "em":
      return <em>{inlines(token.tokens ?? [], marks)}</em>;
    case "del":
      return <del>{inlines(token.tokens ?? [], marks)}</del>;
    case "codespan":
      return <code>{(token as Tokens.Codespan).text}</code>;
    case "br":
      return <br />;
    case "link":
      return <SafeLink href={(token as Tokens.Link).href}>{inlines(token.tokens ?? [], marks)}</SafeLink>;
    case "text":
      return token.tokens ? inlines(token.tokens, marks) : plain((token as Tokens.Text).text, marks);
    case "escape":
    case "image":
      return (token as Tokens.Escape).text;
    default:
      return token.raw;
  }
}

/** Text with its source marks [1] as buttons. */
function plain(text: string, { cite }: Marks): ComponentChildren {
  if (!cite) return text;
  return text.split(/(\[\d{1,2}\])/).map((part) => {
    const number = /^\[(\d{1,2})\]$/.exec(part)?.[1];
    return (number && cite(Number(number))) || part;
  });
}
