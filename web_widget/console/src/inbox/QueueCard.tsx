import { Avatar, Button, Flex, Tag, Typography } from "antd";
import { useText } from "../i18n";
import { tint } from "../lib/tint";
import type { Waiting } from "../lib/types";
import { EmotionMark } from "./EmotionMark";
import { WaitClock } from "./WaitClock";

interface Props {
  row: Waiting;
  selected: boolean;
  onOpen: () => void;
  onTake: (() => void) | null;
}

/** A waiting conversation: why it came, the visitor's words, how long. */
export function QueueCard({ row, selected, onOpen, onTake }: Props) {
  const { t, language, w, guest, urgency } = useText();
  return (
    <div className={selected ? "card selected" : "card"}>
      <button type="button" className="card-body" aria-current={selected} onClick={onOpen}>
        <Avatar style={{ background: tint(row.conv) }}>{[...guest(row)][0]}</Avatar>
        <div className="grow min0">
          <Flex justify="space-between" gap={8} align="baseline">
            <Typography.Text strong ellipsis>{guest(row)}</Typography.Text>
            <WaitClock since={row.waiting_since} />
          </Flex>
          <Typography.Text className="reason">{language === "en" ? row.reason_en : row.reason_zh}</Typography.Text>
          {row.evidence[0] ? <blockquote className="evidence">{row.evidence[0]}</blockquote> : null}
          <Flex gap={4} align="center" wrap className="marks">
            <EmotionMark negative={row.negative} />
            <Tag variant="filled">{w("rule", row.reason)}</Tag>
            <Tag variant="filled">{urgency(row.priority)}</Tag>
            <Typography.Text type="secondary" className="small">{w("lang", row.language)}</Typography.Text>
            {row.state === "offered" ? <Typography.Text type="secondary" className="small">· {t("queue.offered")}</Typography.Text> : null}
          </Flex>
        </div>
      </button>
      {onTake ? <Button size="small" className="take" onClick={onTake}>{t("queue.take")}</Button> : null}
    </div>
  );
}
