import { SendOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Flex, Input, Segmented, Typography, type GetRef } from "antd";
import { forwardRef, useEffect, useImperativeHandle, useRef, useState, type KeyboardEvent } from "react";
import { MAX_TEXT } from "@jieli/protocol";
import { say, typing } from "../connection";
import { useText } from "../i18n";
import { api } from "../lib/api";
import type { CannedReply } from "../lib/types";
import { draftOf, useDrafts } from "../state/drafts";
import { useSession } from "../state/session";
import { CannedMenu } from "./CannedMenu";
import { codeAt, filled, matching } from "./canned";

const TYPING_EVERY = 3_000;

export interface ComposerHandle {
  focus: () => void;
  toggleNote: () => void;
  insert: (text: string) => void;
}

interface Props {
  conv: string;
  visitor: string;
  language: string;
  canReply: boolean;
  onSent: () => void;
}

export const Composer = forwardRef<ComposerHandle, Props>(function Composer({ conv, visitor, language, canReply, onSent }, ref) {
  const { t } = useText();
  const { me } = useSession();
  const draft = useDrafts((s) => draftOf(s.drafts, conv));
  const setDraft = useDrafts((s) => s.set);
  const area = useRef<GetRef<typeof Input.TextArea>>(null);
  const [cursor, setCursor] = useState(0);
  const [picked, setPicked] = useState(0);
  const [dismissed, setDismissed] = useState(false);
  const told = useRef(0);
  const { data: replies = [] } = useQuery({ queryKey: ["canned"], queryFn: api.canned, staleTime: 300_000 });

  const kind = canReply ? draft.kind : "note";
  const { text } = draft;
  const code = kind === "text" && !dismissed ? codeAt(text, cursor) : null;
  const options = code ? matching(replies, code.typed, language) : [];
  const tooLong = text.length - MAX_TEXT;

  const caret = (at: number) =>
    requestAnimationFrame(() => {
      const el = area.current?.resizableTextArea?.textArea;
      el?.setSelectionRange(at, at);
      setCursor(at);
    });
  const write = (next: string, at: number) => {
    setDraft(conv, { text: next, kind });
    setCursor(at);
    setDismissed(false);
    setPicked(0);
    if (kind === "text" && canReply && next && Date.now() - told.current > TYPING_EVERY) {
      told.current = Date.now();
      typing(conv, true);
    }
  };
  useEffect(() => () => void (told.current && typing(conv, false)), [conv]);

  useImperativeHandle(ref, () => ({
    focus: () => area.current?.focus({ cursor: "end" }),
    toggleNote: () => {
      setDraft(conv, { text, kind: kind === "note" ? "text" : "note" });
      area.current?.focus({ cursor: "end" });
    },
    insert: (more) => {
      const next = text ? `${text}\n${more}` : more;
      setDraft(conv, { text: next, kind: "text" });
      area.current?.focus({ cursor: "end" });
    },
  }));

  const use = (reply: CannedReply) => {
    if (!code) return;
    const inserted = filled(reply.text, { visitor, agent: me.name });
    const next = text.slice(0, code.from) + inserted + text.slice(cursor);
    write(next, code.from + inserted.length);
    setDismissed(true);
    area.current?.focus();
    caret(code.from + inserted.length);
  };
  const send = () => {
    const ready = text.trim();
    if (!ready || tooLong > 0) return;
    say(conv, ready, kind);
    setDraft(conv, { text: "", kind: "text" });
    told.current = 0;
    typing(conv, false);
    onSent();
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // keyCode 229: Safari ends a composition before its Enter arrives
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (options.length) {
      const move = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const reply = options[picked];
      if (move) setPicked((picked + move + options.length) % options.length);
      else if ((event.key === "Enter" || event.key === "Tab") && reply) use(reply);
      else if (event.key === "Escape") setDismissed(true);
      else return;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      area.current?.blur();
    }
  };

  return (
    <div className={kind === "note" ? "composer note" : "composer"}>
      {code ? <CannedMenu options={options} picked={picked} onPick={use} /> : null}
      <Input.TextArea
        ref={area}
        variant="borderless"
        autoSize={{ minRows: 2, maxRows: 8 }}
        value={text}
        aria-label={t(kind === "note" ? "reply.note" : "reply.text")}
        placeholder={t(kind === "note" ? "reply.note_placeholder" : "reply.placeholder")}
        onChange={(e) => write(e.target.value, e.target.selectionStart)}
        onSelect={(e) => setCursor(e.currentTarget.selectionStart)}
        onKeyDown={press}
      />
      <Flex justify="space-between" align="center" gap={8} className="composer-foot">
        <Segmented
          size="small"
          aria-label={t("reply.mode")}
          value={kind}
          options={[{ value: "text", label: t("reply.text"), disabled: !canReply }, { value: "note", label: t("reply.note") }]}
          onChange={(value) => setDraft(conv, { text, kind: value === "note" ? "note" : "text" })}
        />
        {tooLong > 0 ? (
          <Typography.Text type="danger" className="small">{t("reply.long", { max: MAX_TEXT, n: tooLong })}</Typography.Text>
        ) : (
          <Typography.Text type="secondary" className="small keys-hint" ellipsis>{t("reply.hint")}</Typography.Text>
        )}
        <Button type="primary" icon={<SendOutlined />} disabled={!text.trim() || tooLong > 0} onClick={send}>
          {t(kind === "note" ? "reply.save_note" : "reply.send")}
        </Button>
      </Flex>
    </div>
  );
});
