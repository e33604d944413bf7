import { Descriptions, Flex, Popover, Progress, Tag, Typography } from "antd";
import { useState } from "react";
import { EmotionMark } from "../inbox/EmotionMark";
import { useText } from "../i18n";
import type { VerdictView } from "../lib/types";

interface Near {
  rule: string;
  score: number;
  threshold: number;
}

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** The other rules and how near they came, from the shapes that `signals` may take. */
export function nearMisses(signals: Record<string, unknown>): Near[] {
  const raw = signals["near_misses"] ?? signals["near"] ?? [];
  const pairs: [string | null, unknown][] = Array.isArray(raw)
    ? raw.map((item: unknown) => [null, item])
    : Object.entries(raw as Record<string, unknown>);
  return pairs.flatMap(([name, item]) => {
    if (typeof item === "number" && name) return [{ rule: name, score: item, threshold: 1 }];
    if (!item || typeof item !== "object") return [];
    const record = item as Record<string, unknown>;
    const rule = name ?? String(record["rule"] ?? "");
    const score = number(record["score"] ?? record["value"]);
    const threshold = number(record["threshold"] ?? record["limit"]);
    return rule && score !== null ? [{ rule, score, threshold: threshold ?? 1 }] : [];
  });
}

/** Plain numbers and words among the signals, for whoever wants to look deeper. */
function plainSignals(signals: Record<string, unknown>): [string, string][] {
  const inner = (signals["contributions"] ?? signals) as Record<string, unknown>;
  return Object.entries(inner).flatMap(([key, value]): [string, string][] => {
    if (typeof value === "number") return [[key, String(Math.round(value * 1000) / 1000)]];
    if (typeof value === "boolean" || typeof value === "string") return [[key, String(value)]];
    return [];
  });
}

const TONE = { answer: "default", offer: "gold", escalate: "red" } as const;

export function VerdictDetail({ verdict }: { verdict: VerdictView }) {
  const { t, language, w } = useText();
  const near = nearMisses(verdict.signals);
  const evidence = verdict.evidence.map((e: unknown) => (typeof e === "string" ? e : String((e as { text?: string }).text ?? "")));
  const items = [
    { key: "rule", label: t("why.rule"), children: w("rule", verdict.rule) },
    { key: "score", label: t("why.score"), children: `${verdict.score.toFixed(2)} / ${verdict.threshold.toFixed(2)}` },
    { key: "level", label: t("why.level"), children: typeof verdict.level === "number" ? verdict.level.toFixed(2) : verdict.level },
  ];
  return (
    <Flex vertical gap={8} className="verdict">
      <Flex gap={8} align="center">
        <Tag color={TONE[verdict.decision]} variant="filled">{t(`why.${verdict.decision}`)}</Tag>
        <EmotionMark negative={verdict.negative} />
      </Flex>
      <Typography.Text>{language === "en" ? verdict.reason_en : verdict.reason_zh}</Typography.Text>
      {evidence.filter(Boolean).map((quote) => <blockquote key={quote} className="evidence">{quote}</blockquote>)}
      <Descriptions size="small" column={1} items={items} />
      {near.length ? (
        <div>
          <Typography.Text type="secondary" className="small">{t("why.near")}</Typography.Text>
          {near.map((n) => (
            <Flex key={n.rule} gap={8} align="center" className="small">
              <span className="near-name">{w("rule", n.rule)}</span>
              <Progress aria-label={w("rule", n.rule)} percent={Math.min(100, (n.score / (n.threshold || 1)) * 100)} size={{ height: 4 }} showInfo={false} status="normal" className="grow" />
              <span className="nowrap">{n.score.toFixed(2)} / {n.threshold.toFixed(2)}</span>
            </Flex>
          ))}
        </div>
      ) : null}
      <details className="small">
        <summary>{t("why.signals")}</summary>
        <dl className="signals">
          {plainSignals(verdict.signals).map(([key, value]) => (<div key={key}><dt>{key}</dt><dd>{value}</dd></div>))}
        </dl>
      </details>
    </Flex>
  );
}

/** The emotion of a visitor's turn; a click tells why the bot did what it did. */
export function EmotionOfTurn({ verdict }: { verdict: VerdictView }) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  return (
    <Popover open={open} onOpenChange={setOpen} trigger="click" title={t("why.title")} content={<VerdictDetail verdict={verdict} />} placement="bottomLeft">
      <span title={t("why.open")} onKeyDown={(e) => e.key === "Escape" && (setOpen(false), e.stopPropagation())}><EmotionMark negative={verdict.negative} onClick={() => setOpen(true)} /></span>
    </Popover>
  );
}
