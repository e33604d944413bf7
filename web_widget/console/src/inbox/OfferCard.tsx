import { CustomerServiceOutlined } from "@ant-design/icons";
import { Button, Card, Flex, Progress, Tag, Typography } from "antd";
import { useText } from "../i18n";
import { clock } from "../lib/time";
import { useNow } from "../lib/useNow";
import type { QueueOffered } from "../wire";
import { EmotionMark } from "./EmotionMark";

const OFFER_MS = 30_000; // the queues' default; only the length of the bar hangs on it

interface Props {
  offer: QueueOffered;
  busy: boolean;
  compact?: boolean;
  onAccept: () => void;
  onDecline: () => void;
}

export function OfferCard({ offer, busy, compact = false, onAccept, onDecline }: Props) {
  const { t, language, w, guest, urgency } = useText();
  const now = useNow(500);
  const left = Math.max(0, offer.expires - now);
  const seconds = Math.ceil(left / 1000);
  const urgent = seconds <= 8;
  const whyYou = language === "en" ? offer.why_en : offer.why_zh;
  const reason = language === "en" ? offer.reason_en : offer.reason_zh;
  return (
    <Card size="small" className={compact ? "offer compact" : "offer"} role="group" aria-label={`${t("offer.title")}: ${guest(offer)}`}>
      <Flex vertical gap={8}>
        <Flex justify="space-between" align="center" gap={8}>
          <Typography.Text strong ellipsis>
            <CustomerServiceOutlined /> {compact ? "" : `${t("offer.title")} · `}{guest(offer)}
          </Typography.Text>
          <Typography.Text type={urgent ? "danger" : "secondary"} className="clock small nowrap">{t("offer.left", { n: seconds })}</Typography.Text>
        </Flex>
        <Progress percent={Math.min(100, (left / OFFER_MS) * 100)} showInfo={false} size={{ height: 3 }} status={urgent ? "exception" : "normal"} aria-hidden />
        <Typography.Text>{reason}</Typography.Text>
        {offer.evidence.slice(0, compact ? 1 : 2).map((quote) => <blockquote key={quote} className="evidence">{quote}</blockquote>)}
        <Flex gap={4} wrap align="center">
          <EmotionMark negative={offer.negative} />
          <Tag variant="filled">{w("rule", offer.reason)}</Tag>
          <Tag variant="filled">{urgency(offer.priority)}</Tag>
          <Typography.Text type="secondary" className="small">
            {w("lang", offer.language)} · {t("offer.wait", { time: clock(now - offer.waiting_since) })}
          </Typography.Text>
        </Flex>
        {whyYou && !compact ? <Typography.Text type="secondary" className="small">{t("offer.why_you", { why: whyYou })}</Typography.Text> : null}
        <Flex gap={8} align="center">
          <Button type="primary" loading={busy} onClick={onAccept} className="grow" size={compact ? "small" : "middle"}>{t("offer.accept")}</Button>
          <Button onClick={onDecline} disabled={busy} size={compact ? "small" : "middle"}>{t("offer.decline")}</Button>
        </Flex>
        {compact ? null : <Typography.Text type="secondary" className="small keys-hint">{t("offer.keys")}</Typography.Text>}
      </Flex>
    </Card>
  );
}
