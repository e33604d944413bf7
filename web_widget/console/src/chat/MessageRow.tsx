import { CheckOutlined, LockOutlined, RobotOutlined, WarningOutlined } from "@ant-design/icons";
import { Avatar, Button, Flex, Popover, Tag, Typography } from "antd";
import { memo } from "react";
import { isTextKey, useText } from "../i18n";
import { moment } from "../lib/time";
import { tint } from "../lib/tint";
import type { Citation, VerdictView } from "../lib/types";
import type { Pending } from "../state/log";
import type { Row } from "../wire";
import { PlainText, SafeText, safeUrl } from "./SafeText";
import { EmotionOfTurn } from "./Verdict";

function Sources({ citations }: { citations: Citation[] }) {
  const { t } = useText();
  return (
    <Flex gap={4} wrap align="center" className="sources">
      <Typography.Text type="secondary" className="small">{t("msg.sources")}</Typography.Text>
      {citations.map((c) => (
        <Popover
          key={c.n}
          title={c.title}
          content={
            <div className="quote">
              <PlainText text={c.quote} />
              {c.url && safeUrl(c.url) ? <a href={c.url} target="_blank" rel="noopener nofollow noreferrer">{c.url}</a> : null}
              {c.path && !c.url ? <Typography.Text type="secondary" className="small">{c.path}</Typography.Text> : null}
            </div>
          }
        >
          <Tag variant="filled" tabIndex={0} className="source">{c.n}. {c.title}</Tag>
        </Popover>
      ))}
    </Flex>
  );
}

export function EventRow({ row }: { row: Row }) {
  const { t, language } = useText();
  const { body } = row;
  const key = `event.${String(body["event"] ?? "")}`;
  const given = body[language === "en" ? "text_en" : "text_zh"];
  const text =
    row.kind === "briefing" ? t("brief.inline")
    : row.kind === "bot_failed" ? t("msg.bot_failed")
    : row.kind === "private" ? t("msg.private")
    : typeof given === "string" && given ? given
    : isTextKey(key) ? t(key) : String(body["event"] ?? "");
  return (
    <div className="row event">
      {row.kind === "bot_failed" ? <WarningOutlined /> : null} {text} · {moment(row.ts, language)}
    </div>
  );
}

interface Props {
  row: Row;
  head: boolean;
  mine: boolean;
  seen: boolean;
  name: string;
  verdict: VerdictView | undefined;
}

export const MessageRow = memo(function MessageRow({ row, head, mine, seen, name, verdict }: Props) {
  const { t, language } = useText();
  const side = row.from === "visitor" ? "left" : "right";
  const note = row.kind === "note";
  const text = String(row.body["text"] ?? "");
  const citations = (row.body["citations"] ?? []) as Citation[];
  const files = (row.body["attachments"] ?? []) as Record<string, unknown>[];
  const confidence = row.body["confidence"];
  return (
    <div className={`row ${side} ${row.from}${note ? " note" : ""}${head ? " head" : ""}`}>
      {side === "left" ? <span className="who-dot">{head ? <Avatar size={28} style={{ background: tint(row.conv) }}>{[...name][0]}</Avatar> : null}</span> : null}
      <div className="bubble-wrap">
        {head ? (
          <Typography.Text type="secondary" className="small meta">
            {note ? <><LockOutlined /> {t("msg.note")} · </> : null}
            {row.from === "bot" ? <RobotOutlined /> : null} {mine ? t("from.me") : name} · {moment(row.ts, language)}
          </Typography.Text>
        ) : null}
        <div className="bubble">
          {row.from === "bot" ? <SafeText text={text} /> : <PlainText text={text} />}
          {files.map((file, i) => <Tag key={i} variant="filled">{t("msg.attachment")}: {String(file["name"] ?? "")}</Tag>)}
          {citations.length ? <Sources citations={citations} /> : null}
        </div>
        <Flex gap={4} align="center" wrap className="under">
          {verdict ? <EmotionOfTurn verdict={verdict} /> : null}
          {verdict && verdict.decision !== "answer" ? <Tag variant="filled" color={verdict.decision === "escalate" ? "red" : "gold"}>{t(`why.${verdict.decision}`)}</Tag> : null}
          {row.from === "bot" && row.body["answered"] === false ? <Tag variant="filled">{t("msg.unanswered")}</Tag> : null}
          {row.from === "bot" && typeof confidence === "number" ? <Typography.Text type="secondary" className="small">{t("msg.confidence", { n: `${Math.round(confidence * 100)}%` })}</Typography.Text> : null}
          {row.body["offer_person"] ? <Tag variant="filled" color="gold">{t("msg.offered_person")}</Tag> : null}
          {mine && !note && seen ? <Typography.Text type="secondary" className="small"><CheckOutlined /> {t("msg.read")}</Typography.Text> : null}
        </Flex>
      </div>
    </div>
  );
});

export function PendingRow({ item, onAgain }: { item: Pending; onAgain: () => void }) {
  const { t } = useText();
  return (
    <div className={`row right agent pending${item.kind === "note" ? " note" : ""}`}>
      <div className="bubble-wrap">
        <div className="bubble"><PlainText text={item.text} /></div>
        <Flex gap={8} className="under">
          {item.failed === undefined ? (
            <Typography.Text type="secondary" className="small">{t("msg.sending")}</Typography.Text>
          ) : (
            <>
              <Typography.Text type="danger" className="small">{t("msg.failed", { why: item.failed })}</Typography.Text>
              <Button size="small" type="link" onClick={onAgain}>{t("msg.retry")}</Button>
            </>
          )}
        </Flex>
      </div>
    </div>
  );
}
