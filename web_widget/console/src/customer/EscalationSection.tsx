import { Flex, Tag, Typography } from "antd";
import { Judge } from "../chat/Judge";
import { EmotionMark } from "../inbox/EmotionMark";
import { useText } from "../i18n";
import { duration, moment } from "../lib/time";
import type { EscalationRow } from "../lib/types";

export function EscalationSection({ conv, escalation }: { conv: string; escalation: EscalationRow | undefined }) {
  const { t, language, w, urgency } = useText();
  if (!escalation) return <Typography.Text type="secondary">{t("panel.no_escalation")}</Typography.Text>;
  const quotes = (escalation.evidence ?? []).map((e) => (typeof e === "string" ? e : e.text)).filter(Boolean);
  return (
    <Flex vertical gap={8}>
      <Typography.Text>{language === "en" ? escalation.reason_en : escalation.reason_zh}</Typography.Text>
      {quotes.map((quote) => <blockquote key={quote} className="evidence">{quote}</blockquote>)}
      <Flex gap={4} wrap>
        <EmotionMark negative={escalation.negative} />
        <Tag variant="filled">{w("rule", escalation.rule)}</Tag>
        {escalation.priority === undefined ? null : <Tag variant="filled">{urgency(escalation.priority)}</Tag>}
      </Flex>
      <Typography.Text type="secondary" className="small">
        {t("panel.asked")} {moment(escalation.requested, language)}
        {escalation.wait_ms === null || escalation.wait_ms === undefined ? "" : ` · ${t("panel.waited")} ${duration(escalation.wait_ms, language)}`}
      </Typography.Text>
      {escalation.accepted || escalation.judgement ? <Flex gap={8} align="center" wrap><Judge conv={conv} escalation={escalation} /></Flex> : null}
    </Flex>
  );
}
